import { z } from 'zod';
import { inFeedTurn } from '../../db/catalogue/feed-turn.ts';
import { countSubscriptionChanges } from '../../catalogue/change-counts.ts';
import { feedSubscriptions } from '../../catalogue/feed-subscriptions.ts';
import { subscriptionsFile } from '../../catalogue/subscriptions-file.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { changeCounts } from './change-counts-schema.ts';
import { MAX_FEED_ENTRIES, dryRunQuery } from './feed-params.ts';
import { WHOLE_FEED, answerFeedErrors } from './feed-problems.ts';
import { toWarnings, warningsSchema } from './feed-warnings.ts';
import { defineRoute, reply } from '../http/define-route.ts';

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
