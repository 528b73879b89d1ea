import { z } from 'zod';
import { inFeedTurn } from '../../db/catalogue/feed-turn.ts';
import { catalogueFile } from '../../catalogue/catalogue-file.ts';
import { countCatalogueChanges } from '../../catalogue/change-counts.ts';
import { feedCatalogue } from '../../catalogue/feed-catalogue.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { changeCounts } from './change-counts-schema.ts';
import { MAX_FEED_ENTRIES, dryRunQuery } from './feed-params.ts';
import { WHOLE_FEED, answerFeedErrors } from './feed-problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** Plans and addons in bulk. */
export const putCatalogue = defineRoute(
  {
    method: 'put',
    path: '/api/v1/catalogue',
    operationId: 'putCatalogue',
    tag: 'Catalogue',
    summary: 'Take in many plan versions and addons, all or none',
    description:
      'As `catalogue apply` does with a file of this form. What is not named stays; the same again ' +
      'changes nothing. One mistake, and nothing is written. At most ' +
      `${MAX_FEED_ENTRIES} plans, versions, items and addons together.`,
    scopes: ['operator'],
    rateLimited: true,
    query: dryRunQuery,
    body: catalogueFile,
    maxBodyBytes: MAX_BULK_BYTES,
    maxEntries: MAX_FEED_ENTRIES,
    responses: {
      200: {
        description: 'What has changed, or would',
        schema: z.object({
          dry_run: z.boolean(),
          changes: z.object({ plan_versions: changeCounts, addons: changeCounts }),
        }),
      },
    },
    problems: ['catalogue-conflict'],
  },
  async ({ query, body }, { db }) => {
    const dryRun = query.dry_run === 'true';
    const changes = await answerFeedErrors('catalogue-conflict', WHOLE_FEED, () =>
      inFeedTurn(db, (tx) => feedCatalogue(tx, body, { dryRun })),
    );
    return reply(200, { dry_run: dryRun, changes: countCatalogueChanges(changes) });
  },
);
