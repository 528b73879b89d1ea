import type { Finding } from '../../audit/watchdog-finding.ts';

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
