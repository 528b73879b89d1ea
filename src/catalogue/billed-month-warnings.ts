import type { MonthOfTenant } from '../db/month-end/billed-months.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { StoredAddon } from '../db/catalogue/stored-subscriptions.ts';
import type { Remark } from './apply-error.ts';
import { isBefore } from './catalogue-fields.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';

/** When something is in force: `[startsAt, endsAt)`. */
interface Span {
  readonly startsAt: string | null;
  readonly endsAt: string | null;
}

/** A subscription or an addon that is added, or that starts or ends at another instant than before. */
export interface Move {
  readonly path: readonly PropertyKey[];
  readonly tenantId: string;
  /** `subscription acme-web-1`, `addon gb of subscription acme-web-1`. */
  readonly what: string;
  /** Returns whether, before the change, it was in force at the end of a month. */
  readonly was: (at: string) => boolean;
  /** Returns whether, after the change, it is in force at the end of a month. */
  readonly is: (at: string) => boolean;
}

/** Returns the changes to when a subscription and these addons are in force. */
export function movesOf(
  { path, wanted }: PlacedSubscription,
  current: CurrentSubscriptions,
  addons: readonly StoredAddon[],
): readonly Move[] {
  const { subscriptionId, tenantId } = wanted;
  const known = current.subscriptions.get(subscriptionId);
  const what = `subscription ${subscriptionId}`;
  const was = (at: string) => known !== undefined && isInForce(known, at);
  const is = (at: string) => isInForce(wanted, at);
  const stored = new Map(
    current.addons.get(subscriptionId)?.map((addon) => [addon.position, addon]),
  );
  const field = known?.startsAt === wanted.startsAt ? 'ends_at' : 'starts_at';
  return [
    { path: [...path, field], tenantId, what, was, is },
    ...addons.map((addon) => {
      const before = stored.get(addon.position);
      return {
        path: [...path, 'addons'],
        tenantId,
        what: `addon ${addon.code} of ${what}`,
        // An addon is billed with its subscription: if the subscription moves, only the subscription gets a
        // warning.
        was: (at: string) => was(at) && is(at) && before !== undefined && isInForce(before, at),
        is: (at: string) => was(at) && is(at) && isInForce(addon, at),
      };
    }),
  ];
}

/**
 * Returns whether it is in force at the last instant before `at`, as month end decides
 * (docs/spec.md#month-end).
 */
function isInForce({ startsAt, endsAt }: Span, at: string): boolean {
  return startsAt !== null && isBefore(startsAt, at) && (endsAt === null || !isBefore(endsAt, at));
}

/**
 * Returns a warning for each move that changes a month that is invoiced or was closed without an invoice:
 * nothing bills the change automatically.
 */
export function warningsOfBilledMonths(
  moves: readonly Move[],
  months: readonly MonthOfTenant[],
  calendar: BillingCalendar,
): readonly Remark[] {
  const byTenant = Map.groupBy(months, ({ tenantId }) => tenantId);
  return moves.flatMap((move) =>
    (byTenant.get(move.tenantId) ?? []).flatMap((month) => {
      const message = sayOf(move, month, calendar);
      return message === null ? [] : { path: move.path, message };
    }),
  );
}

function sayOf(
  { what, tenantId, was, is }: Move,
  of: MonthOfTenant,
  { periodOf }: BillingCalendar,
): string | null {
  const { month, number, status } = of;
  const at = periodOf(month).endsAt;
  if (was(at) === is(at)) return null;
  if (number === null) {
    if (!is(at)) return null;
    return (
      `${what} is in force at the end of ${month}, which is already closed: run the month again ` +
      `to invoice tenant ${tenantId} (month-end start ${month})`
    );
  }
  const change = is(at)
    ? `${what} is in force at the end of ${month}, but invoice ${number} does not bill it`
    : `${what} is not in force at the end of ${month} any more, but invoice ${number} bills it`;
  return status === 'issued'
    ? `${change}: check it (month-end preview ${month} --tenant ${tenantId} --lines) and force a rerun`
    : `${change}: it is ${status} and never rebuilt, so settle the difference by hand`;
}
