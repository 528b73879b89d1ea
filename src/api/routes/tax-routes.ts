import { z } from 'zod';
import { applyTaxFile } from '../../catalogue/apply-tax.ts';
import { countAdded } from '../../catalogue/change-counts.ts';
import { taxFile } from '../../catalogue/tax-file.ts';
import {
  assignmentSchema,
  exchangeRateSchema,
  listAssignments,
  listExchangeRates,
  listRegistrations,
  listTreatments,
  registrationSchema,
  treatmentSchema,
  type AssignmentKey,
  type AssignmentView,
  type ExchangeRateKey,
  type ExchangeRateView,
  type TreatmentView,
} from '../../db/tax/tax-views.ts';
import { currencyCode, externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { FEED, MAX_FEED_ENTRIES, changeCounts } from './catalogue-params.ts';
import { WHOLE_FILE, answerApplyErrors, toWarnings, warningsSchema } from './catalogue-problems.ts';
import { requireKnown } from './require-known.ts';

/** Adds tax data: treatments, which tenants have them, the seller's registration, exchange rates. */
export const putTax = defineRoute(
  {
    method: 'put',
    path: '/api/v1/tax',
    operationId: 'putTax',
    tag: 'Tax',
    summary: 'Add tax treatments, assignments, GST registrations and exchange rates, all or none',
    description:
      'Like `tax apply` with a file of this form. Anything not in the body stays as it is, and sending the same ' +
      'body again changes nothing. A treatment never changes: a new rate gets a new code. What is recorded for a ' +
      'month is corrected only by an entry with `replace`; issued invoices keep theirs until they are forced. At ' +
      `most ${MAX_FEED_ENTRIES} entries in total.`,
    ...FEED,
    body: taxFile,
    responses: {
      200: {
        description: 'What changed, or would change',
        schema: z.object({
          dry_run: z.boolean(),
          changes: z.object({
            treatments: changeCounts,
            assignments: changeCounts,
            gst_registrations: changeCounts,
            exchange_rates: changeCounts,
          }),
          warnings: warningsSchema,
        }),
      },
    },
    problems: ['data-conflict'],
  },
  async ({ query, body }, { db }) => {
    const dryRun = query.dry_run === 'true';
    const applied = await answerApplyErrors('data-conflict', WHOLE_FILE, () =>
      applyTaxFile(db, body, { dryRun }),
    );
    return reply(200, {
      dry_run: dryRun,
      changes: {
        treatments: countAdded(applied.treatments),
        assignments: countAdded(applied.assignments),
        gst_registrations: countAdded(applied.registrations),
        exchange_rates: countAdded(applied.exchangeRates),
      },
      warnings: toWarnings(WHOLE_FILE, applied.warnings),
    });
  },
);

const readTreatments = pagedBy(externalId, ({ code }: TreatmentView) => code);

export const getTaxTreatments = defineRoute(
  {
    method: 'get',
    path: '/api/v1/tax/treatments',
    operationId: 'getTaxTreatments',
    tag: 'Tax',
    summary: 'List tax treatments, ordered by code',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({ limit: pageLimit(500, 100), cursor: cursorParam }),
    responses: {
      200: {
        description: 'A page of tax treatments',
        schema: z.object({ treatments: z.array(treatmentSchema), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { entries, next_cursor } = await readTreatments(query, (page) =>
      listTreatments(db, page),
    );
    return reply(200, { treatments: entries, next_cursor });
  },
);

const readAssignments = pagedBy(
  z.strictObject({ tenant_id: externalId, from: month }),
  ({ tenant_id, from }: AssignmentView): AssignmentKey => ({ tenant_id, from }),
);

export const getTaxAssignments = defineRoute(
  {
    method: 'get',
    path: '/api/v1/tax/assignments',
    operationId: 'getTaxAssignments',
    tag: 'Tax',
    summary:
      'List which tax treatment tenants have from which month on, ordered by tenant and month',
    description: 'Tenants that are not listed have the treatment `gst`.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of assignments',
        schema: z.object({ assignments: z.array(assignmentSchema), next_cursor: nextCursor }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query }, { db }) => {
    await requireKnown(db, 'tenant', query.tenant_id);
    const { entries, next_cursor } = await readAssignments(query, (page) =>
      listAssignments(db, query.tenant_id, page),
    );
    return reply(200, { assignments: entries, next_cursor });
  },
);

export const getGstRegistrations = defineRoute(
  {
    method: 'get',
    path: '/api/v1/tax/gst-registrations',
    operationId: 'getGstRegistrations',
    tag: 'Tax',
    summary: 'List since when the seller is registered for GST, or not',
    description: 'Before the first entry the seller is registered.',
    scopes: ['operator'],
    rateLimited: true,
    responses: {
      200: {
        description: 'All entries, ordered by month',
        schema: z.object({ gst_registrations: z.array(registrationSchema) }),
      },
    },
  },
  async (_call, { db }) => reply(200, { gst_registrations: await listRegistrations(db) }),
);

const readRates = pagedBy(
  z.strictObject({ month, from: currencyCode, to: currencyCode }),
  ({ month, from, to }: ExchangeRateView): ExchangeRateKey => ({ month, from, to }),
);

export const getExchangeRates = defineRoute(
  {
    method: 'get',
    path: '/api/v1/tax/exchange-rates',
    operationId: 'getExchangeRates',
    tag: 'Tax',
    summary: 'List exchange rates, newest month first',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      month: month.optional(),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of exchange rates',
        schema: z.object({ exchange_rates: z.array(exchangeRateSchema), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { entries, next_cursor } = await readRates(query, (page) =>
      listExchangeRates(db, query.month, page),
    );
    return reply(200, { exchange_rates: entries, next_cursor });
  },
);
