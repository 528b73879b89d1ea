import { explainError } from '../explain-error.ts';
import type { Finding } from '../../audit/watchdog-finding.ts';

/** One thing that the doctor has looked at. */
export interface Check {
  readonly name: string;
  /** warning: it will be a problem. unknown: it could not be looked at; the detail says why. */
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly detail: string;
  /** What to do about it. */
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
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly complaint: string };

/** A value, or in one line why there is none. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, complaint: explainError(error, undefined).replaceAll(/\s*\n\s*/g, ' ') };
  }
}

/** What goes wrong in a check is what it has found. */
export async function checkThat(
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const looked = await attempt(look);
  return looked.ok ? looked.value : [problem(name, looked.complaint)];
}

/** What to do about a finding; `docs/operations/monitor-and-tune.md` says more. */
export function adviceFor({ code, month }: Pick<Finding, 'code' | 'month'>): string {
  const cli = 'npm run cli --';
  switch (code) {
    case 'month_not_closed':
    case 'tenants_to_invoice':
      return `${cli} month-end start ${month}`;
    case 'run_stalled':
      return `see that a worker runs, and workflow month-end-${month} in the Web UI; where it is gone: ${cli} month-end start ${month}`;
    case 'books_do_not_add_up':
      return `send no invoice of ${month}; look at its reconciliation: ${cli} month-end status ${month}`;
    case 'schedule_missing':
    case 'schedule_points_elsewhere':
      return `${cli} schedule apply`;
    case 'schedule_paused':
      return `${cli} schedule resume, and ${cli} schedule backfill MONTH for what fell into the pause`;
    case 'schedule_silent':
      return `${cli} schedule backfill MONTH makes up for it and wakes it; if it stays silent, delete it in the Web UI and apply it again`;
    case 'no_worker':
      return 'npm start -- worker, with the same TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; of a new build: workers promote BUILD';
    case 'temporal_unreachable':
      return 'see TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE';
    case 'database_unreachable':
      return 'see DATABASE_URL';
  }
}
