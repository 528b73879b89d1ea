import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  MAX_FORCED_TENANTS,
  reasonSchema,
  requestIdSchema,
} from '../../contracts/request-payload.ts';
import { whyNotClosable } from '../../db/month-end/closable-months.ts';
import {
  findRequest,
  requestContentHash,
  type RequestContent,
} from '../../db/month-end/month-end-requests.ts';
import { readMonthEndStatus } from '../../db/month-end/month-end-status.ts';
import type { Queryable } from '../../db/pool.ts';
import { periodOf, type Month } from '../../domain/period.ts';
import { externalId } from '../../ingestion/fields.ts';
import type { ForceRequest } from '../../temporal/month-end.ts';
import { controlTotalsSchema } from './control-totals-schema.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { month } from '../http/request-fields.ts';
import { requireTenants } from './known.ts';
import { TemporalUnavailableError, type MonthEndPort } from '../http/month-end-port.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const rollUpRequest = z
  .strictObject({
    month,
    force: z
      .boolean()
      .default(false)
      .describe('Rebuild invoices that stand: those of tenant_ids, or all.'),
    tenant_ids: z.array(externalId).min(1).max(MAX_FORCED_TENANTS).optional(),
    only_if_changed: z
      .boolean()
      .default(false)
      .describe('With force: an invoice that would come out the same stays as it is.'),
    accept_bounds: z
      .boolean()
      .default(false)
      .describe('With force and tenant_ids: issue also what the safety bounds have parked.'),
    reason: reasonSchema.optional().describe('Required with force.'),
    // Made up here, so that the record of the call has it, too.
    request_id: requestIdSchema
      .optional()
      .describe('The same id is the same request, however often it is sent.')
      .transform((id) => id ?? randomUUID()),
  })
  .check(({ value, issues }) => {
    const complain = (field: string, message: string) =>
      issues.push({ code: 'custom', path: [field], message, input: value });
    if (value.force && value.reason === undefined) {
      complain('reason', 'say why: it stays with the new revision');
    }
    if (!value.force && value.tenant_ids !== undefined) {
      complain('tenant_ids', 'only with "force": true; a pass looks at every due tenant');
    }
    if (!value.force && value.only_if_changed) {
      complain('only_if_changed', 'only with "force": true; a pass rebuilds nothing');
    }
    if (value.accept_bounds && (!value.force || value.tenant_ids === undefined)) {
      complain('accept_bounds', 'only with "force": true and "tenant_ids": look at each first');
    }
  });
type RollUpRequest = z.output<typeof rollUpRequest>;

/** Asks for a month to be closed, or closed again. */
export const postRollUp = defineRoute(
  {
    method: 'post',
    path: '/api/v1/roll-ups',
    operationId: 'postRollUp',
    tag: 'Month end',
    summary: 'Run the month end of a month, or force parts of it again',
    description:
      "Signals the month's workflow, and starts it where it isn't running. Every request looks " +
      'at all due tenants; force also rebuilds invoices. What comes of it is in ' +
      'GET /api/v1/roll-ups/{month}, refusals included. The month has to be over, and not before the ' +
      'first subscription or invoice.',
    scopes: ['operator'],
    rateLimited: true,
    body: rollUpRequest,
    bodyExamples: {
      'Close a month': { month: '2026-05', request_id: 'close-2026-05' },
      'Rebuild an invoice': {
        month: '2026-05',
        force: true,
        tenant_ids: ['acme'],
        only_if_changed: true,
        reason: 'late metered usage',
        request_id: 'acme-2026-05-late',
      },
    },
    responses: {
      202: {
        description: 'The request is with the workflow',
        schema: z.object({ request_id: z.string(), workflow_id: z.string(), month: z.string() }),
      },
    },
    problems: ['request-conflict', 'temporal-unavailable'],
  },
  async ({ body, caller }, { db, monthEnd, now }) => {
    await refuseUnlessClosable(db, body.month, now());
    await requireTenants(db, 'tenant_ids', body.tenant_ids ?? []);
    const requestId = body.request_id;
    await refuseOtherContent(db, body, requestId);
    const workflowId = await withTemporal(monthEnd, (port) =>
      port.request({
        month: body.month,
        requestId,
        actor: `key:${caller.label}`,
        reason: body.reason,
        force: toForce(body),
      }),
    );
    return reply(202, { request_id: requestId, workflow_id: workflowId, month: body.month });
  },
);

const counts = z.object({
  rolled: z.int(),
  skipped: z.int(),
  unchanged: z.int(),
  parked: z.int(),
});
const statusReply = z.object({
  month: z.string(),
  workflow: z
    .object({
      state: z.enum(['closing', 'open']),
      running_tenants: z.array(z.string()),
      pass: counts.extend({ due_tenants: z.int() }).nullable().describe('Under way now.'),
      open_until: z.string().nullable().describe('Open for corrections until then.'),
      refused_signals: z.array(
        z.object({ at: z.string(), signal: z.string(), reason: z.string() }),
      ),
    })
    .nullable(),
  workflow_reachable: z
    .boolean()
    .describe('False where the workflow could not be asked; the rest is from the database.'),
  due_tenants: z.int(),
  outcomes: counts.describe('The latest outcome of each due tenant.'),
  not_looked_at: z.int(),
  parked: z
    .array(
      z.object({
        tenant_id: z.string(),
        reason_type: z.string(),
        reason: z.string(),
        recorded_at: z.string(),
      }),
    )
    .describe('The first hundred.'),
  requests: z
    .array(
      z.object({
        request_id: z.string(),
        kind: z.enum(['run', 'force']),
        state: z.enum(['queued', 'running', 'finished']),
        actor: z.string().nullable(),
        reason: z.string().nullable(),
        requested_at: z.string(),
        finished_at: z.string().nullable(),
        balanced: z.boolean().nullable().describe('Whether the books added up when it was served.'),
        refused: z.array(z.object({ tenant_id: z.string(), reason: z.string() })),
      }),
    )
    .describe('The latest twenty.'),
  totals: z
    .array(
      z.object({
        currency: z.string(),
        invoices: z.int(),
        subtotal_cents: z.string(),
        tax_cents: z.string(),
        total_cents: z.string(),
      }),
    )
    .describe('Of the invoices that stand.'),
  reconciliation: z
    .array(z.looseObject({ source: z.string(), resource_kind: z.string(), state: z.string() }))
    .describe('All accepted usage of the month, by where it is.'),
  control_totals: controlTotalsSchema.describe('What must add up when every request is served.'),
  balanced: z
    .boolean()
    .nullable()
    .describe('Whether they add up now; null while a request is open, or none was served.'),
  imbalances: z.array(z.string()).describe('What does not, in sentences.'),
  to_do: z
    .array(z.string())
    .describe(
      'What is left to do when every request is served, in sentences: due tenants without an outcome. ' +
        'That is no mistake in the books.',
    ),
  to_invoice: z
    .array(z.object({ tenant_id: z.string(), name: z.string() }))
    .describe('The tenants that it is about; the first hundred.'),
});

/** How a month stands: from the database, with what its workflow says of itself. */
export const getRollUp = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}',
    operationId: 'getRollUp',
    tag: 'Month end',
    summary: 'See how the month end of a month stands',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: { 200: { description: 'Progress, outcomes, reconciliation', schema: statusReply } },
  },
  async ({ params }, { db, monthEnd }) => {
    const [status, progress] = await Promise.all([
      readMonthEndStatus(db, params.month),
      readProgress(monthEnd, params.month),
    ]);
    return reply(200, { ...status, ...progress });
  },
);

function toForce(body: RollUpRequest): ForceRequest | undefined {
  if (!body.force) return undefined;
  const { tenant_ids, only_if_changed, accept_bounds } = body;
  return {
    ...(tenant_ids ? { tenantIds: tenant_ids } : ({ all: true } as const)),
    ...(only_if_changed && { onlyIfChanged: true }),
    ...(accept_bounds && { acceptBounds: true }),
  };
}

async function refuseUnlessClosable(db: Queryable, asked: Month, now: Date): Promise<void> {
  const detail = await whyNotClosable(db, asked, now);
  if (detail !== null) throw invalidRequest([{ pointer: '/month', detail }]);
}

/**
 * Says at once what the workflow would refuse later. It decides in the end: a request that it
 * hasn't stored yet isn't seen here.
 */
async function refuseOtherContent(
  db: Queryable,
  body: RollUpRequest,
  requestId: string,
): Promise<void> {
  const stored = await findRequest(db, periodOf(body.month), requestId);
  if (!stored || stored.contentHash.equals(requestContentHash(toContent(body)))) return;
  throw new HttpProblem(
    'request-conflict',
    `request_id ${requestId} was used before for ${body.month} with another content`,
    { errors: [{ pointer: '/request_id', detail: 'use a new id for a new request' }] },
  );
}

function toContent(body: RollUpRequest): RequestContent {
  const { force, tenant_ids, reason } = body;
  return {
    kind: force ? 'force' : 'run',
    allTenants: force && tenant_ids === undefined,
    tenantIds: tenant_ids ?? [],
    reason: reason ?? null,
    onlyIfChanged: body.only_if_changed,
    acceptBounds: body.accept_bounds,
  };
}

async function withTemporal<T>(
  port: MonthEndPort | null,
  call: (port: MonthEndPort) => Promise<T>,
): Promise<T> {
  if (port === null) {
    throw new HttpProblem('temporal-unavailable', 'no Temporal server is connected');
  }
  try {
    return await call(port);
  } catch (cause) {
    if (!(cause instanceof TemporalUnavailableError)) throw cause;
    throw new HttpProblem(
      'temporal-unavailable',
      'the request may or may not have arrived; send it again with the same request_id',
      { cause },
    );
  }
}

/** A month that nobody can ask still has its status in the database. */
async function readProgress(port: ApiDeps['monthEnd'], asked: Month) {
  if (port === null) return { workflow: null, workflow_reachable: false };
  try {
    const progress = await port.progress(asked);
    return { workflow: progress && toWorkflowJson(progress), workflow_reachable: true };
  } catch (error) {
    if (!(error instanceof TemporalUnavailableError)) throw error;
    return { workflow: null, workflow_reachable: false };
  }
}

function toWorkflowJson({
  state,
  pass,
  openUntil,
  refusals,
}: NonNullable<Awaited<ReturnType<MonthEndPort['progress']>>>) {
  return {
    state,
    running_tenants: pass?.running ?? [],
    pass: pass && { ...pass.counts, due_tenants: pass.dueTenants },
    open_until: openUntil,
    refused_signals: refusals.map(({ at, signal, reason }) => ({ at, signal, reason })),
  };
}
