import { inFeedTurn } from '../db/catalogue/feed-turn.ts';
import type { Database } from '../db/pool.ts';
import { showSubscription, type SubscriptionView } from '../db/catalogue/subscription-views.ts';
import { feedDeployment } from './feed-deployment.ts';
import type { SubscriptionChanges } from './subscription-changes.ts';
import type { FedSubscription } from './subscriptions-file.ts';

/** A subscription as it is after a change, and what has changed. */
export interface ChangedSubscription {
  readonly subscription: SubscriptionView;
  readonly changes: SubscriptionChanges;
}

/**
 * Changes a subscription that is stored: as a feed of what `change` makes of it.
 * @returns null where there is no such subscription
 * @throws FeedError; whatever `change` throws
 */
export async function changeSubscription(
  db: Database,
  subscriptionId: string,
  change: (stored: FedSubscription) => FedSubscription,
): Promise<ChangedSubscription | null> {
  return inFeedTurn(db, async (tx) => {
    const stored = await showSubscription(tx, subscriptionId);
    if (stored === null) return null;
    const { tenant_id, deployment_id } = stored;
    const wanted = change(toFed(stored));
    const changes = await feedDeployment(tx, tenant_id, { deployment_id, subscriptions: [wanted] });
    const subscription = await showSubscription(tx, subscriptionId);
    return subscription && { subscription, changes };
  });
}

function toFed(stored: SubscriptionView): FedSubscription {
  const { subscription_id, plan, starts_at, ends_at, addons } = stored;
  return {
    subscription_id,
    plan,
    starts_at,
    ends_at,
    addons: addons.map((addon) => ({
      code: addon.code,
      starts_at: addon.starts_at,
      ends_at: addon.ends_at,
    })),
  };
}
