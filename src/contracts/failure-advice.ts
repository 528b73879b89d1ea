/** What to do where the reason itself says what is wrong. */
const MEND_DATA = 'correct what the reason names.';

/**
 * What to do about a parked tenant, by the type of its failure (`FAILURE`, and the codes of bad data):
 * in a few words, for where the failure is shown. The operator's guide says more.
 */
export const FAILURE_ADVICE: Readonly<Record<string, string>> = {
  missing_plan_version: 'give the subscription a plan version.',
  mixed_currencies:
    "end the subscription on the first of the month, and start one on a plan in the tenant's currency.",
  amount_out_of_range: 'check quantity and price; correct the metered record.',
  invalid_quantity: MEND_DATA,
  invalid_amount: MEND_DATA,
  invalid_decimal: MEND_DATA,
  invalid_date: MEND_DATA,
  invalid_instant: MEND_DATA,
  invalid_json: MEND_DATA,
  invalid_month: MEND_DATA,
  unknown_overage_unit: MEND_DATA,
  out_of_bounds:
    'look at the total. If it is right, force the tenant with `"acceptBounds": true`; if not, exclude the events that are wrong.',
  month_not_over: 'wait for the end of the month.',
  not_due: 'nothing, or restore the subscription.',
  timed_out: "look at this workflow's history for what it waited for.",
  terminated: 'nothing: somebody ended the workflow by hand.',
  cancelled: 'nothing: somebody ended the workflow by hand.',
  already_running: 'wait for the other workflow, or end it.',
  draft_lost: "nothing: the other run's outcome counts.",
  invalid_input:
    "nothing: a workflow was started by hand with a wrong input; start the month's instead.",
  failed: 'mend what the reason names.',
};

/** @param type as it is stored: perhaps by a later version than ours */
export function adviceFor(type: string): string {
  return Object.hasOwn(FAILURE_ADVICE, type) ? (FAILURE_ADVICE[type] ?? MEND_DATA) : MEND_DATA;
}
