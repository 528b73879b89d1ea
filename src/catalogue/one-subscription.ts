import { FeedError } from './feed-error.ts';

/** Where the subscription of a feed of one stands. */
export const SUBSCRIPTION_PATH = ['tenants', 0, 'deployments', 0, 'subscriptions', 0] as const;

/** What is asked for doesn't go with the subscription as it is stored. */
export function conflictAt(path: readonly PropertyKey[], message: string): FeedError {
  return new FeedError('the subscription', [
    { path: [...SUBSCRIPTION_PATH, ...path], kind: 'conflict', message },
  ]);
}
