import type { Transaction } from '../db/pool.ts';
import { findTenants } from '../db/catalogue/subscription-feed.ts';
import { FeedError } from './feed-error.ts';
import { feedSubscriptions } from './feed-subscriptions.ts';
import type { SubscriptionChanges } from './subscription-changes.ts';
import type { FedDeployment } from './subscriptions-file.ts';

/**
 * A feed of one deployment, of a tenant that is there. Within a feed's turn (`inFeedTurn`).
 * @throws FeedError
 */
export async function feedDeployment(
  tx: Transaction,
  tenantId: string,
  deployment: FedDeployment,
): Promise<SubscriptionChanges> {
  const [tenant] = await findTenants(tx, [tenantId]);
  if (!tenant) {
    const path = ['tenants', 0, 'deployments', 0, 'tenant_id'];
    const message = `there is no tenant ${tenantId}`;
    throw new FeedError('the deployment', [{ path, kind: 'invalid', message }]);
  }
  const { name, currency } = tenant;
  return feedSubscriptions(tx, {
    tenants: [{ tenant_id: tenantId, name, currency, deployments: [deployment] }],
  });
}
