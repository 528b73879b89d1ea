import { inFeedTurn } from '../db/catalogue/feed-turn.ts';
import type { Database } from '../db/pool.ts';
import { feedSubscriptions } from './feed-subscriptions.ts';
import type { FeedFile } from './parse-feed.ts';
import type { SubscriptionChanges } from './subscription-changes.ts';
import { parseSubscriptionsFile } from './subscriptions-file.ts';

/**
 * Takes a file of tenants and their subscriptions in, as a whole or not at all. Applying it again
 * changes nothing.
 * @throws FeedError
 */
export async function applySubscriptions(
  db: Database,
  feed: FeedFile,
): Promise<SubscriptionChanges> {
  const file = parseSubscriptionsFile(feed);
  return inFeedTurn(db, (tx) => feedSubscriptions(tx, file, { name: feed.name }));
}
