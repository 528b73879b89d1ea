import { z } from 'zod';
import { attach, detach } from '../../catalogue/attached-addons.ts';
import { changeSubscription } from '../../catalogue/change-subscription.ts';
import { storedInstant } from '../../catalogue/fields.ts';
import { isBefore } from '../../catalogue/instants.ts';
import { allowRepeated, type FedSubscription } from '../../catalogue/subscriptions-file.ts';
import { externalId } from '../../ingestion/fields.ts';
import { changedSubscriptionSchema, toReply } from './subscription-routes.ts';
import { addonParams, found, subscriptionParams } from './catalogue-params.ts';
import { SUBSCRIPTION_ADDON, answerFeedErrors, SUBSCRIPTION } from './catalogue-problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import type { Database } from '../../db/pool.ts';
import { activate, cancel } from '../../catalogue/subscription-life.ts';

/** An addon of the catalogue, as it is now, for a subscription. */
export const attachAddon = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/addons',
    operationId: 'attachAddon',
    tag: 'Subscriptions',
    summary: 'Attach an addon',
    description:
      'Takes a snapshot: later changes of the catalogue do not touch it. An attached addon is known ' +
      'by its code and its start: the same again changes nothing, not even the terms. (Detached ' +
      'meanwhile, it stays so.) From another instant on it is refused (409) while one of the same code ' +
      'is in force, because both would be billed; with "allow_repeated": true it is attached again.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z
      .strictObject({
        code: externalId.meta({ example: 'storage_50gb' }),
        starts_at: storedInstant,
        ends_at: storedInstant.optional(),
        allow_repeated: allowRepeated,
      })
      .refine(({ starts_at, ends_at }) => ends_at === undefined || isBefore(starts_at, ends_at), {
        path: ['ends_at'],
        error: 'expected an instant after starts_at',
      })
      .meta({ example: { code: 'storage_50gb', starts_at: '2026-05-20T00:00:00Z' } }),
    responses: {
      200: { description: 'It was attached before', schema: changedSubscriptionSchema },
      201: { description: 'The subscription with it', schema: changedSubscriptionSchema },
    },
    problems: ['not-found', 'feed-conflict'],
  },
  async ({ params: { subscription_id: id }, body }, { db }) => {
    const changed = await answerFeedErrors('feed-conflict', SUBSCRIPTION_ADDON, () =>
      changeSubscription(db, id, (stored) => attach(stored, body)),
    );
    const result = found(changed, `subscription ${id}`);
    return reply(result.changes.newAddons.length > 0 ? 201 : 200, toReply(result));
  },
);

/** An attached addon ends. */
export const detachAddon = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/addons/{addon_code}/detach',
    operationId: 'detachAddon',
    tag: 'Subscriptions',
    summary: 'End an attached addon, now or at an instant ahead',
    description:
      'The same again changes nothing; another instant than the one that is set is refused. To ' +
      'correct it, PUT the subscription with its addons.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams.extend(addonParams.shape),
    body: z
      .strictObject({
        ends_at: storedInstant.describe('The first instant that it is no longer in force.'),
        starts_at: storedInstant
          .optional()
          .describe('Which one: needed where this addon was attached more than once.'),
      })
      .meta({ example: { ends_at: '2026-08-01T00:00:00Z' } }),
    responses: {
      200: { description: 'The subscription as it is now', schema: changedSubscriptionSchema },
    },
    problems: ['not-found', 'feed-conflict'],
  },
  async ({ params: { subscription_id: id, addon_code: code }, body }, { db }) => {
    const changed = await answerFeedErrors('feed-conflict', SUBSCRIPTION_ADDON, () =>
      changeSubscription(db, id, (stored) =>
        found(detach(stored, { code, ...body }), `addon ${code} of subscription ${id}`),
      ),
    );
    return reply(200, toReply(found(changed, `subscription ${id}`)));
  },
);

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
