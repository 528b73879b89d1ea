import { remedyForLostRun } from '../../audit/lost-runs.ts';
import { UnreachableError } from '../../lib/connect-within.ts';
import { explainError } from '../explain-error.ts';
import type { Finding } from '../../audit/watchdog-finding.ts';

/** The result of one check. */
export interface Check {
  readonly name: string;
  /** warning: it will become a problem. unknown: it could not be checked; the detail says why. */
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly detail: string;
  /** What to do next. */
  readonly advice: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, advice: null };
}

export function problem(name: string, detail: string, advice: string | null = null): Check {
  return { name, state: 'problem', detail, advice };
}

export function warning(name: string, detail: string, advice: string): Check {
  return { name, state: 'warning', detail, advice };
}

export function unknown(name: string, detail: string): Check {
  return { name, state: 'unknown', detail, advice: null };
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly complaint: string;
      /** What the error itself says to check; null: nothing. */
      readonly hint: string | null;
    };

/** Runs `work` and returns its value, or its error in one line. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return {
      ok: false,
      complaint: explainError(error, undefined).replaceAll(/\s*\n\s*/g, ' '),
      hint: error instanceof UnreachableError ? error.hint : null,
    };
  }
}

/** Runs a check; if it throws, the error is the problem found. */
export async function checkThat(
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const looked = await attempt(look);
  return looked.ok ? looked.value : [problem(name, looked.complaint)];
}

/** What to do about a finding; see also `docs/operations/monitor-and-tune.md`. */
export function adviceFor({ code, month }: Pick<Finding, 'code' | 'month'>): string {
  const cli = 'npm run cli --';
  switch (code) {
    case 'month_not_closed':
    case 'tenants_to_invoice':
      return `${cli} month-end start ${month}`;
    case 'run_stalled':
      return `check that a worker runs, and open workflow month-end-${month} in the Web UI; if it doesn't exist: ${cli} month-end start ${month}`;
    case 'run_lost':
      return `${cli} ${remedyForLostRun(month)}; first read docs/operations/restore.md`;
    case 'books_do_not_add_up':
      return `don't send invoices of ${month}; check its reconciliation: ${cli} month-end status ${month}`;
    case 'review_waiting':
      return `review the month, then ${cli} month-end release ${month} --all --reason reviewed`;
    case 'schedule_missing':
    case 'schedule_points_elsewhere':
      return `${cli} schedule apply`;
    case 'schedule_paused':
      return `${cli} schedule resume, then ${cli} schedule backfill MONTH for each month missed during the pause`;
    case 'schedule_silent':
      return `${cli} schedule backfill MONTH; if the Schedule still doesn't fire, delete it in the Web UI and run ${cli} schedule apply`;
    case 'no_worker':
      return 'npm start -- worker, with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; for a new build: workers promote BUILD';
    case 'temporal_unreachable':
      return 'check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE';
    case 'database_unreachable':
      return 'check DATABASE_URL';
  }
}
