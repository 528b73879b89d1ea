/**
 * Stable failure types, in addition to the codes of bad data (`DomainErrorCode`). Operators filter
 * by them, and a parked tenant's `reason_type` contains one; `docs/operators-guide.md` explains
 * each.
 */
export const FAILURE = {
  /** The tenant has no subscription in force at the end of the period. */
  notDue: 'not_due',
  /** The month's last instant hasn't passed. */
  monthNotOver: 'month_not_over',
  /** Another run has taken over the draft. */
  draftLost: 'draft_lost',
  /** Another workflow is building this tenant's invoice. */
  alreadyRunning: 'already_running',
  /** The total is beyond the safety bounds: an operator must check and accept it. */
  outOfBounds: 'out_of_bounds',
  timedOut: 'timed_out',
  terminated: 'terminated',
  cancelled: 'cancelled',
  /** Anything else; the reason says what. */
  failed: 'failed',
  /** A workflow was started with invalid input. */
  invalidInput: 'invalid_input',
} as const;

/** Why a tenant is parked: a stable type, and a sentence that an operator can act on. */
export interface Failure {
  readonly type: string;
  readonly reason: string;
}
