import { DomainError } from './errors.ts';
import { quote } from './quote.ts';
import type { PlanVersion, QuoteAddon, QuoteLine, Usage } from './types.ts';

/** A subscription as billed for a month. */
export interface BillableSubscription {
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly subscriptionId: string;
  /** Null if the platform that imports subscriptions has named none. */
  readonly planVersionId: string | null;
  /** In force at the period's last instant, in the order in which they were attached. */
  readonly addons: readonly QuoteAddon[];
}

/**
 * Returns the lines that a month end bills for one subscription: recurring and overage, from the
 * deployment's actual usage (docs/spec.md#month-end).
 * @param currency the tenant's: an invoice has one
 * @param planVersions contains the subscription's version, unless it has none
 * @throws DomainError `missing_plan_version`, `mixed_currencies`, and the errors of `quote`
 */
export function subscriptionLines(
  subscription: BillableSubscription,
  currency: string | undefined,
  planVersions: ReadonlyMap<string, PlanVersion>,
  usage: Usage,
): readonly QuoteLine[] {
  const { tenantId, subscriptionId, planVersionId, addons } = subscription;
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
  const { recurring, overage } = quote(planVersion, addons, { usage });
  return [...recurring.lines, ...overage.lines];
}
