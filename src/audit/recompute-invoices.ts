import { readInvoiceLines } from '../db/invoices/invoices.ts';
import type { LineRow } from '../db/invoices/line-rows.ts';
import { nextInvoices, storedChanges, type VerifiedInvoice } from '../db/invoices/verification.ts';
import type { Queryable } from '../db/pool.ts';
import { DomainError } from '../domain/errors.ts';
import { compareLines } from '../domain/line-changes.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { readToRecompose } from './recompose.ts';
import { differencesOf } from './document-differences.ts';

/** Invoices that are computed together; limits memory use. */
const PAGE_SIZE = 200;

/** What is wrong with the invoices, in sentences. */
export interface RecomputedInvoices {
  readonly wrongLines: readonly string[];
  /** Of revisions: differences from their predecessors. */
  readonly wrongChanges: readonly string[];
}

/**
 * Recomputes every invoice of the month, including superseded ones, and every stored difference.
 * @param planVersions known versions; missing ones are added
 */
export async function recomputeInvoices(
  db: Queryable,
  period: Period,
  planVersions: Map<string, PlanVersion>,
): Promise<RecomputedInvoices> {
  const wrongLines: string[] = [];
  const wrongChanges: string[] = [];
  for (let revision = 1; ; revision += 1) {
    let after: string | null = null;
    do {
      const page = { revision, after, limit: PAGE_SIZE };
      const invoices: readonly VerifiedInvoice[] = await nextInvoices(db, period, page);
      if (invoices.length === 0) break;
      const lines = await readInvoiceLines(db, idsOf(invoices));
      wrongLines.push(...(await recomputeLines(db, period, invoices, lines, planVersions)));
      if (revision > 1) wrongChanges.push(...(await recomputeChanges(db, invoices, lines)));
      after = invoices.at(-1)?.invoiceId ?? null;
    } while (after !== null);
    // Revisions have no gaps: if no invoice has this one, none has the next.
    if (after === null) return { wrongLines, wrongChanges };
  }
}

type LinesByInvoice = ReadonlyMap<string, readonly LineRow[]>;

async function recomputeLines(
  db: Queryable,
  period: Period,
  invoices: readonly VerifiedInvoice[],
  lines: LinesByInvoice,
  planVersions: Map<string, PlanVersion>,
): Promise<readonly string[]> {
  const own = idsOf(invoices).map((invoiceId) => ({ owner: invoiceId, invoiceId }));
  const recompose = await readToRecompose(db, period, own, planVersions);
  return invoices.flatMap(({ invoiceId, number, currency, tax, items }) => {
    try {
      const terms = { currency, tax: { ...tax, audRate: tax.aud }, items };
      const again = recompose(invoiceId, terms);
      if (again === null) return [`the composition of invoice ${number} is not valid`];
      const document = { name: `invoice ${number}`, currency };
      return differencesOf(document, { tax, lines: lines.get(invoiceId) ?? [] }, again);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return [`invoice ${number} can't be computed again: ${error.message}`];
    }
  });
}

async function recomputeChanges(
  db: Queryable,
  invoices: readonly VerifiedInvoice[],
  lines: LinesByInvoice,
): Promise<readonly string[]> {
  const replaced = await readInvoiceLines(
    db,
    invoices.flatMap(({ replacesInvoiceId }) => replacesInvoiceId ?? []),
  );
  const stored = await storedChanges(db, idsOf(invoices));
  return invoices.flatMap(({ invoiceId, number, replacesInvoiceId }) => {
    const before = replaced.get(replacesInvoiceId ?? '') ?? [];
    const changes = compareLines(before, lines.get(invoiceId) ?? []).map(
      (line) => `${line.change} ${line.before?.lineNo ?? null} ${line.after?.lineNo ?? null}`,
    );
    const asStored = (stored.get(invoiceId) ?? []).map(
      ({ change, replacedLineNo, lineNo }) => `${change} ${replacedLineNo} ${lineNo}`,
    );
    return changes.join() === asStored.join()
      ? []
      : [`the stored differences of invoice ${number} don't match its lines`];
  });
}

function idsOf(invoices: readonly VerifiedInvoice[]): readonly string[] {
  return invoices.map(({ invoiceId }) => invoiceId);
}
