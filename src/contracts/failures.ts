/**
 * Stable failure types, in addition to the codes of bad data (`DomainErrorCode`). Operators filter
 * by them, and a parked tenant's `reason_type` contains one; `docs/operators-guide.md` explains
 * each.
 */
export const FAILURE = {
  /** The month's last instant hasn't passed. */
  monthNotOver: 'month_not_over',
  /** Another run has taken over the draft. */
  draftLost: 'draft_lost',
  /** Another workflow is building this tenant's invoice. */
  alreadyRunning: 'already_running',
  /** The total is beyond the safety bounds: an operator must check and accept it. */
  outOfBounds: 'out_of_bounds',
  /** The gateway's control totals differ from the ledger: usage is missing or doubled, or an operator must accept it. */
  controlTotalMismatch: 'control_total_mismatch',
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

type OwnType = (typeof FAILURE)[keyof typeof FAILURE];

/** Advice for failures whose reason says what is wrong. */
const FIX_DATA = 'Correct what the reason names.';
const ENDED_BY_HAND = 'No fix is needed: its workflow was ended manually.';

/**
 * What to fix before a parked tenant is retried, by failure type (`FAILURE`, and the codes of bad
 * data): a sentence or two, shown with the failure. How to retry depends on where it is shown. The
 * operator's guide has details.
 */
export const FAILURE_ADVICE: Readonly<Record<string, string> & Record<OwnType, string>> = {
  missing_plan_version: 'Give the subscription a plan version.',
  missing_exchange_rate: 'Record the exchange rate of the month (`exchange-rates add`).',
  mixed_currencies:
    "End the subscription on the first of the month, and start one on a plan in the tenant's currency.",
  amount_out_of_range: 'Check quantity and price; correct the metered record.',
  invalid_quantity: FIX_DATA,
  invalid_amount: FIX_DATA,
  invalid_decimal: FIX_DATA,
  invalid_date: FIX_DATA,
  invalid_instant: FIX_DATA,
  invalid_json: FIX_DATA,
  invalid_month: FIX_DATA,
  unknown_overage_unit: FIX_DATA,
  out_of_bounds:
    'Compare the total with the last one. If it is correct, accept it with the rerun (`month-end force --accept-bounds`); otherwise exclude wrong events or send missing ones.',
  control_total_mismatch:
    'Have the missing usage or corrected control totals sent, or accept the differences (`control-totals accept`).',
  month_not_over: 'Wait for the end of the month.',
  timed_out: 'Check the history of its workflow for what it was waiting for.',
  terminated: ENDED_BY_HAND,
  cancelled: ENDED_BY_HAND,
  already_running: 'Wait for the other workflow, or end it.',
  draft_lost: "No action is needed: the other run's outcome counts.",
  invalid_input:
    "No fix is needed: a workflow was started manually with invalid input, instead of the month's.",
  failed: 'Fix what the reason names.',
};

/** @param type as stored, possibly by a later version of the product */
export function adviceFor(type: string): string {
  return Object.hasOwn(FAILURE_ADVICE, type) ? (FAILURE_ADVICE[type] ?? FIX_DATA) : FIX_DATA;
}
