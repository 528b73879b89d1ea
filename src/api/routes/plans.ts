import { z } from 'zod';
import {
  listPlanVersions,
  planVersionSchema,
  showPlanVersion,
  type PlanVersionKey,
  type PlanVersionView,
} from '../../db/catalogue/catalogue-views.ts';
import { inFeedTurn } from '../../db/catalogue/feed-turn.ts';
import { planTerms } from '../../catalogue/catalogue-file.ts';
import { feedCatalogue } from '../../catalogue/feed-catalogue.ts';
import { versionNumber } from '../../catalogue/fields.ts';
import { externalId } from '../../ingestion/fields.ts';
import { found, planVersionParams } from './feed-params.ts';
import { PLAN_VERSION, answerFeedErrors } from './feed-problems.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const PATH = '/api/v1/plans/{plan_code}/versions/{version}';

/** A plan version, for good. */
export const putPlanVersion = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putPlanVersion',
    tag: 'Catalogue',
    summary: 'Add a version of a plan',
    description:
      'A version is never edited: the same again changes nothing, another content is refused. To ' +
      'change a plan, add its next version, and move subscriptions to it.',
    scopes: ['operator'],
    rateLimited: true,
    params: planVersionParams,
    body: planTerms,
    responses: {
      200: { description: 'It was there before', schema: planVersionSchema },
      201: { description: 'It is new', schema: planVersionSchema },
    },
    problems: ['catalogue-conflict'],
  },
  async ({ params: { plan_code: code, version }, body }, { db }) => {
    const plans = [{ code, versions: [{ version, ...body }] }];
    const { isNew, stored } = await answerFeedErrors('catalogue-conflict', PLAN_VERSION, () =>
      inFeedTurn(db, async (tx) => {
        const { newVersions } = await feedCatalogue(tx, { plans, addons: [] });
        const view = await showPlanVersion(tx, { code, version });
        return { isNew: newVersions.length > 0, stored: view };
      }),
    );
    return reply(isNew ? 201 : 200, found(stored, 'plan version of this number'));
  },
);

export const getPlanVersion = defineRoute(
  {
    method: 'get',
    path: PATH,
    operationId: 'getPlanVersion',
    tag: 'Catalogue',
    summary: 'Read a version of a plan',
    scopes: ['operator'],
    rateLimited: true,
    params: planVersionParams,
    responses: { 200: { description: 'The plan version', schema: planVersionSchema } },
    problems: ['not-found'],
  },
  async ({ params: { plan_code: code, version } }, { db }) => {
    const view = await showPlanVersion(db, { code, version });
    return reply(200, found(view, `version ${version} of a plan ${code}`));
  },
);

const readPage = pagedBy(
  z.strictObject({ code: externalId, version: versionNumber }),
  ({ code, version }: PlanVersionView): PlanVersionKey => ({ code, version }),
);

export const getPlans = defineRoute(
  {
    method: 'get',
    path: '/api/v1/plans',
    operationId: 'getPlans',
    tag: 'Catalogue',
    summary: 'List all versions of all plans, by plan and version',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({ limit: pageLimit(500, 100), cursor: cursorParam }),
    responses: {
      200: {
        description: 'A page of plan versions',
        schema: z.object({ plan_versions: z.array(planVersionSchema), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { entries, next_cursor } = await readPage(query, (page) => listPlanVersions(db, page));
    return reply(200, { plan_versions: entries, next_cursor });
  },
);
