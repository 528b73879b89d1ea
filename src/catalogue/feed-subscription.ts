import type { Transaction } from '../db/pool.ts';
import { findDeployments, findSubscriptionAddons } from '../db/catalogue/subscription-feed.ts';
import { feedDeployment } from './feed-deployment.ts';
import { FeedError } from './feed-error.ts';
import { SUBSCRIPTION_PATH } from './one-subscription.ts';
import type { SubscriptionChanges } from './subscription-changes.ts';
import type { FedAddon, SubscriptionBody } from './subscriptions-file.ts';

/**
 * A feed of one subscription, of a deployment that is there. Within a feed's turn (`inFeedTurn`).
 * @throws FeedError
 */
export async function feedSubscription(
  tx: Transaction,
  subscriptionId: string,
  { deployment_id, plan, starts_at, ends_at, addons }: SubscriptionBody,
): Promise<SubscriptionChanges> {
  const [deployment] = await findDeployments(tx, [deployment_id]);
  if (!deployment) {
    const path = [...SUBSCRIPTION_PATH, 'deployment_id'];
    const message = `there is no deployment ${deployment_id}`;
    throw new FeedError('the subscription', [{ path, kind: 'invalid', message }]);
  }
  const fed = {
    subscription_id: subscriptionId,
    plan,
    starts_at,
    ends_at,
    addons: addons ?? (await attachedAddons(tx, subscriptionId)),
  };
  return feedDeployment(tx, deployment.tenantId, { deployment_id, subscriptions: [fed] });
}

async function attachedAddons(tx: Transaction, subscriptionId: string): Promise<FedAddon[]> {
  const addons = await findSubscriptionAddons(tx, [subscriptionId]);
  return addons.map(({ code, startsAt, endsAt }) => ({
    code,
    starts_at: startsAt,
    ends_at: endsAt,
  }));
}
