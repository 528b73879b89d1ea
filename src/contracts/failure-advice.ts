import type { FAILURE } from './failures.ts';

type OwnType = (typeof FAILURE)[keyof typeof FAILURE];

/** What to do where the reason itself says what is wrong. */
const MEND_DATA = 'Correct what the reason names.';
const ENDED_BY_HAND = 'Nothing has to be mended: somebody ended its workflow by hand.';

/**
 * What to mend before a parked tenant is tried again, by the type of its failure (`FAILURE`, and the
 * codes of bad data): a sentence or two for wherever the failure is shown. How to try again is that
 * place's to say. The operator's guide says more.
 */
export const FAILURE_ADVICE: Readonly<Record<string, string> & Record<OwnType, string>> = {
  missing_plan_version: 'Give the subscription a plan version.',
  mixed_currencies:
    "End the subscription on the first of the month, and start one on a plan in the tenant's currency.",
  amount_out_of_range: 'Check quantity and price; correct the metered record.',
  invalid_quantity: MEND_DATA,
  invalid_amount: MEND_DATA,
  invalid_decimal: MEND_DATA,
  invalid_date: MEND_DATA,
  invalid_instant: MEND_DATA,
  invalid_json: MEND_DATA,
  invalid_month: MEND_DATA,
  unknown_overage_unit: MEND_DATA,
  out_of_bounds:
    'Compare the total with the last one. If it is right, accept it with the re-run; if not, exclude wrong events, or send missing ones.',
  month_not_over: 'Wait for the end of the month.',
  not_due: 'Nothing, unless the subscription was to go on: restore it.',
  timed_out: 'Look at the history of its workflow for what it waited for.',
  terminated: ENDED_BY_HAND,
  cancelled: ENDED_BY_HAND,
  already_running: 'Wait for the other workflow, or end it.',
  draft_lost: "Nothing: the other run's outcome counts.",
  invalid_input:
    "Nothing has to be mended: a workflow was started by hand with a wrong input, instead of the month's.",
  failed: 'Mend what the reason names.',
};

/** @param type as it is stored: perhaps by a later version than ours */
export function adviceFor(type: string): string {
  return Object.hasOwn(FAILURE_ADVICE, type) ? (FAILURE_ADVICE[type] ?? MEND_DATA) : MEND_DATA;
}
