/** How findings of one code are handled. */
interface FindingKind {
  /** The log level. */
  readonly level: 'warn' | 'error';
  /** The findings that prevent checking this one. */
  readonly hiddenBy: readonly ('database_unreachable' | 'temporal_unreachable')[];
}

/**
 * Everything the watchdog can find. The codes are stable: alert rules and
 * `docs/operations/monitor-and-tune.md` use them.
 */
export const FINDINGS = {
  database_unreachable: { level: 'error', hiddenBy: [] },
  month_not_closed: { level: 'error', hiddenBy: ['database_unreachable'] },
  tenants_to_invoice: { level: 'warn', hiddenBy: ['database_unreachable'] },
  run_stalled: { level: 'error', hiddenBy: ['database_unreachable'] },
  run_lost: { level: 'error', hiddenBy: ['database_unreachable', 'temporal_unreachable'] },
  books_do_not_add_up: { level: 'error', hiddenBy: ['database_unreachable'] },
  review_waiting: { level: 'warn', hiddenBy: ['database_unreachable'] },
  temporal_unreachable: { level: 'warn', hiddenBy: [] },
  schedule_missing: { level: 'error', hiddenBy: ['temporal_unreachable'] },
  schedule_paused: { level: 'warn', hiddenBy: ['temporal_unreachable'] },
  schedule_points_elsewhere: { level: 'error', hiddenBy: ['temporal_unreachable'] },
  schedule_silent: { level: 'error', hiddenBy: ['temporal_unreachable'] },
  // Only a warning, because a worker that is being replaced is missing for a moment; the alert rule waits for
  // longer than that.
  no_worker: { level: 'warn', hiddenBy: ['temporal_unreachable'] },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDINGS;

export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];

/** A problem that the watchdog has found. */
export interface Finding {
  readonly code: FindingCode;
  /** The affected month; null if the finding is not about one. */
  readonly month: string | null;
  /** A sentence without names, addresses or tenants, because `/readyz` is public. */
  readonly detail: string;
}
