import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  MAX_FORCED_TENANTS,
  reasonSchema,
  requestIdSchema,
} from '../../contracts/request-payload.ts';
import { releaseInvoices, releasedInvoiceSchema } from '../../db/invoices/release.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import type { CommittedRelease } from '../../temporal/month-end-client.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { TemporalUnavailableError } from '../http/month-end-port.ts';
import { month } from '../http/request-fields.ts';
import { requireTenants } from './require-known.ts';

/** The answer lists this many of the invoices, and counts all. */
const MAX_LISTED = 1000;

const releaseRequest = z
  .strictObject({
    month,
    tenant_ids: z.array(externalId).min(1).max(MAX_FORCED_TENANTS).optional(),
    all: z.literal(true).optional().describe('Release every invoice of the month that waits.'),
    reason: reasonSchema,
    // Generated here, so that the recorded action contains it.
    request_id: requestIdSchema
      .optional()
      .describe('Makes retries safe: the same id gives the same answer, and releases nothing more.')
      .transform((id) => id ?? randomUUID()),
  })
  .check(({ value, issues }) => {
    if ((value.tenant_ids === undefined) !== (value.all === undefined)) return;
    const message = 'give either "tenant_ids" or "all": true';
    issues.push({ code: 'custom', path: ['tenant_ids'], message, input: value });
  });

const releaseReply = z.object({
  month: z.string(),
  request_id: z.string(),
  released_invoices: z.int(),
  released: z.array(releasedInvoiceSchema).describe(`The first ${MAX_LISTED} of them.`),
  already_released: z
    .array(z.string())
    .describe('Tenants in tenant_ids that had been released before.'),
  not_released: z
    .array(z.object({ tenant_id: z.string(), reason: z.string() }))
    .describe(
      'Tenants in tenant_ids without an invoice, or with one that a repeated request leaves waiting; with all, the first 100 parked ones.',
    ),
  waiting_invoices: z.int().describe('Invoices of the month that still wait.'),
});
export type ReleaseReply = z.infer<typeof releaseReply>;

/** Releases invoices to their tenants. */
export const postRelease = defineRoute(
  {
    method: 'post',
    path: '/api/v1/releases',
    operationId: 'postRelease',
    tag: 'Month end',
    summary: 'Release the invoices of a month to their tenants',
    description:
      'If the seller reviews invoices, tenants see a month once it is released to them: their invoices and adjustment ' +
      'notes, of this and of any later revision. Webhook events about them are sent from then on. Releasing again ' +
      'changes nothing. Tenants without an invoice are named with the reason; the others are released.',
    scopes: ['operator'],
    rateLimited: true,
    body: releaseRequest,
    bodyExamples: {
      'Release a month': { month: '2026-05', all: true, reason: 'reviewed' },
      'Release some tenants': { month: '2026-05', tenant_ids: ['acme'], reason: 'reviewed' },
    },
    responses: {
      200: {
        description: 'What was released',
        schema: releaseReply,
      },
    },
  },
  async ({ body, caller }, { db, monthEnd, logger }) => {
    const { month: asked, tenant_ids: tenantIds, reason, request_id: requestId } = body;
    await requireTenants(db, 'tenant_ids', tenantIds ?? []);
    const period = (await loadCalendar(db)).periodOf(asked);
    const scope = tenantIds === undefined ? ({ all: true } as const) : { tenantIds };
    const actor = `key:${caller.label}`;
    const result = await db.transaction((tx) =>
      releaseInvoices(tx, period, { ...scope, actor, reason, requestId }),
    );
    if (result.released.length > 0) {
      const payload =
        tenantIds === undefined ? { all: true as const } : { tenantIds: [...tenantIds] };
      await tellWorkflow(
        { monthEnd, logger },
        { month: asked, requestId, actor, reason, ...payload },
      );
    }
    return reply(200, {
      month: asked,
      request_id: requestId,
      released_invoices: result.released.length,
      released: result.released.slice(0, MAX_LISTED),
      already_released: [...result.alreadyReleased],
      not_released: [...result.notReleased],
      waiting_invoices: result.waiting,
    });
  },
);

/** Without Temporal only the workflow's details are late: the release is committed. */
async function tellWorkflow(
  { monthEnd, logger }: Pick<ApiDeps, 'monthEnd' | 'logger'>,
  release: CommittedRelease,
): Promise<void> {
  try {
    await monthEnd?.tellRelease(release);
  } catch (error) {
    if (!(error instanceof TemporalUnavailableError)) throw error;
    logger.warn(
      { reason: error.message, month: release.month },
      "could not tell the month's workflow about a release",
    );
  }
}
