import { isBefore } from './instants.ts';
import { conflictAt } from './one-subscription.ts';
import type { FedSubscription } from './subscriptions-file.ts';

/**
 * The verbs of a subscription's life. Each sets an instant that isn't set yet; asked for the same
 * again it changes nothing. None moves an instant, so that a request which comes late or twice
 * can't undo a correction: that takes a PUT, which states the whole.
 */

/**
 * A pending subscription starts.
 * @param startsAt as PostgreSQL keeps it
 * @throws FeedError
 */
export function activate(stored: FedSubscription, startsAt: string): FedSubscription {
  if (stored.starts_at === startsAt) return stored;
  if (stored.starts_at !== null) {
    throw conflictAt(
      ['starts_at'],
      `subscription ${stored.subscription_id} starts at ${stored.starts_at}: PUT it to move that`,
    );
  }
  return { ...stored, starts_at: startsAt };
}

/**
 * A subscription ends.
 * @param endsAt as PostgreSQL keeps it; may be ahead
 * @throws FeedError
 */
export function cancel(stored: FedSubscription, endsAt: string): FedSubscription {
  const { subscription_id: id, starts_at, ends_at } = stored;
  if (ends_at === endsAt) return stored;
  if (ends_at !== null) {
    throw conflictAt(['ends_at'], `subscription ${id} ends at ${ends_at}: PUT it to move that`);
  }
  if (starts_at === null) {
    throw conflictAt(['ends_at'], `subscription ${id} has no start: there is nothing to end`);
  }
  if (!isBefore(starts_at, endsAt)) {
    throw conflictAt(
      ['ends_at'],
      `subscription ${id} starts at ${starts_at}: expected a later end`,
    );
  }
  return { ...stored, ends_at: endsAt };
}
