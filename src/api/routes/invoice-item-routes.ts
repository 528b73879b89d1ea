import { z } from 'zod';
import { invoiceItemSchema } from '../../catalogue/invoice-item.ts';
import {
  planWithdrawal,
  recordItems,
  whyRejected,
  withdrawItem,
  type ItemResult,
} from '../../catalogue/record-items.ts';
import { MAX_BATCH, countByStatus } from '../../contracts/batch.ts';
import { reasonSchema } from '../../contracts/request-payload.ts';
import {
  itemSchema,
  listItems,
  toItemView,
  type ListedItem,
} from '../../db/invoices/item-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { ITEM_FILTERS, waitsFor } from '../../domain/item-state.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { anyObject, readBatch, recordedBatch } from '../http/batch.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { readId } from './usage-results.ts';

const EXAMPLE = {
  item_id: 'onboarding-acme',
  tenant_id: 'acme',
  month: '2026-05',
  description: 'Onboarding workshop',
  amount_cents: 25_000,
};
const CREDIT = {
  item_id: 'outage-2026-05-12-acme',
  tenant_id: 'acme',
  month: '2026-05',
  description: 'Credit for the outage of 12 May',
  amount_cents: -4_000,
};

const one = z.object({ item_id: z.string(), status: z.enum(['recorded', 'duplicate']) });

/** Records invoice items. */
export const postInvoiceItems = defineRoute(
  {
    method: 'post',
    path: '/api/v1/invoice-items',
    operationId: 'postInvoiceItems',
    tag: 'Invoices',
    summary: 'Record one-off charges and credits for the next invoices of tenants',
    description:
      'The first invoice of the month or a later one takes an item, after the lines of the deployments. A taxable ' +
      "credit reduces only taxable charges, a credit that isn't taxable only charges that aren't, and neither below 0; " +
      'the rest waits for later invoices. An id counts once, so retries are safe. A list has a result per item, in ' +
      'order; a rejected item does not affect the others.',
    scopes: ['operator'],
    rateLimited: true,
    body: anyObject,
    maxBodyBytes: MAX_BULK_BYTES,
    maxEntries: null,
    documentedBody: z.union([
      invoiceItemSchema,
      z.strictObject({ items: z.array(invoiceItemSchema).min(1).max(MAX_BATCH) }),
    ]),
    bodyExamples: { 'One item': EXAMPLE, 'A list': { items: [EXAMPLE, CREDIT] } },
    responses: {
      200: {
        description: 'One item that was recorded before, or a list with any results',
        schema: z.union([recordedBatch('item', {}), one]),
      },
      201: { description: 'One recorded item', schema: one },
    },
    problems: ['data-conflict'],
  },
  async ({ body, caller }, { db }) => {
    const actor = `key:${caller.label}`;
    if (!Object.hasOwn(body, 'items')) {
      const [result] = await recordItems(db, [body], actor);
      return toReply(readId(body, 'item_id') ?? '', result);
    }
    const items = readBatch(body, 'items');
    const results = await recordItems(db, items, actor);
    return reply(200, {
      counts: countByStatus(results),
      results: results.map((result, index) => ({
        index,
        item_id: readId(items[index], 'item_id'),
        ...result,
      })),
    });
  },
);

/**
 * Checks whether an item would be recorded now. Records nothing.
 * @param body as `postInvoiceItems` takes it for one item
 * @throws HttpProblem as `postInvoiceItems` would
 */
export async function checkItem(db: Queryable, body: object): Promise<void> {
  const errors = await whyRejected(db, body);
  if (errors !== null) throw invalidRequest(errors);
}

function toReply(itemId: string, result: ItemResult | undefined) {
  switch (result?.status) {
    case 'recorded':
      return reply(201, { item_id: itemId, status: result.status });
    case 'duplicate':
      return reply(200, { item_id: itemId, status: result.status });
    case 'conflict':
      throw new HttpProblem('data-conflict', result.reason, {
        errors: [{ pointer: '/item_id', detail: result.reason }],
      });
    case 'rejected':
      throw invalidRequest(result.errors);
    case undefined:
      throw new Error('the item has no result');
  }
}

const shownItem = itemSchema.extend({
  waits_for: z
    .string()
    .nullable()
    .describe('What has to happen before an invoice takes it, or the rest of it. Null: nothing.')
    .meta({ example: 'the next invoice of 2026-05 or a later month' }),
});

function toShown(item: ListedItem) {
  return { ...toItemView(item), waits_for: waitsFor(item) };
}

/** Pages through invoice items, latest first. */
export const pageOfItems = pagedBy(z.int().positive(), ({ item_seq }: ListedItem) => item_seq);

/** Lists invoice items. */
export const getInvoiceItems = defineRoute(
  {
    method: 'get',
    path: '/api/v1/invoice-items',
    operationId: 'getInvoiceItems',
    tag: 'Invoices',
    summary: 'List invoice items and the invoices that take them, latest first',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      month: month.optional(),
      state: z
        .enum(ITEM_FILTERS)
        .optional()
        .describe(
          '`waiting`: all that no invoice has taken in full, and those that a void invoice holds.',
        )
        .meta({ example: 'waiting' }),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of items',
        schema: z.object({ items: z.array(shownItem), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    const { tenant_id: tenantId, month, state } = query;
    await requireKnown(db, 'tenant', tenantId);
    const { entries, next_cursor } = await pageOfItems(query, (page) =>
      listItems(db, { tenantId, month, state }, page),
    );
    return reply(200, { items: entries.map(toShown), next_cursor });
  },
);

/** Withdraws an invoice item. */
export const withdrawInvoiceItem = defineRoute(
  {
    method: 'post',
    path: '/api/v1/invoice-items/{item_id}/withdraw',
    operationId: 'withdrawInvoiceItem',
    tag: 'Invoices',
    summary: 'Withdraw an invoice item that no invoice takes',
    description:
      'Permanent. The item stays visible with the reason. An item that an invoice takes, if only in part, is ' +
      'refused: record another one with the opposite amount. Withdrawing it again changes nothing.',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ item_id: externalId.meta({ example: 'onboarding-acme' }) }),
    body: z.strictObject({ reason: reasonSchema }),
    responses: { 200: { description: 'The withdrawn item', schema: shownItem } },
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params, body, caller }, { db }) => {
    const by = { actor: `key:${caller.label}`, reason: body.reason };
    const result = await withdrawItem(db, params.item_id, by);
    switch (result.outcome) {
      case 'unknown':
        throw noSuchItem(params.item_id);
      case 'refused':
        throw new HttpProblem('data-conflict', result.reason);
      case 'withdrawn':
        return reply(200, toShown(result.item));
    }
  },
);

/**
 * Returns the item that could be withdrawn now, and why it can't be. Changes nothing.
 * @throws HttpProblem `not-found`
 */
export async function planItemWithdrawal(db: Queryable, itemId: string) {
  const planned = await planWithdrawal(db, itemId);
  if (planned.outcome === 'unknown') throw noSuchItem(itemId);
  return planned;
}

function noSuchItem(itemId: string): HttpProblem {
  return new HttpProblem('not-found', `there is no invoice item ${itemId}`);
}
