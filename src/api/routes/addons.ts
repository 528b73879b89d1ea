import { z } from 'zod';
import {
  addonSchema,
  listAddons,
  showAddon,
  type AddonView,
} from '../../db/catalogue/catalogue-views.ts';
import { inFeedTurn } from '../../db/catalogue/feed-turn.ts';
import { addonTerms } from '../../catalogue/catalogue-file.ts';
import { feedCatalogue } from '../../catalogue/feed-catalogue.ts';
import { externalId } from '../../ingestion/fields.ts';
import { addonParams, found } from './feed-params.ts';
import { pageLimit } from '../http/request-fields.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const PATH = '/api/v1/addons/{addon_code}';

/** An addon as it is attached from now on. */
export const putAddon = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putAddon',
    tag: 'Catalogue',
    summary: 'Add an addon, or change its terms',
    description:
      'New terms are those of the next one who attaches it: subscriptions keep the snapshot that ' +
      'was taken when they did.',
    scopes: ['operator'],
    rateLimited: true,
    params: addonParams,
    body: addonTerms,
    responses: {
      200: { description: 'It was there before, with these terms or others', schema: addonSchema },
      201: { description: 'It is new', schema: addonSchema },
    },
  },
  async ({ params: { addon_code: code }, body }, { db }) => {
    const { isNew, stored } = await inFeedTurn(db, async (tx) => {
      const { newAddons } = await feedCatalogue(tx, { plans: [], addons: [{ code, ...body }] });
      return { isNew: newAddons.length > 0, stored: await showAddon(tx, code) };
    });
    return reply(isNew ? 201 : 200, found(stored, `addon ${code}`));
  },
);

export const getAddon = defineRoute(
  {
    method: 'get',
    path: PATH,
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

const readPage = pagedBy(externalId, ({ code }: AddonView) => code);

export const getAddons = defineRoute(
  {
    method: 'get',
    path: '/api/v1/addons',
    operationId: 'getAddons',
    tag: 'Catalogue',
    summary: 'List the addons, by code',
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
    const { entries, next_cursor } = await readPage(query, (page) => listAddons(db, page));
    return reply(200, { addons: entries, next_cursor });
  },
);
