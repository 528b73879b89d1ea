import {
  findInvoicesByNumber,
  readLastNumbers,
  skipNumbers,
  type NumberedInvoice,
  type NumberOfSeries,
  type NumberSeries,
  type SkippedNumbers,
} from '../db/invoices/invoice-numbers.ts';
import type { Database, Queryable } from '../db/pool.ts';
import { toAmount } from '../domain/format.ts';
import type { ListedInvoice } from './issued-list.ts';

/** Numbers that are looked up together. */
const PAGE_SIZE = 1_000;
/** A tenant gets few numbers per month: a list that is further ahead is more likely wrong. */
const MAX_SKIPPED = 1_000;

/** An invoice or adjustment note of the list that the database doesn't have as listed. */
export interface ListedDifference {
  readonly listed: ListedInvoice;
  /** missing: no document has the number. different: its document says something else. */
  readonly what: 'missing' | 'different';
  /** What is different, or whether the number can be issued again. */
  readonly detail: string;
}

export interface IssuedComparison {
  /** Entries of the list. */
  readonly listed: number;
  readonly differences: readonly ListedDifference[];
  /** Missing numbers that later invoices or adjustment notes would get: the last one of each tenant and series. */
  readonly reusable: readonly NumberOfSeries[];
}

/**
 * Compares a list of issued invoices and adjustment notes with the database: it finds those that were lost by a restore,
 * and numbers that were issued again since for another one.
 */
export async function compareIssued(
  db: Queryable,
  list: readonly ListedInvoice[],
): Promise<IssuedComparison> {
  const stored = new Map<string, NumberedInvoice>();
  for (let at = 0; at < list.length; at += PAGE_SIZE) {
    const numbers = list.slice(at, at + PAGE_SIZE).map(({ number }) => number);
    for (const invoice of await findInvoicesByNumber(db, numbers)) {
      stored.set(invoice.number, invoice);
    }
  }
  const missing = list.flatMap((listed) => (stored.has(listed.number) ? [] : listed));
  const placed = missing.map((listed) => ({ listed, ...partsOf(listed.number) }));
  const lastNumbers = new Map(
    (await readLastNumbers(db, [...new Set(placed.map(({ tenantId }) => tenantId))])).map(
      ({ tenant_id: tenantId, kind, last_seq }) => [keyOf({ tenantId, kind }), last_seq] as const,
    ),
  );
  const reusable = new Map<string, NumberOfSeries>();
  const differences = placed.map(({ listed, tenantId, kind, seq }): ListedDifference => {
    const series = keyOf({ tenantId, kind });
    const last = lastNumbers.get(series);
    const found = { listed, what: 'missing' } as const;
    if (last === undefined || seq === null) {
      return { ...found, detail: `the database has no tenant ${tenantId}` };
    }
    if (seq <= last) return { ...found, detail: 'the number will not be issued again' };
    if (seq - last > MAX_SKIPPED) {
      const detail = `the tenant's last number is ${last}: is this number right?`;
      return { ...found, detail };
    }
    if (seq > (reusable.get(series)?.seq ?? 0)) reusable.set(series, { tenantId, kind, seq });
    return { ...found, detail: 'the number will be issued again' };
  });
  return {
    listed: list.length,
    differences: [
      ...differences,
      ...list.flatMap((listed) => differenceOf(listed, stored.get(listed.number)) ?? []),
    ],
    reusable: [...reusable.values()],
  };
}

/** Skips the reusable numbers of a comparison, so that no later invoice or adjustment note gets one. */
export function skipReusable(
  db: Database,
  { reusable }: IssuedComparison,
  why: { readonly actor: string; readonly reason: string },
): Promise<readonly SkippedNumbers[]> {
  return db.transaction((tx) => skipNumbers(tx, reusable, why));
}

function keyOf({ tenantId, kind }: Pick<NumberOfSeries, 'tenantId' | 'kind'>): string {
  return `${kind} ${tenantId}`;
}

/** The parts of an invoice's number, such as `acme-000007`, or of an adjustment note's, such as `acme-A000007`. */
function partsOf(number: string): {
  readonly tenantId: string;
  readonly kind: NumberSeries;
  readonly seq: number | null;
} {
  const [, tenantId = number, note, digits] = /^(.+)-(A?)(\d{6,15})$/.exec(number) ?? [];
  const kind = note === 'A' ? 'adjustment_note' : 'invoice';
  return { tenantId, kind, seq: digits === undefined ? null : Number(digits) };
}

function differenceOf(
  listed: ListedInvoice,
  stored: NumberedInvoice | undefined,
): ListedDifference | null {
  if (stored === undefined) return null;
  const { invoice_id, period_start, currency, total_cents, status } = stored;
  const total = toAmount(total_cents, currency);
  const compared = [
    ['month', listed.periodStart?.slice(0, 7) ?? null, period_start.slice(0, 7)],
    ['currency', listed.currency, currency],
    ['total', listed.total, total],
    ['invoice_id', listed.invoiceId, invoice_id],
    // Only this one is final; any other status may have changed since.
    ['status', listed.status === 'void' ? listed.status : null, status],
  ] as const;
  const different = compared.filter(([, theirs, ours]) => theirs !== null && theirs !== ours);
  if (different.length === 0) return null;
  const detail = different
    .map(([name, theirs, ours]) => `${name}: listed ${theirs}, stored ${ours}`)
    .join('; ');
  return { listed, what: 'different', detail };
}
