/**
 * What the watchdog can find, and how loudly the log says it. The codes are stable: alert rules and
 * `docs/operations.md` name them.
 */
export const FINDINGS = {
  database_unreachable: 'error',
  month_not_closed: 'error',
  run_stalled: 'error',
  books_do_not_add_up: 'error',
  temporal_unreachable: 'warn',
  schedule_missing: 'error',
  schedule_paused: 'warn',
  schedule_points_elsewhere: 'error',
  schedule_silent: 'error',
} as const satisfies Record<string, 'warn' | 'error'>;

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
