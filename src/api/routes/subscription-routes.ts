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
  answerApplyErrors,
  WHOLE_FILE,
} from './catalogue-problems.ts';
import { inApplyTurn } from '../../db/settings/apply-turn.ts';
import { applySubscription, applySubscriptions } from '../../catalogue/apply-subscriptions.ts';
import { subscriptionBody, subscriptionsFile } from '../../catalogue/subscriptions-file.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import {
  found,
  subscriptionParams,
  changeCounts,
  MAX_FEED_ENTRIES,
  FEED,
} from './catalogue-params.ts';
import { pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { countSubscriptionChanges } from '../../catalogue/change-counts.ts';

/** A subscription after a change, with warnings. */
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

/** Adds a subscription, or replaces its dates and addons. */
export const putSubscription = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putSubscription',
    tag: 'Subscriptions',
    summary: 'Add a subscription or change its dates',
    description:
      'The body states the whole subscription: without ends_at it has no end. A subscription stays on its ' +
      'plan; to change plans, end it and start another subscription with a new id. A deployment has one ' +
      'subscription at a time. If the body has addons, list all that were ever attached (set ends_at to end ' +
      'one, do not leave it out); new ones get the current terms of the catalogue.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: subscriptionBody,
    responses: {
      200: { description: 'The subscription already existed', schema: changedSubscriptionSchema },
      201: { description: 'The new subscription', schema: changedSubscriptionSchema },
    },
    problems: ['data-conflict'],
  },
  async ({ params: { subscription_id }, body }, { db }) => {
    const { changes, stored } = await answerApplyErrors('data-conflict', SUBSCRIPTION, () =>
      inApplyTurn(db, async (tx, calendar) => ({
        changes: await applySubscription(tx, calendar, subscription_id, body),
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

/** Pages through subscriptions, by id. */
export const pageOfSubscriptions = pagedBy(
  externalId,
  ({ subscription_id }: SubscriptionView) => subscription_id,
);

export const getSubscriptions = defineRoute(
  {
    method: 'get',
    path: '/api/v1/subscriptions',
    operationId: 'getSubscriptions',
    tag: 'Subscriptions',
    summary: 'List subscriptions with their addons, ordered by id',
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
    const { entries, next_cursor } = await pageOfSubscriptions(query, (page) =>
      listSubscriptions(db, { tenantId, deploymentId, status }, page),
    );
    return reply(200, { subscriptions: entries, next_cursor });
  },
);

/** Imports tenants, deployments and subscriptions in bulk. */
export const putSubscriptions = defineRoute(
  {
    method: 'put',
    path: '/api/v1/subscriptions',
    operationId: 'putSubscriptions',
    tag: 'Subscriptions',
    summary: 'Import many tenants, deployments and subscriptions, all or none',
    description:
      'Like `subscriptions apply` with a file of this form. Anything not in the body stays as it is, and ' +
      'sending the same body again changes nothing. If anything is wrong, nothing is written. Each ' +
      'subscription is stated whole, with all addons that were ever attached; a missing one is an error. At ' +
      `most ${MAX_FEED_ENTRIES} tenants, deployments, subscriptions and addons in total.`,
    ...FEED,
    body: subscriptionsFile,
    responses: {
      200: {
        description: 'What changed, or would change',
        schema: z.object({
          dry_run: z.boolean(),
          changes: z.object({
            tenants: changeCounts,
            deployments: changeCounts,
            subscriptions: changeCounts,
            subscription_addons: changeCounts,
            tax_treatments: changeCounts,
          }),
          warnings: warningsSchema,
        }),
      },
    },
    problems: ['data-conflict'],
  },
  async ({ query, body }, { db }) => {
    const dryRun = query.dry_run === 'true';
    const changes = await answerApplyErrors('data-conflict', WHOLE_FILE, () =>
      inApplyTurn(db, (tx, calendar) => applySubscriptions(tx, calendar, body, { dryRun })),
    );
    return reply(200, {
      dry_run: dryRun,
      changes: countSubscriptionChanges(body, changes),
      warnings: toWarnings(WHOLE_FILE, changes.warnings),
    });
  },
);
