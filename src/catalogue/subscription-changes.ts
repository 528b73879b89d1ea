import { isDeepStrictEqual } from 'node:util';
import type { StoredBuyer } from '../db/catalogue/buyer-details.ts';
import type {
  StoredAddon,
  StoredDeployment,
  StoredTenant,
} from '../db/catalogue/stored-subscriptions.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import { diffAddons } from './addon-changes.ts';
import { movesOf, type Move } from './billed-month-warnings.ts';
import { planVersionId } from './catalogue-changes.ts';
import type { Problem, Remark } from './apply-error.ts';
import { problemsOfOrder, resolveDates, warningsOfEdges } from './local-dates.ts';
import { findOverlaps } from './overlaps.ts';
import type {
  CurrentSubscriptions,
  NewSubscription,
  PlacedSubscription,
} from './placed-subscription.ts';
import type { SentTenant, SubscriptionsFile } from './subscriptions-file.ts';

/** The changes that applying subscriptions makes, or the problems that prevent it. */
export interface SubscriptionChanges {
  readonly newTenants: readonly StoredTenant[];
  readonly renamedTenants: readonly StoredTenant[];
  /** The next versions of buyers' details. */
  readonly newBuyers: readonly StoredBuyer[];
  /** Existing tenants with a new name or new buyer details. */
  readonly changedTenantIds: readonly string[];
  readonly newDeployments: readonly StoredDeployment[];
  readonly newSubscriptions: readonly NewSubscription[];
  readonly changedSubscriptions: readonly NewSubscription[];
  readonly unchangedSubscriptions: readonly NewSubscription[];
  readonly newAddons: readonly StoredAddon[];
  readonly changedAddons: readonly StoredAddon[];
  /** Subscriptions and addons that start or end differently, or get a plan, which may make invoiced months wrong. */
  readonly moves: readonly Move[];
  /** Accepted input for which month end will park the tenant until it is fixed. */
  readonly warnings: readonly Remark[];
  readonly problems: readonly Problem[];
}

/** Compares a file with stored data. Anything that the file doesn't name stays. */
export function diffSubscriptions(
  sent: SubscriptionsFile,
  current: CurrentSubscriptions,
  calendar: BillingCalendar,
): SubscriptionChanges {
  const file = resolveDates(calendar, sent);
  const placed = placeSubscriptions(file);
  const byChange = Map.groupBy(placed, (subscription) => compare(subscription, current));
  const addons = placed.map((subscription) => diffAddons(subscription, current));
  const wanted = (change: Change) => (byChange.get(change) ?? []).map((one) => one.wanted);
  const renamedTenants = file.tenants.map(toTenant).filter((tenant) => {
    const known = current.tenants.get(tenant.tenantId);
    return known !== undefined && known.name !== tenant.name;
  });
  const newBuyers = file.tenants.flatMap((tenant) => diffBuyer(tenant, current));
  const changed = new Set([...renamedTenants, ...newBuyers].map(({ tenantId }) => tenantId));
  return {
    newTenants: file.tenants
      .map(toTenant)
      .filter((tenant) => !current.tenants.has(tenant.tenantId)),
    renamedTenants,
    newBuyers,
    changedTenantIds: [...changed].filter((tenantId) => current.tenants.has(tenantId)),
    newDeployments: file.tenants
      .flatMap(({ tenant_id, deployments }) =>
        deployments.map((d) => ({ deploymentId: d.deployment_id, tenantId: tenant_id })),
      )
      .filter(({ deploymentId }) => !current.deployments.has(deploymentId)),
    newSubscriptions: wanted('new'),
    changedSubscriptions: wanted('changed'),
    unchangedSubscriptions: wanted('unchanged'),
    newAddons: addons.flatMap(({ attached }) => attached),
    changedAddons: addons.flatMap(({ changed }) => changed),
    moves: placed.flatMap((subscription, index) => {
      const { attached = [], changed: ended = [] } = addons[index] ?? {};
      const moved = [...attached, ...ended];
      const isMoved = moved.length > 0 || compare(subscription, current) !== 'unchanged';
      return isMoved ? movesOf(subscription, current, moved) : [];
    }),
    warnings: [
      ...placed.flatMap((subscription) => warningsOf(subscription, current)),
      ...warningsOfEdges(placed, current, calendar),
    ],
    problems: [
      ...problemsOfOwners(file, current),
      ...placed.flatMap((subscription) => problemsOf(subscription, current)),
      ...problemsOfOrder(placed),
      ...addons.flatMap(({ problems }) => problems),
      ...findOverlaps(placed, current.subscriptions),
    ],
  };
}

function placeSubscriptions(file: SubscriptionsFile): readonly PlacedSubscription[] {
  return file.tenants.flatMap((tenant, i) =>
    tenant.deployments.flatMap(({ deployment_id, subscriptions }, j) =>
      subscriptions.map((sent, k) => ({
        path: ['tenants', i, 'deployments', j, 'subscriptions', k],
        tenant,
        sent,
        wanted: {
          subscriptionId: sent.subscription_id,
          tenantId: tenant.tenant_id,
          deploymentId: deployment_id,
          planVersionId: sent.plan && planVersionId(sent.plan.code, sent.plan.version),
          startsAt: sent.starts_at,
          endsAt: sent.ends_at,
        },
      })),
    ),
  );
}

function toTenant({ tenant_id, name, currency }: SentTenant): StoredTenant {
  return { tenantId: tenant_id, name, currency };
}

/** Returns the next version of the buyer's details, if they differ from the current one. */
function diffBuyer(
  { tenant_id, buyer }: SentTenant,
  { buyers }: CurrentSubscriptions,
): StoredBuyer[] {
  const known = buyers.get(tenant_id);
  if (!buyer || isDeepStrictEqual(known?.details, buyer)) return [];
  return [{ tenantId: tenant_id, version: (known?.version ?? 0) + 1, details: buyer }];
}

type Change = 'new' | 'changed' | 'unchanged';

function compare({ wanted }: PlacedSubscription, { subscriptions }: CurrentSubscriptions): Change {
  const known = subscriptions.get(wanted.subscriptionId);
  if (!known) return 'new';
  const isSame =
    known.planVersionId === wanted.planVersionId &&
    known.startsAt === wanted.startsAt &&
    known.endsAt === wanted.endsAt;
  return isSame ? 'unchanged' : 'changed';
}

/**
 * Returns the problems of tenants and deployments: a tenant's currency and a deployment's tenant never change.
 */
function problemsOfOwners(file: SubscriptionsFile, current: CurrentSubscriptions): Problem[] {
  return file.tenants.flatMap(({ tenant_id, currency, deployments }, i) => {
    const problems: Problem[] = [];
    const known = current.tenants.get(tenant_id);
    if (known && known.currency !== currency) {
      problems.push({
        path: ['tenants', i, 'currency'],
        kind: 'conflict',
        message: `tenant ${tenant_id} is billed in ${known.currency}, which can't change`,
      });
    }
    deployments.forEach(({ deployment_id }, j) => {
      const owner = current.deployments.get(deployment_id)?.tenantId ?? tenant_id;
      if (owner === tenant_id) return;
      problems.push({
        path: ['tenants', i, 'deployments', j, 'deployment_id'],
        kind: 'conflict',
        message: `deployment ${deployment_id} belongs to another tenant, ${owner}`,
      });
    });
    return problems;
  });
}

function problemsOf(
  { path, wanted }: PlacedSubscription,
  { subscriptions, planCurrencies }: CurrentSubscriptions,
): Problem[] {
  const { subscriptionId, deploymentId, planVersionId: planId } = wanted;
  const known = subscriptions.get(subscriptionId);
  const problems: Problem[] = [];
  if (planId !== null && !planCurrencies.has(planId)) {
    const message = `the catalogue has no plan version ${planId}: apply the catalogue first`;
    problems.push({ path: [...path, 'plan'], kind: 'invalid', message });
  }
  if (known && known.deploymentId !== deploymentId) {
    const message = `subscription ${subscriptionId} belongs to another deployment, ${known.deploymentId}`;
    problems.push({ path: [...path, 'subscription_id'], kind: 'conflict', message });
  }
  if (known && known.planVersionId !== null && known.planVersionId !== planId) {
    const message =
      `subscription ${subscriptionId} is on ${known.planVersionId}: a change of plan ends it ` +
      'and starts a new one, with an id of its own';
    problems.push({ path: [...path, 'plan'], kind: 'conflict', message });
  }
  return problems;
}

function warningsOf(
  { path, tenant, wanted }: PlacedSubscription,
  { planCurrencies }: CurrentSubscriptions,
): Remark[] {
  const { subscriptionId, planVersionId: planId } = wanted;
  const parked = `month end will park tenant ${tenant.tenant_id}`;
  if (planId === null) {
    const message = `subscription ${subscriptionId} has no plan: ${parked}`;
    return [{ path: [...path, 'plan'], message }];
  }
  const currency = planCurrencies.get(planId);
  if (currency === undefined || currency === tenant.currency) return [];
  const message = `${planId} is in ${currency}, the tenant is billed in ${tenant.currency}: ${parked}`;
  return [{ path: [...path, 'plan'], message }];
}
