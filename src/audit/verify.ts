import { readControlTotals } from '../db/month-end/read-control-totals.ts';
import { isServed } from '../db/month-end/month-end-status.ts';
import type { Database } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import { readScope, type VerificationScope } from '../db/invoices/verification.ts';
import { findProblems, type Invariant } from '../db/invoices/verification-check.ts';
import { checksOf } from '../db/invoices/verification-checks.ts';
import { findImbalances, workToDo } from '../domain/control-totals.ts';
import type { Month } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { recomputeInvoices } from './recompute-invoices.ts';
import { recomputeNotes } from './recompute-notes.ts';

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
    const planVersions = new Map<string, PlanVersion>();
    const invoices = await recomputeInvoices(tx, period, planVersions);
    const notes = await recomputeNotes(tx, period, planVersions);
    checks.push(
      toResult(
        'lines_recomputed',
        'I3',
        'every line comes out the same again, from the raw events, the plan versions, the invoice items and what the invoice was composed from',
        [...invoices.wrongLines, ...notes.wrongLines],
      ),
      toResult(
        'differences_recomputed',
        'I4',
        "every revision's stored difference is the difference of its lines",
        invoices.wrongChanges,
      ),
      toResult(
        'notes_add_up',
        'I3',
        'each adjustment note makes its invoice and notes add up to a fresh composition of the usage that they hold',
        notes.wrongSums,
      ),
      toResult(
        'credits_within_their_line',
        'I3',
        'every credit is at most what was left of its line',
        notes.wrongCredits,
      ),
    );
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
