import { allowancesOf } from './allowance.ts';
import { DomainError } from './errors.ts';
import { overageLines } from './overage.ts';
import type { Period } from './period.ts';
import { WHOLE_MONTH, type MonthShare } from './proration.ts';
import type { RatedPart } from './rated-part.ts';
import { recurringLines } from './recurring.ts';
import type { BilledDays, BilledDeployment, BilledSubscription } from './service-days.ts';
import type { PlanVersion, QuoteLine, QuotedAllowance, Usage } from './types.ts';

/** A line before tax, before it is numbered. */
export interface DeploymentLine extends QuoteLine {
  readonly deploymentId: string;
  /** Null on lines of LLM usage. */
  readonly subscriptionId: string | null;
}

export interface RatingInputs {
  readonly period: Period;
  /** Contains every version that the composition names. */
  readonly planVersions: ReadonlyMap<string, PlanVersion>;
  /** The deployment's metered usage of the whole month; null leaves out overage. */
  readonly usage: Usage | null;
}

/**
 * Returns a deployment's recurring and overage lines of a month (docs/spec.md#a-real-month), from
 * what was billed and used alone: month end, preview and verification call only this.
 * Subscriptions are rated together: if all their plan versions say `none`, the last one alone
 * rates the month; if any says `daily`, each pays by its days and what is included adds up.
 * @returns base and addons by subscription, then overage, which the last plan prices
 * @throws DomainError `missing_plan_version`, and the errors of `recurringLines` and `overageLines`
 */
export function deploymentLines(
  billed: BilledDeployment,
  { period, planVersions, usage }: RatingInputs,
): readonly DeploymentLine[] {
  const { deploymentId, subscriptions } = billed;
  const last = subscriptions.at(-1);
  if (last === undefined) return [];
  const place = ({ subscriptionId }: BilledSubscription, lines: readonly QuoteLine[]) =>
    lines.map((line) => ({ ...line, deploymentId, subscriptionId }));
  const rated = ratedSubscriptions(subscriptions, last, period, planVersions);
  return [
    ...rated.flatMap(({ subscription, part, isCharged }) =>
      isCharged ? place(subscription, recurringLines(part)) : [],
    ),
    ...(usage === null
      ? []
      : place(
          last,
          overageLines(
            rated.map(({ part }) => part),
            usage,
          ),
        )),
  ];
}

/**
 * Returns what the month includes of each kind of the last plan, in the order of its items: what
 * {@link deploymentLines} compares usage with.
 * @throws DomainError `missing_plan_version`, `invalid_quantity`
 */
export function deploymentAllowances(
  { subscriptions }: BilledDeployment,
  { period, planVersions }: Pick<RatingInputs, 'period' | 'planVersions'>,
): readonly QuotedAllowance[] {
  const last = subscriptions.at(-1);
  if (last === undefined) return [];
  const rated = ratedSubscriptions(subscriptions, last, period, planVersions);
  return allowancesOf(rated.map(({ part }) => part));
}

interface RatedSubscription {
  readonly subscription: BilledSubscription;
  readonly part: RatedPart;
  /** Whether it has recurring lines. Its quantities count in either case. */
  readonly isCharged: boolean;
}

function ratedSubscriptions(
  subscriptions: readonly BilledSubscription[],
  last: BilledSubscription,
  period: Period,
  planVersions: ReadonlyMap<string, PlanVersion>,
): readonly RatedSubscription[] {
  if (subscriptions.every(({ proration }) => proration === 'none')) {
    return [
      {
        subscription: last,
        part: inFull(last, planVersions),
        isCharged: last.serviceTo === period.periodEnd,
      },
    ];
  }
  return subscriptions.map((subscription) => ({
    subscription,
    part: byDays(subscription, period, planVersions),
    isCharged: true,
  }));
}

/** With the addons in force at the subscription's last instant in the period. */
function inFull(
  { subscriptionId, planVersionId, addons }: BilledSubscription,
  planVersions: ReadonlyMap<string, PlanVersion>,
): RatedPart {
  return {
    planVersion: planVersionOf(planVersionId, subscriptionId, planVersions),
    share: WHOLE_MONTH,
    addons: addons
      .filter(({ inForceAtEnd }) => inForceAtEnd)
      .map((addon) => ({ addon, share: WHOLE_MONTH })),
  };
}

function byDays(
  subscription: BilledSubscription,
  { periodEnd }: Period,
  planVersions: ReadonlyMap<string, PlanVersion>,
): RatedPart {
  const { subscriptionId, planVersionId, addons } = subscription;
  const daysInMonth = Number(periodEnd.slice('2026-05-'.length));
  const shareOf = ({ days, serviceFrom, serviceTo }: BilledDays): MonthShare => {
    return { days, daysInMonth, serviceFrom, serviceTo };
  };
  return {
    planVersion: planVersionOf(planVersionId, subscriptionId, planVersions),
    share: shareOf(subscription),
    addons: addons.map((addon) => ({ addon, share: shareOf(addon) })),
  };
}

function planVersionOf(
  planVersionId: string,
  subscriptionId: string,
  planVersions: ReadonlyMap<string, PlanVersion>,
): PlanVersion {
  const planVersion = planVersions.get(planVersionId);
  if (planVersion) return planVersion;
  throw new DomainError(
    'missing_plan_version',
    `subscription ${subscriptionId} was billed on plan version ${planVersionId}, which doesn't exist`,
  );
}
