import { Decimal, toDecimalString } from './decimal.ts';
import { deploymentAllowances, type RatingInputs } from './deployment-lines.ts';
import { nameOfKind } from './names.ts';
import { overageQuantity } from './overage.ts';
import type { BilledDeployment } from './service-days.ts';
import type { QuotedAllowance, Usage } from './types.ts';

/** A deployment's usage of a kind in the running month. Decimal strings. */
export interface KindSoFar {
  readonly resourceKind: string;
  /** What the plan calls it; null: its code in words. */
  readonly name: string | null;
  readonly used: string;
  /** At the end of the month, if usage continues at this rate. */
  readonly projectedUsed: string;
  /** What the month includes; null if the plan doesn't have the kind: then usage isn't billed. */
  readonly allowance: string | null;
  /** The most usage that is billed; null: no cap, or not in the plan. */
  readonly hardCapQty: string | null;
  /** Beyond the allowance, up to the cap; null if the plan doesn't have the kind. */
  readonly overage: string | null;
  readonly projectedOverage: string | null;
}

/** Decimal strings by kind. */
interface UsageAndProjection {
  readonly used: Usage;
  readonly projected: Usage;
}

/**
 * Compares a deployment's usage with what the month includes (docs/spec.md#the-running-month).
 * @param billed null: no subscription, or none that can be billed
 * @param usage of the month by kind, and the same projected
 */
export function kindsSoFar(
  billed: BilledDeployment | null,
  usage: UsageAndProjection,
  rating: Pick<RatingInputs, 'period' | 'planVersions'>,
): readonly KindSoFar[] {
  const allowances = billed === null ? [] : deploymentAllowances(billed, rating);
  const planVersion = rating.planVersions.get(billed?.subscriptions.at(-1)?.planVersionId ?? '');
  const ofPlan = new Set(allowances.map(({ resourceKind }) => resourceKind));
  const others = Object.keys(usage.used).filter((kind) => !ofPlan.has(kind));
  return [
    ...allowances.map((allowance) => {
      const { resourceKind } = allowance;
      const name = planVersion ? nameOfKind(resourceKind, planVersion) : null;
      return kindSoFar(resourceKind, name ?? null, usage, allowance);
    }),
    ...others.sort().map((kind) => kindSoFar(kind, null, usage, null)),
  ];
}

function kindSoFar(
  resourceKind: string,
  name: string | null,
  usage: UsageAndProjection,
  included: QuotedAllowance | null,
): KindSoFar {
  const [used, projected] = [
    quantityOf(resourceKind, usage.used),
    quantityOf(resourceKind, usage.projected),
  ];
  const overage = (qty: Decimal): string | null => {
    if (included === null) return null;
    const { allowance, hardCapQty } = included;
    const cap = hardCapQty === null ? null : new Decimal(hardCapQty);
    return toDecimalString(overageQuantity(qty, new Decimal(allowance), cap));
  };
  return {
    resourceKind,
    name,
    used: toDecimalString(used),
    projectedUsed: toDecimalString(projected),
    allowance: included?.allowance ?? null,
    hardCapQty: included?.hardCapQty ?? null,
    overage: overage(used),
    projectedOverage: overage(projected),
  };
}

function quantityOf(kind: string, usage: Usage): Decimal {
  // Own properties only: a resource kind may be called `constructor`.
  return new Decimal((Object.hasOwn(usage, kind) ? usage[kind] : null) ?? 0);
}
