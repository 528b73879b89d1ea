import { z } from 'zod';
import { MAX_BATCH } from '../../contracts/batch.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import {
  controlTotalSchema,
  listRevisions,
  listTotals,
  type ControlTotal,
} from '../../db/usage/control-totals.ts';
import {
  controlTotalFields,
  recordControlTotals,
  statedDaySchema,
  type TotalResult,
} from '../../ingestion/record-control-totals.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { anyObject, readBatch } from '../http/batch.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { date, month, pageLimit } from '../http/request-fields.ts';
import { requireKnown } from './require-known.ts';
import { readId } from './usage-results.ts';

const PATH = '/api/v1/integrations/control-totals';
const dayParams = z.strictObject({
  deployment_id: externalId.meta({ example: 'acme-a' }),
  day: date.describe('In the billing time zone.'),
});

const EXAMPLE = { tenant_id: 'acme', requests: 1204, charge_cents: '51.170000000001' };

const oneResult = z.object({
  deployment_id: z.string(),
  day: z.string(),
  status: z
    .enum(['recorded', 'unchanged'])
    .describe('`unchanged`: the latest revision says the same.'),
  revision: z.int().describe('Counted from 1. The highest one counts.'),
});

/** States the control total of a day. */
export const putControlTotal = defineRoute(
  {
    method: 'put',
    path: `${PATH}/{deployment_id}/{day}`,
    operationId: 'putControlTotal',
    tag: 'Usage',
    summary: 'State how many LLM requests a deployment made on a day, and their sum',
    description:
      'The month end compares the total with the usage events that were accepted for that day. Count exactly the ' +
      'requests that are sent as usage events. Sending another total of the same day is a revision, and the latest ' +
      'one counts; sending the same one changes nothing.',
    scopes: ['gateway', 'operator'],
    rateLimited: true,
    params: dayParams,
    body: statedDaySchema,
    bodyExamples: { 'A day': EXAMPLE },
    responses: {
      200: { description: 'A revision, or the same total again', schema: oneResult },
      201: { description: 'The first total of the day', schema: oneResult },
    },
  },
  async ({ params, body, caller }, { db, now, metrics }) => {
    const actor = `key:${caller.label}`;
    const [result] = await recordControlTotals(db, [{ ...body, ...params }], { actor, now });
    if (result === undefined) throw new Error('the control total has no result');
    metrics.controlTotals(result.status, 1);
    if (result.status === 'rejected') throw invalidRequest(result.errors.map(toPlace));
    const { status, revision } = result;
    const isFirst = status === 'recorded' && revision === 1;
    return reply(isFirst ? 201 : 200, { ...params, status, revision });
  },
);

/** Deployment and day are in the path. */
function toPlace({ pointer, detail }: Extract<TotalResult, { errors: unknown }>['errors'][number]) {
  const name = pointer.slice(1);
  return Object.hasOwn(dayParams.shape, name) ? { parameter: name, detail } : { pointer, detail };
}

const bulkReply = z.object({
  counts: z.object({ recorded: z.int(), unchanged: z.int(), rejected: z.int() }),
  results: z.array(
    z.object({
      index: z.int(),
      deployment_id: z.string().nullable().describe('Null if the total has no readable one.'),
      day: z.string().nullable().describe('Null if the total has no readable one.'),
      status: z.enum(['recorded', 'unchanged', 'rejected']).describe('`rejected` is final.'),
      revision: z.int().optional(),
      reason: z.string().optional(),
      errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
    }),
  ),
});

/** States the control totals of many days. */
export const putControlTotals = defineRoute(
  {
    method: 'put',
    path: PATH,
    operationId: 'putControlTotals',
    tag: 'Usage',
    summary: 'State control totals of many days',
    description:
      `Up to ${MAX_BATCH} totals with a result for each, in order; a rejected one does not affect the others. ` +
      'Totals of days that the body does not name stay as they are.',
    scopes: ['gateway', 'operator'],
    rateLimited: true,
    body: anyObject,
    maxBodyBytes: MAX_BULK_BYTES,
    maxEntries: null,
    documentedBody: z.strictObject({
      control_totals: z.array(controlTotalFields).min(1).max(MAX_BATCH),
    }),
    bodyExamples: {
      'Two days': {
        control_totals: [
          { deployment_id: 'acme-a', day: '2026-05-20', ...EXAMPLE },
          { deployment_id: 'acme-a', day: '2026-05-21', ...EXAMPLE, requests: 1180 },
        ],
      },
    },
    responses: { 200: { description: 'A result per total', schema: bulkReply } },
  },
  async ({ body, caller }, { db, now, metrics }) => {
    const totals = readBatch(body, 'control_totals');
    const actor = `key:${caller.label}`;
    const results = await recordControlTotals(db, totals, { actor, now });
    const counts = { recorded: 0, unchanged: 0, rejected: 0 };
    for (const { status } of results) counts[status] += 1;
    for (const [status, count] of Object.entries(counts)) metrics.controlTotals(status, count);
    return reply(200, {
      counts,
      results: results.map((result, index) => ({
        index,
        deployment_id: readId(totals[index], 'deployment_id'),
        day: readId(totals[index], 'day'),
        ...result,
      })),
    });
  },
);

const readPage = pagedBy(
  z.strictObject({ tenant_id: externalId, day: date, deployment_id: externalId }),
  ({ tenant_id, day, deployment_id }: ControlTotal) => ({ tenant_id, day, deployment_id }),
);

/** Lists the latest control totals of a month. */
export const getControlTotals = defineRoute(
  {
    method: 'get',
    path: PATH,
    operationId: 'getControlTotals',
    tag: 'Usage',
    summary: 'List the control totals of a month, the latest revision of each day',
    scopes: ['gateway', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      month,
      tenant_id: externalId.optional(),
      deployment_id: externalId.optional(),
      limit: pageLimit(1000, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of totals, ordered by tenant, day and deployment',
        schema: z.object({
          control_totals: z.array(controlTotalSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    const { tenant_id: tenantId, deployment_id: deploymentId } = query;
    await requireKnown(db, 'tenant', tenantId);
    await requireKnown(db, 'deployment', deploymentId);
    const period = (await loadCalendar(db)).periodOf(query.month);
    const { entries, next_cursor } = await readPage(query, (page) =>
      listTotals(db, period, { tenantId, deploymentId }, page),
    );
    return reply(200, { control_totals: entries, next_cursor });
  },
);

/** Lists the revisions of a day's control total. */
export const getControlTotal = defineRoute(
  {
    method: 'get',
    path: `${PATH}/{deployment_id}/{day}`,
    operationId: 'getControlTotal',
    tag: 'Usage',
    summary: 'Show all revisions of the control total of a day, latest first',
    scopes: ['gateway', 'operator'],
    rateLimited: true,
    params: dayParams,
    responses: {
      200: {
        description: 'The revisions; at most 1,000',
        schema: z.object({ revisions: z.array(controlTotalSchema) }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params: { deployment_id, day } }, { db }) => {
    const revisions = await listRevisions(db, deployment_id, day);
    if (revisions.length > 0) return reply(200, { revisions });
    throw new HttpProblem(
      'not-found',
      `no control total of ${deployment_id} was stated for ${day}`,
    );
  },
);
