import { isDeepStrictEqual } from 'node:util';
import { readControlTotals } from '../db/month-end/read-control-totals.ts';
import { readHeldUsage } from '../db/usage/held-usage.ts';
import { readInvoiceLines } from '../db/invoices/invoices.ts';
import { isServed } from '../db/month-end/month-end-status.ts';
import type { LineRow } from '../db/invoices/line-rows.ts';
import type { Database, Queryable } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { parseComposition, readCompositions } from '../db/invoices/compositions.ts';
import { learnPlanVersions, planVersionsOf } from '../db/invoices/quote-inputs.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import {
  nextInvoices,
  readScope,
  storedChanges,
  type VerificationScope,
  type VerifiedInvoice,
} from '../db/invoices/verification.ts';
import { checksOf, findProblems, type Invariant } from '../db/invoices/verification-checks.ts';
import { rawUsage } from '../db/invoices/verification-usage.ts';
import { TAX_CURRENCY, type AudTax } from '../domain/aud-tax.ts';
import { composeInvoice } from '../domain/compose-invoice.ts';
import { findImbalances, workToDo } from '../domain/control-totals.ts';
import { DomainError } from '../domain/errors.ts';
import { formatMoney } from '../domain/format.ts';
import { compareLines } from '../domain/line-changes.ts';
import type { Month, Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';

/** Invoices that are computed together; limits memory use. */
const PAGE_SIZE = 200;
/** The maximum number of listed problems; further ones are only counted. */
const EXAMPLES = 5;

/** The result of one check. */
export interface CheckResult {
  readonly id: string;
  readonly invariant: Invariant;
  /** The statement that holds if there are no problems. */
  readonly claim: string;
  readonly problems: number;
  readonly examples: readonly string[];
}

export interface Verification {
  readonly month: Month;
  readonly ok: boolean;
  readonly scope: VerificationScope;
  readonly checks: readonly CheckResult[];
  /** The work that is left once every request is served, in sentences. It fails no check. */
  readonly to_do: readonly string[];
}

/**
 * Verifies a month from its raw records, at any later time: from the events themselves, the immutable plan
 * versions, the subscriptions and days that each invoice stores, and the same pure functions that billed them. Reads
 * one snapshot and writes nothing. The cost depends on the month's lines and on the events of all months, because no index separates events by month.
 * Changes by an operator since then (subscriptions, exclusions that wait for a rerun) are not problems here;
 * `previewMonth` shows what would now be billed differently. Due tenants without an outcome are not problems
 * either, but work to do.
 * @throws DomainError `invalid_month`
 */
export async function verifyMonth(
  db: Database,
  month: Month,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Verification> {
  const period = (await loadCalendar(db)).periodOf(month);
  return inOneSnapshot(db, async (tx) => {
    const checks: CheckResult[] = [];
    const queries = checksOf(period);
    for (const [index, check] of queries.entries()) {
      const { id, invariant, claim } = check;
      checks.push({ id, invariant, claim, ...(await findProblems(tx, check)) });
      onProgress(index + 1, queries.length + 2);
    }
    checks.push(...(await recompute(tx, period)));
    onProgress(queries.length + 1, queries.length + 2);
    const totals = await readControlTotals(tx, period);
    const claim = 'control totals add up';
    checks.push(toResult('books_balance', 'I5', claim, findImbalances(totals)));
    onProgress(queries.length + 2, queries.length + 2);
    return {
      month,
      ok: checks.every(({ problems }) => problems === 0),
      scope: await readScope(tx, period),
      checks,
      to_do: (await isServed(tx, month)) ? workToDo(month, totals.tenants) : [],
    };
  });
}

function toResult(
  id: string,
  invariant: Invariant,
  claim: string,
  problems: readonly string[],
): CheckResult {
  return {
    id,
    invariant,
    claim,
    problems: problems.length,
    examples: problems.slice(0, EXAMPLES),
  };
}

/** Recomputes every invoice of the month, including superseded ones, and every stored difference. */
async function recompute(db: Queryable, period: Period): Promise<readonly CheckResult[]> {
  const wrongLines: string[] = [];
  const wrongChanges: string[] = [];
  const planVersions = new Map<string, PlanVersion>();
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
    if (after === null) break;
  }
  return [
    toResult(
      'lines_recomputed',
      'I3',
      'every line comes out the same again, from the raw events, the plan versions and what the invoice was composed from',
      wrongLines,
    ),
    toResult(
      'differences_recomputed',
      'I4',
      "every revision's stored difference is the difference of its lines",
      wrongChanges,
    ),
  ];
}

type LinesByInvoice = ReadonlyMap<string, readonly LineRow[]>;

async function recomputeLines(
  db: Queryable,
  period: Period,
  invoices: readonly VerifiedInvoice[],
  lines: LinesByInvoice,
  planVersions: Map<string, PlanVersion>,
): Promise<readonly string[]> {
  const stored = await readCompositions(db, idsOf(invoices));
  const compositions = new Map(
    invoices.map(({ invoiceId }) => [invoiceId, parseComposition(stored.get(invoiceId) ?? [])]),
  );
  const deployments = [...compositions.values()].flatMap((composition) => composition ?? []);
  await learnPlanVersions(db, planVersions, planVersionsOf(deployments));
  const held = await readHeldUsage(db, period, rawUsage(idsOf(invoices)));
  const llmUsage = Map.groupBy(held.llm, ({ owner }) => owner);
  return invoices.flatMap(({ invoiceId, number, currency, tax }) => {
    const composition = compositions.get(invoiceId);
    if (!composition) return [`the composition of invoice ${number} is not valid`];
    const show = (cents = 0) => formatMoney(cents, currency);
    try {
      const again = composeInvoice({
        period,
        currency,
        tax: { ...tax, audRate: tax.aud },
        deployments: composition,
        planVersions,
        meteredUsage: held.metered,
        llmUsage: llmUsage.get(invoiceId) ?? [],
      });
      const wrongLines = compareLines(lines.get(invoiceId) ?? [], again.lines).map(
        ({ change, before, after }) => {
          const line = before ?? after;
          return (
            `invoice ${number}, ${line.deploymentId ?? 'the tenant'}, ${line.description}: ` +
            describe(change, show(before?.amountCents), show(after?.amountCents))
          );
        },
      );
      const isTaxRight = isDeepStrictEqual(again.tax, tax);
      return isTaxRight ? wrongLines : [...wrongLines, wrongAud(number, again.tax.aud, tax.aud)];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return [`invoice ${number} can't be computed again: ${error.message}`];
    }
  });
}

function wrongAud(number: string, again: AudTax | null, stored: AudTax | null): string {
  const show = (aud: AudTax | null) => (aud ? formatMoney(aud.taxCents, TAX_CURRENCY) : 'nothing');
  return `invoice ${number}, the tax in ${TAX_CURRENCY}: says ${show(stored)}, comes to ${show(again)}`;
}

function describe(change: string, before: string, after: string): string {
  switch (change) {
    case 'added':
      return `a line of ${after} is missing`;
    case 'removed':
      return `there is no reason for its ${before}`;
    default:
      return `says ${before}, comes to ${after}`;
  }
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
      : [`invoice ${number} differs from what it replaces in another way than is stored`];
  });
}

function idsOf(invoices: readonly VerifiedInvoice[]): readonly string[] {
  return invoices.map(({ invoiceId }) => invoiceId);
}
