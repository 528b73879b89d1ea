import type { BillingCalendar } from './billing-calendar.ts';
import { DomainError } from './errors.ts';
import { parseInstant, type Period } from './period.ts';
import type { PlanVersion, Proration, QuoteAddon } from './types.ts';

/**
 * Which days of a month are billed (docs/spec.md#a-real-month): from the instants of subscriptions
 * and addons to local dates. The result is what an invoice stores as its composition; its lines
 * are computed from it alone (`deploymentLines`).
 */

/** RFC 3339 instants, half open; null: no end. */
export interface TimeSpan {
  readonly startsAt: string;
  readonly endsAt: string | null;
}

export interface AddonSpan extends QuoteAddon, TimeSpan {}

export interface SubscriptionSpan extends TimeSpan {
  readonly subscriptionId: string;
  /** Null if the platform that imports subscriptions has named none. */
  readonly planVersionId: string | null;
  /** In the order in which they were attached. */
  readonly addons: readonly AddonSpan[];
}

/** A deployment with its subscriptions, which never overlap. */
export interface DeploymentToBill {
  readonly tenantId: string;
  /** The tenant's: an invoice has one. */
  readonly currency: string | undefined;
  readonly deploymentId: string;
  /** In any order. Those that don't touch the period have no effect. */
  readonly subscriptions: readonly SubscriptionSpan[];
}

/** The days of a month that are billed for a subscription or an addon: those at whose last instant it is in force. */
export interface BilledDays {
  /** Inclusive local dates; null for 0 days. */
  readonly serviceFrom: string | null;
  readonly serviceTo: string | null;
  readonly days: number;
}

/** An addon as billed for a month, for the days on which its subscription is in force too. */
export interface BilledAddon extends QuoteAddon, BilledDays {
  /**
   * Whether it is in force at the subscription's last instant in the period, which can be in the
   * middle of a day: an addon attached on that day then has 0 days.
   */
  readonly inForceAtEnd: boolean;
}

/** A subscription as billed for a month. */
export interface BilledSubscription extends BilledDays {
  readonly subscriptionId: string;
  readonly planVersionId: string;
  /** The plan version's policy. */
  readonly proration: Proration;
  /** In the order in which they were attached. */
  readonly addons: readonly BilledAddon[];
}

/** What a deployment's lines of a month are composed from, besides its usage. Plain JSON. */
export interface BilledDeployment {
  readonly deploymentId: string;
  /** All that touch the period, also with 0 days, by start. */
  readonly subscriptions: readonly BilledSubscription[];
}

export interface BillingMonth {
  readonly period: Period;
  readonly calendar: BillingCalendar;
  /** Contains every version that the subscriptions name. */
  readonly planVersions: ReadonlyMap<string, PlanVersion>;
}

/**
 * Returns the billed days of a deployment's subscriptions and addons in a month. A day is billed if
 * the subscription is in force at the day's last instant: the start day counts, the end day
 * doesn't. So each day belongs to at most one subscription.
 * @throws DomainError `missing_plan_version`, `mixed_currencies` for a subscription that touches
 * the period
 */
export function billedDeployment(
  deployment: DeploymentToBill,
  { period, calendar, planVersions }: BillingMonth,
): BilledDeployment {
  const month = monthSpan(period);
  const subscriptions = deployment.subscriptions
    .map((subscription) => ({ subscription, span: clip(subscription, month) }))
    .filter(({ span }) => span.start < span.end)
    .sort((a, b) => (a.span.start < b.span.start ? -1 : 1))
    .map(({ subscription, span }): BilledSubscription => {
      const planVersion = planVersionOf(subscription, deployment, planVersions);
      const { subscriptionId, addons } = subscription;
      return {
        subscriptionId,
        planVersionId: planVersion.id,
        proration: planVersion.proration,
        ...billedDays(span, period, calendar),
        addons: addons.flatMap((addon) => billedAddon(addon, span, period, calendar) ?? []),
      };
    });
  return { deploymentId: deployment.deploymentId, subscriptions };
}

function planVersionOf(
  { subscriptionId, planVersionId }: SubscriptionSpan,
  { tenantId, currency }: DeploymentToBill,
  planVersions: ReadonlyMap<string, PlanVersion>,
): PlanVersion {
  const planVersion = planVersions.get(planVersionId ?? '');
  if (!planVersion) {
    throw new DomainError(
      'missing_plan_version',
      `subscription ${subscriptionId} of tenant ${tenantId} has no plan version: give it one and request the month again`,
    );
  }
  if (planVersion.currency !== currency) {
    throw new DomainError(
      'mixed_currencies',
      `subscription ${subscriptionId} is on plan version ${planVersion.id} in ${planVersion.currency}, but tenant ${tenantId} is billed in ${currency}: an invoice has one currency`,
    );
  }
  return planVersion;
}

/** Returns null for an addon that neither has billed days nor raises an allowance. */
function billedAddon(
  { code, name, resourceKind, qty, priceCents, ...addon }: AddonSpan,
  subscription: InstantSpan,
  period: Period,
  calendar: BillingCalendar,
): BilledAddon | null {
  const span = clip(addon, subscription);
  if (span.start >= span.end) return null;
  const days = billedDays(span, period, calendar);
  const inForceAtEnd = span.end === subscription.end;
  if (days.days === 0 && !inForceAtEnd) return null;
  // Without a name, the composition has no field for it.
  const named = name === null || name === undefined ? { code } : { code, name };
  return { ...named, resourceKind, qty, priceCents, ...days, inForceAtEnd };
}

/** [start, end) in epoch nanoseconds, with the texts of instants within the month. */
interface InstantSpan {
  readonly start: bigint;
  readonly end: bigint;
  /** Null: at the start of the month. */
  readonly startsAt: string | null;
  /** Null: at the end of the month. */
  readonly endsAt: string | null;
}

function monthSpan({ startsAt, endsAt }: Period): InstantSpan {
  return { start: epochOf(startsAt), end: epochOf(endsAt), startsAt: null, endsAt: null };
}

function clip({ startsAt, endsAt }: TimeSpan, outer: InstantSpan): InstantSpan {
  const start = epochOf(startsAt);
  const end = endsAt === null ? outer.end : epochOf(endsAt);
  return {
    ...(start > outer.start
      ? { start, startsAt }
      : { start: outer.start, startsAt: outer.startsAt }),
    ...(end < outer.end ? { end, endsAt } : { end: outer.end, endsAt: outer.endsAt }),
  };
}

function epochOf(instant: string): bigint {
  return parseInstant(instant).epochNanoseconds;
}

/** The days [date of the start, date of the end) are those at whose last instant the span is in force. */
function billedDays(
  { startsAt, endsAt }: InstantSpan,
  { month, periodEnd }: Period,
  calendar: BillingCalendar,
): BilledDays {
  const first = startsAt === null ? 1 : dayOf(calendar.dateOf(startsAt));
  const last = endsAt === null ? dayOf(periodEnd) : dayOf(calendar.dateOf(endsAt)) - 1;
  if (last < first) return { serviceFrom: null, serviceTo: null, days: 0 };
  return {
    serviceFrom: dateIn(month, first),
    serviceTo: dateIn(month, last),
    days: last - first + 1,
  };
}

/** Returns the day of the month. */
function dayOf(date: string): number {
  return Number(date.slice('2026-05-'.length));
}

function dateIn(month: string, day: number): string {
  return `${month}-${String(day).padStart(2, '0')}`;
}
