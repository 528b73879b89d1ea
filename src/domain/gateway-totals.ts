import { Decimal } from './decimal.ts';
import { formatMoney, groupDigits } from './format.ts';

/** What the month end does about the gateway's control totals (docs/spec.md#control-totals). */
export const CONTROL_TOTALS_POLICIES = ['off', 'report', 'park'] as const;
/** `off`: nothing. `report`: shows differences. `park`: also parks tenants until a difference is gone or accepted. */
export type ControlTotalsPolicy = (typeof CONTROL_TOTALS_POLICIES)[number];

/** LLM usage of a deployment on a day or in a month: a count, and the exact sum of the charges in minor units. */
export interface UsageFigures {
  readonly requests: string;
  /** Decimal string. */
  readonly charge_cents: string;
}

export const NO_USAGE: UsageFigures = { requests: '0', charge_cents: '0' };

/** A day's comparison. `missing`: there is usage, but no control total. */
export const DAY_STATES = ['equal', 'different', 'accepted', 'missing'] as const;
export type DayState = (typeof DAY_STATES)[number];

/**
 * A month's comparison of a deployment, by its most serious day. `unstated`: no day has a control total. `expired`: the
 * month's sums differ, and its events are no longer kept, so the days can't be compared.
 */
export const DEPLOYMENT_STATES = [...DAY_STATES, 'unstated', 'expired'] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

/** Returns whether two counts and sums are equal as numbers. */
export function areEqual(a: UsageFigures, b: UsageFigures): boolean {
  return (
    new Decimal(a.requests).equals(b.requests) && new Decimal(a.charge_cents).equals(b.charge_cents)
  );
}

/**
 * Compares a day's control total with the ledger (docs/spec.md#control-totals).
 * @param stated null: the gateway has stated no total for the day
 * @param isAccepted whether an operator accepted exactly these figures
 */
export function judgeDay(
  stated: UsageFigures | null,
  ledger: UsageFigures,
  isAccepted: boolean,
): DayState {
  if (areEqual(stated ?? NO_USAGE, ledger)) return 'equal';
  if (stated === null) return 'missing';
  return isAccepted ? 'accepted' : 'different';
}

/** Returns the state of a deployment's month from its days: only `different` ones are wrong. */
export function judgeDeployment(days: readonly DayState[]): DayState {
  return (
    (['different', 'missing', 'accepted'] as const).find((state) => days.includes(state)) ?? 'equal'
  );
}

/** A day whose control total differs from the ledger. */
export interface DifferentDay {
  readonly deployment_id: string;
  readonly day: string;
  readonly stated: UsageFigures;
  readonly ledger: UsageFigures;
  /** Events that wait in the quarantine. */
  readonly held: UsageFigures;
}

/** The maximum number of days in a reason. */
const SHOWN_DAYS = 3;

/** Returns why a tenant is parked for these days, in a sentence for operators. */
export function mismatchReason(days: readonly DifferentDay[], currency: string): string {
  const shown = days.slice(0, SHOWN_DAYS).map(({ deployment_id, day, stated, ledger, held }) => {
    const inQuarantine =
      held.requests === '0' ? '' : `, and the quarantine ${showFigures(held, currency)}`;
    return (
      `${deployment_id} on ${day}: the gateway stated ${showFigures(stated, currency)}, ` +
      `the ledger has ${showFigures(ledger, currency)}${inQuarantine}`
    );
  });
  const more = days.length - shown.length;
  const rest = more === 0 ? '' : `; and ${more} more ${more === 1 ? 'day' : 'days'}`;
  return (
    `control totals differ from the ledger: ${shown.join('; ')}${rest}. ` +
    'Have the missing usage or corrected totals sent, or accept the differences with a reason'
  );
}

/** Formats a count and a sum: `120 requests, AUD 12.345`. */
export function showFigures({ requests, charge_cents }: UsageFigures, currency: string): string {
  const noun = requests === '1' ? 'request' : 'requests';
  return `${groupDigits(requests)} ${noun}, ${formatMoney(charge_cents, currency)}`;
}
