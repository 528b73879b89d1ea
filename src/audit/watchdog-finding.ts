/** How a finding is dealt with. */
interface FindingKind {
  /** How loudly the log says it. */
  readonly level: 'warn' | 'error';
  /** Where this is found, nobody can tell whether the other still is. */
  readonly hiddenBy: 'database_unreachable' | 'temporal_unreachable' | null;
}

/**
 * Everything the watchdog can find. The codes are stable: alert rules and
 * `docs/operations/monitor-and-tune.md` use them.
 */
export const FINDINGS = {
  database_unreachable: { level: 'error', hiddenBy: null },
  month_not_closed: { level: 'error', hiddenBy: 'database_unreachable' },
  tenants_to_invoice: { level: 'warn', hiddenBy: 'database_unreachable' },
  run_stalled: { level: 'error', hiddenBy: 'database_unreachable' },
  books_do_not_add_up: { level: 'error', hiddenBy: 'database_unreachable' },
  temporal_unreachable: { level: 'warn', hiddenBy: null },
  schedule_missing: { level: 'error', hiddenBy: 'temporal_unreachable' },
  schedule_paused: { level: 'warn', hiddenBy: 'temporal_unreachable' },
  schedule_points_elsewhere: { level: 'error', hiddenBy: 'temporal_unreachable' },
  schedule_silent: { level: 'error', hiddenBy: 'temporal_unreachable' },
  // A worker that is being replaced is missed for a moment: the alert waits, the log need not shout.
  no_worker: { level: 'warn', hiddenBy: 'temporal_unreachable' },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDINGS;

export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];

/** Something that is not as it should be. */
export interface Finding {
  readonly code: FindingCode;
  /** The month that it is about, if it is about one. */
  readonly month: string | null;
  /** A sentence for everybody: `/readyz` is public, so no names, no addresses, no tenants. */
  readonly detail: string;
}
