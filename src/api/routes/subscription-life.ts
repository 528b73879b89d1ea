import { z } from 'zod';
import type { Database } from '../../db/pool.ts';
import { changeSubscription } from '../../catalogue/change-subscription.ts';
import { storedInstant } from '../../catalogue/fields.ts';
import { activate, cancel } from '../../catalogue/subscription-life.ts';
import type { FedSubscription } from '../../catalogue/subscriptions-file.ts';
import { changedSubscriptionSchema, toReply } from './changed-subscription.ts';
import { found, subscriptionParams } from './feed-params.ts';
import { SUBSCRIPTION, answerFeedErrors } from './feed-problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const SET_ONCE =
  'The same again changes nothing; another instant than the one that is set is refused, so that a ' +
  'request which comes late or twice cannot undo a correction. To correct it, PUT the subscription.';

const RESPONSES = {
  200: { description: 'The subscription as it is now', schema: changedSubscriptionSchema },
} as const;

/** A pending subscription starts. */
export const activateSubscription = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/activate',
    operationId: 'activateSubscription',
    tag: 'Subscriptions',
    summary: 'Start a pending subscription',
    description: SET_ONCE,
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z.strictObject({ starts_at: storedInstant.meta({ example: '2026-05-20T00:00:00Z' }) }),
    responses: RESPONSES,
    problems: ['not-found', 'feed-conflict'],
  },
  async ({ params, body }, { db }) =>
    reply(
      200,
      await live(db, params.subscription_id, (stored) => activate(stored, body.starts_at)),
    ),
);

/** A subscription ends. */
export const cancelSubscription = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/cancel',
    operationId: 'cancelSubscription',
    tag: 'Subscriptions',
    summary: 'End a subscription, now or at an instant ahead',
    description:
      'Month end bills what is in force at the last instant of the month: who ends before that is ' +
      `not billed for it. Its addons end with it. ${SET_ONCE}`,
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z.strictObject({
      ends_at: storedInstant
        .describe('The first instant that it is no longer in force.')
        .meta({ example: '2026-08-01T00:00:00Z' }),
    }),
    responses: RESPONSES,
    problems: ['not-found', 'feed-conflict'],
  },
  async ({ params, body }, { db }) =>
    reply(200, await live(db, params.subscription_id, (stored) => cancel(stored, body.ends_at))),
);

async function live(
  db: Database,
  subscriptionId: string,
  change: (stored: FedSubscription) => FedSubscription,
) {
  const changed = await answerFeedErrors('feed-conflict', SUBSCRIPTION, () =>
    changeSubscription(db, subscriptionId, change),
  );
  return toReply(found(changed, `subscription ${subscriptionId}`));
}
