import type { FAILURE } from '../contracts/failures.ts';
import type { DomainErrorCode } from '../domain/errors.ts';

/** All that a tenant can be parked for. */
export type ReasonType = (typeof FAILURE)[keyof typeof FAILURE] | DomainErrorCode;

const MEND_DATA = 'The reason names what is wrong: correct it, then re-run the tenant.';

/** What to do about a parked tenant, by the type of its reason (docs/operations.md has more). */
const ADVICE: Readonly<Record<ReasonType, string>> = {
  missing_plan_version: 'Give the subscription a plan version, then re-run the tenant.',
  mixed_currencies:
    "Move the subscription to a plan in the tenant's currency, from the first of the month on, then re-run the tenant.",
  amount_out_of_range: 'Check quantity and price, correct the metered record, re-run the tenant.',
  invalid_quantity: MEND_DATA,
  invalid_amount: MEND_DATA,
  invalid_decimal: MEND_DATA,
  invalid_date: MEND_DATA,
  invalid_instant: MEND_DATA,
  invalid_json: MEND_DATA,
  invalid_month: MEND_DATA,
  unknown_overage_unit: MEND_DATA,
  out_of_bounds:
    'Look at the total. If it is right, re-run the tenant and accept it; if not, exclude the events that are wrong, then re-run.',
  month_not_over: 'Wait for the end of the month.',
  not_due: 'Nothing, or restore the subscription and re-run the tenant.',
  timed_out: 'Look at the history of its workflow, then re-run the tenant.',
  terminated: 'Somebody ended its workflow by hand: re-run the tenant.',
  cancelled: 'Somebody ended its workflow by hand: re-run the tenant.',
  already_running: 'Wait for the other workflow or end it, then re-run the tenant.',
  draft_lost: "Nothing: the other run's outcome counts.",
  failed: 'Mend what the reason names, then re-run the tenant.',
  invalid_input:
    'Re-run the tenant from here: its workflow was started by hand with a wrong input.',
};

/** @param reasonType as it is stored: perhaps by a later version than ours */
export function adviceFor(reasonType: string): string {
  return Object.hasOwn(ADVICE, reasonType) ? ADVICE[reasonType as ReasonType] : MEND_DATA;
}
