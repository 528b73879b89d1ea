import { listBilledMonths } from '../db/month-end/billed-months.ts';
import { findBuyers, insertBuyers } from '../db/catalogue/buyer-details.ts';
import { findAddons } from '../db/catalogue/catalogue.ts';
import type { Transaction } from '../db/pool.ts';
import { findPlanVersions } from '../db/invoices/quote-inputs.ts';
import {
  attachAddons,
  updateAddons,
  findDeployments,
  findSubscriptionAddons,
  findSubscriptions,
  findTenants,
  insertDeployments,
  insertSubscriptions,
  updateSubscriptions,
  upsertTenants,
} from '../db/catalogue/subscription-feed.ts';
import { warningsOfBilledMonths } from './billed-months.ts';
import { planVersionId } from './catalogue-changes.ts';
import { FeedError } from './feed-error.ts';
import type { FeedOptions } from './feed-options.ts';
import type { CurrentSubscriptions } from './placed-subscription.ts';
import { diffSubscriptions, type SubscriptionChanges } from './subscription-changes.ts';
import type { SubscriptionsFile } from './subscriptions-file.ts';

/**
 * Takes tenants and their subscriptions in, as a whole or not at all. Doing it again changes
 * nothing. Warns of months whose invoices are no longer right. Within a feed's turn (`inFeedTurn`).
 * @throws FeedError
 */
export async function feedSubscriptions(
  tx: Transaction,
  file: SubscriptionsFile,
  { name = 'the feed', dryRun = false }: FeedOptions = {},
): Promise<SubscriptionChanges> {
  const changes = diffSubscriptions(file, await readCurrent(tx, file));
  if (changes.problems.length > 0) throw new FeedError(name, changes.problems);
  if (!dryRun) await write(tx, changes);
  const { moves } = changes;
  if (moves.length === 0) return changes;
  const months = await listBilledMonths(tx, [...new Set(moves.map(({ tenantId }) => tenantId))]);
  const warnings = [...changes.warnings, ...warningsOfBilledMonths(moves, months)];
  return { ...changes, warnings };
}

async function readCurrent(
  tx: Transaction,
  file: SubscriptionsFile,
): Promise<CurrentSubscriptions> {
  const deployments = file.tenants.flatMap((tenant) => tenant.deployments);
  const subscriptions = deployments.flatMap((deployment) => deployment.subscriptions);
  const deploymentIds = deployments.map(({ deployment_id }) => deployment_id);
  const subscriptionIds = subscriptions.map(({ subscription_id }) => subscription_id);
  const versionIds = subscriptions.flatMap(({ plan }) =>
    plan ? [planVersionId(plan.code, plan.version)] : [],
  );
  const addonCodes = subscriptions.flatMap(({ addons }) => addons.map(({ code }) => code));

  const tenantIds = file.tenants.map(({ tenant_id }) => tenant_id);
  const tenants = await findTenants(tx, tenantIds);
  const buyers = await findBuyers(tx, tenantIds);
  const storedDeployments = await findDeployments(tx, deploymentIds);
  const storedSubscriptions = await findSubscriptions(tx, deploymentIds, subscriptionIds);
  const addons = await findSubscriptionAddons(tx, subscriptionIds);
  const versions = await findPlanVersions(tx, versionIds);
  return {
    tenants: new Map(tenants.map((tenant) => [tenant.tenantId, tenant])),
    buyers: new Map(buyers.map((buyer) => [buyer.tenantId, buyer])),
    deployments: new Map(storedDeployments.map((one) => [one.deploymentId, one])),
    subscriptions: new Map(storedSubscriptions.map((one) => [one.subscriptionId, one])),
    addons: Map.groupBy(addons, ({ subscriptionId }) => subscriptionId),
    planCurrencies: new Map(versions.map(({ id, currency }) => [id, currency])),
    addonCodes: new Set((await findAddons(tx, addonCodes)).keys()),
  };
}

/** What ends is ended before what follows it begins. */
async function write(tx: Transaction, changes: SubscriptionChanges): Promise<void> {
  await upsertTenants(tx, [...changes.newTenants, ...changes.renamedTenants]);
  await insertBuyers(tx, changes.newBuyers);
  await insertDeployments(tx, changes.newDeployments);
  await updateSubscriptions(tx, changes.changedSubscriptions);
  await insertSubscriptions(tx, changes.newSubscriptions);
  await updateAddons(tx, changes.changedAddons);
  await attachAddons(tx, changes.newAddons);
}
