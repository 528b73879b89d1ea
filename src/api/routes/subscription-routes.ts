import { z } from 'zod';
import {
  SUBSCRIPTION_EXAMPLE,
  subscriptionSchema,
  SUBSCRIPTION_STATUSES,
  listSubscriptions,
  showSubscription,
  type SubscriptionView,
} from '../../db/catalogue/subscription-views.ts';
import type { ChangedSubscription } from '../../catalogue/change-subscription.ts';
import {
  SUBSCRIPTION,
  toWarnings,
  warningsSchema,
  answerFeedErrors,
  WHOLE_FEED,
} from './catalogue-problems.ts';
import { inFeedTurn } from '../../db/catalogue/feed-turn.ts';
import { feedSubscription } from '../../catalogue/feed-subscription.ts';
import { subscriptionBody, subscriptionsFile } from '../../catalogue/subscriptions-file.ts';
import { externalId } from '../../ingestion/fields.ts';
import {
  found,
  subscriptionParams,
  changeCounts,
  MAX_FEED_ENTRIES,
  dryRunQuery,
} from './catalogue-params.ts';
import { pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { countSubscriptionChanges } from '../../catalogue/change-counts.ts';
import { feedSubscriptions } from '../../catalogue/feed-subscriptions.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';

/** A subscription as it is after a change. */
export const changedSubscriptionSchema = subscriptionSchema
  .extend({ warnings: warningsSchema })
  .meta({ example: { ...SUBSCRIPTION_EXAMPLE, warnings: [] } });

export function toReply({
  subscription,
  changes,
}: ChangedSubscription): z.infer<typeof changedSubscriptionSchema> {
  return { ...subscription, warnings: toWarnings(SUBSCRIPTION, changes.warnings) };
}

const PATH = '/api/v1/subscriptions/{subscription_id}';

/** A subscription as a whole. */
export const putSubscription = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putSubscription',
    tag: 'Subscriptions',
    summary: 'Add a subscription, or move its instants',
    description:
      'States the whole: an end that is left out is no end. A subscription stays on its plan: a ' +
      'change of plan ends it and starts another one, with an id of its own. A deployment has one ' +
      'at a time. With addons, all that were ever attached are listed (one ends by its ends_at, ' +
      'not by being left out), and new ones are attached with the terms that the catalogue has now.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: subscriptionBody,
    responses: {
      200: { description: 'It was there before', schema: changedSubscriptionSchema },
      201: { description: 'It is new', schema: changedSubscriptionSchema },
    },
    problems: ['feed-conflict'],
  },
  async ({ params: { subscription_id }, body }, { db }) => {
    const { changes, stored } = await answerFeedErrors('feed-conflict', SUBSCRIPTION, () =>
      inFeedTurn(db, async (tx) => ({
        changes: await feedSubscription(tx, subscription_id, body),
        stored: await showSubscription(tx, subscription_id),
      })),
    );
    const subscription = found(stored, `subscription ${subscription_id}`);
    const isNew = changes.newSubscriptions.length > 0;
    return reply(isNew ? 201 : 200, toReply({ subscription, changes }));
  },
);

export const getSubscription = defineRoute(
  {
    method: 'get',
    path: PATH,
    operationId: 'getSubscription',
    tag: 'Subscriptions',
    summary: 'Read a subscription with its addons',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    responses: { 200: { description: 'The subscription', schema: subscriptionSchema } },
    problems: ['not-found'],
  },
  async ({ params: { subscription_id: id } }, { db }) =>
    reply(200, found(await showSubscription(db, id), `subscription ${id}`)),
);

const readPage = pagedBy(externalId, ({ subscription_id }: SubscriptionView) => subscription_id);

export const getSubscriptions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/subscriptions',
    operationId: 'getSubscriptions',
    tag: 'Subscriptions',
    summary: 'List the subscriptions with their addons, by id',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      deployment_id: externalId.meta({ example: 'acme-web' }).optional(),
      status: z.enum(SUBSCRIPTION_STATUSES).optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of subscriptions',
        schema: z.object({ subscriptions: z.array(subscriptionSchema), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    const { tenant_id: tenantId, deployment_id: deploymentId, status } = query;
    await requireKnown(db, 'tenant', tenantId);
    await requireKnown(db, 'deployment', deploymentId);
    const { entries, next_cursor } = await readPage(query, (page) =>
      listSubscriptions(db, { tenantId, deploymentId, status }, page),
    );
    return reply(200, { subscriptions: entries, next_cursor });
  },
);

/** Tenants, deployments and subscriptions in bulk. */
export const putSubscriptions = defineRoute(
  {
    method: 'put',
    path: '/api/v1/subscriptions',
    operationId: 'putSubscriptions',
    tag: 'Subscriptions',
    summary: 'Take in many tenants, deployments and subscriptions, all or none',
    description:
      'As `subscriptions apply` does with a file of this form. What is not named stays; the same ' +
      'again changes nothing. One mistake, and nothing is written. A subscription is stated as a ' +
      'whole, with all addons that were ever attached: one that is missing is a mistake. At most ' +
      `${MAX_FEED_ENTRIES} tenants, deployments, subscriptions and addons together.`,
    scopes: ['operator'],
    rateLimited: true,
    query: dryRunQuery,
    body: subscriptionsFile,
    maxBodyBytes: MAX_BULK_BYTES,
    maxEntries: MAX_FEED_ENTRIES,
    responses: {
      200: {
        description: 'What has changed, or would',
        schema: z.object({
          dry_run: z.boolean(),
          changes: z.object({
            tenants: changeCounts,
            deployments: changeCounts,
            subscriptions: changeCounts,
            subscription_addons: changeCounts,
          }),
          warnings: warningsSchema,
        }),
      },
    },
    problems: ['feed-conflict'],
  },
  async ({ query, body }, { db }) => {
    const dryRun = query.dry_run === 'true';
    const changes = await answerFeedErrors('feed-conflict', WHOLE_FEED, () =>
      inFeedTurn(db, (tx) => feedSubscriptions(tx, body, { dryRun })),
    );
    return reply(200, {
      dry_run: dryRun,
      changes: countSubscriptionChanges(body, changes),
      warnings: toWarnings(WHOLE_FEED, changes.warnings),
    });
  },
);
