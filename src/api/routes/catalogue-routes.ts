import { z } from 'zod';
import {
  listPlanVersions,
  planVersionSchema,
  showPlanVersion,
  type PlanVersionKey,
  type PlanVersionView,
  addonSchema,
  listAddons,
  showAddon,
  type AddonView,
} from '../../db/catalogue/catalogue-views.ts';
import { listUnits, unitSchema } from '../../db/catalogue/units.ts';
import { inApplyTurn } from '../../db/settings/apply-turn.ts';
import { planTerms, addonTerms, catalogueFile } from '../../catalogue/catalogue-file.ts';
import { applyCatalogue } from '../../catalogue/apply-catalogue.ts';
import { versionNumber } from '../../catalogue/catalogue-fields.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import {
  found,
  planVersionParams,
  addonParams,
  changeCounts,
  MAX_FEED_ENTRIES,
  FEED,
} from './catalogue-params.ts';
import { PLAN_VERSION, answerApplyErrors, WHOLE_FILE } from './catalogue-problems.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { countCatalogueChanges } from '../../catalogue/change-counts.ts';

/** An import of nothing. */
const EMPTY = { units: [], plans: [], addons: [] };

const PLAN_PATH = '/api/v1/plans/{plan_code}/versions/{version}';

/** Adds an immutable plan version. */
export const putPlanVersion = defineRoute(
  {
    method: 'put',
    path: PLAN_PATH,
    operationId: 'putPlanVersion',
    tag: 'Catalogue',
    summary: 'Add a version of a plan',
    description:
      'A version cannot be changed: sending the same content again changes nothing, different content is ' +
      'rejected. To change a plan, add its next version and move subscriptions to it.',
    scopes: ['operator'],
    rateLimited: true,
    params: planVersionParams,
    body: planTerms,
    responses: {
      200: { description: 'The version already existed', schema: planVersionSchema },
      201: { description: 'The new version', schema: planVersionSchema },
    },
    problems: ['catalogue-conflict'],
  },
  async ({ params: { plan_code: code, version }, body }, { db }) => {
    const plans = [{ code, versions: [{ version, ...body }] }];
    const { isNew, stored } = await answerApplyErrors('catalogue-conflict', PLAN_VERSION, () =>
      inApplyTurn(db, async (tx) => {
        const { newVersions } = await applyCatalogue(tx, { ...EMPTY, plans });
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
    path: PLAN_PATH,
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

const readPlans = pagedBy(
  z.strictObject({ code: externalId, version: versionNumber }),
  ({ code, version }: PlanVersionView): PlanVersionKey => ({ code, version }),
);

export const getPlans = defineRoute(
  {
    method: 'get',
    path: '/api/v1/plans',
    operationId: 'getPlans',
    tag: 'Catalogue',
    summary: 'List all plan versions, ordered by plan and version',
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
    const { entries, next_cursor } = await readPlans(query, (page) => listPlanVersions(db, page));
    return reply(200, { plan_versions: entries, next_cursor });
  },
);

const ADDON_PATH = '/api/v1/addons/{addon_code}';

/** Adds an addon, or changes its terms for future attachments. */
export const putAddon = defineRoute(
  {
    method: 'put',
    path: ADDON_PATH,
    operationId: 'putAddon',
    tag: 'Catalogue',
    summary: 'Add an addon or change its terms',
    description:
      'New terms apply when the addon is attached from now on. Subscriptions keep the terms from when they ' +
      'attached it.',
    scopes: ['operator'],
    rateLimited: true,
    params: addonParams,
    body: addonTerms,
    responses: {
      200: { description: 'The addon already existed', schema: addonSchema },
      201: { description: 'The new addon', schema: addonSchema },
    },
  },
  async ({ params: { addon_code: code }, body }, { db }) => {
    const { isNew, stored } = await inApplyTurn(db, async (tx) => {
      const { newAddons } = await applyCatalogue(tx, { ...EMPTY, addons: [{ code, ...body }] });
      return { isNew: newAddons.length > 0, stored: await showAddon(tx, code) };
    });
    return reply(isNew ? 201 : 200, found(stored, `addon ${code}`));
  },
);

export const getAddon = defineRoute(
  {
    method: 'get',
    path: ADDON_PATH,
    operationId: 'getAddon',
    tag: 'Catalogue',
    summary: 'Read an addon',
    scopes: ['operator'],
    rateLimited: true,
    params: addonParams,
    responses: { 200: { description: 'The addon', schema: addonSchema } },
    problems: ['not-found'],
  },
  async ({ params: { addon_code: code } }, { db }) =>
    reply(200, found(await showAddon(db, code), `addon ${code}`)),
);

const readAddons = pagedBy(externalId, ({ code }: AddonView) => code);

export const getAddons = defineRoute(
  {
    method: 'get',
    path: '/api/v1/addons',
    operationId: 'getAddons',
    tag: 'Catalogue',
    summary: 'List addons, ordered by code',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({ limit: pageLimit(500, 100), cursor: cursorParam }),
    responses: {
      200: {
        description: 'A page of addons',
        schema: z.object({ addons: z.array(addonSchema), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { entries, next_cursor } = await readAddons(query, (page) => listAddons(db, page));
    return reply(200, { addons: entries, next_cursor });
  },
);

export const getUnits = defineRoute(
  {
    method: 'get',
    path: '/api/v1/units',
    operationId: 'getUnits',
    tag: 'Catalogue',
    summary: 'List the units of overage prices, the built-in ones first',
    description: 'PUT /api/v1/catalogue defines more. A unit never changes.',
    scopes: ['operator'],
    rateLimited: true,
    responses: {
      200: { description: 'All units', schema: z.object({ units: z.array(unitSchema) }) },
    },
  },
  async (_, { db }) => reply(200, { units: await listUnits(db) }),
);

/** Imports units, plans and addons in bulk. */
export const putCatalogue = defineRoute(
  {
    method: 'put',
    path: '/api/v1/catalogue',
    operationId: 'putCatalogue',
    tag: 'Catalogue',
    summary: 'Import units, plan versions and addons, all or none',
    description:
      'Like `catalogue apply` with a file of this form. Anything not in the body stays as it is, and sending ' +
      'the same body again changes nothing. If anything is wrong, nothing is written. At most ' +
      `${MAX_FEED_ENTRIES} units, plans, versions, items and addons in total.`,
    ...FEED,
    body: catalogueFile,
    responses: {
      200: {
        description: 'What changed, or would change',
        schema: z.object({
          dry_run: z.boolean(),
          changes: z.object({
            units: changeCounts,
            plan_versions: changeCounts,
            addons: changeCounts,
          }),
        }),
      },
    },
    problems: ['catalogue-conflict'],
  },
  async ({ query, body }, { db }) => {
    const dryRun = query.dry_run === 'true';
    const changes = await answerApplyErrors('catalogue-conflict', WHOLE_FILE, () =>
      inApplyTurn(db, (tx) => applyCatalogue(tx, body, { dryRun })),
    );
    return reply(200, { dry_run: dryRun, changes: countCatalogueChanges(changes) });
  },
);
