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
import type { Queryable } from '../../db/pool.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import type { ForceRequest } from '../../temporal/month-end-client.ts';
import { month } from '../http/request-fields.ts';
import { requireTenants } from './require-known.ts';
import { TemporalUnavailableError, type MonthEndPort } from '../http/month-end-port.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const rollUpRequest = z
  .strictObject({
    month,
    force: z
      .boolean()
      .default(false)
      .describe('Rebuild the live invoices of tenant_ids, or of all tenants.'),
    tenant_ids: z.array(externalId).min(1).max(MAX_FORCED_TENANTS).optional(),
    only_if_changed: z
      .boolean()
      .default(false)
      .describe('With force: skip invoices that would not change.'),
    accept_bounds: z
      .boolean()
      .default(false)
      .describe('With force and tenant_ids: issue invoices that exceed the safety bounds.'),
    reason: reasonSchema.optional().describe('Required with force.'),
    // Generated here, so that the recorded action contains it.
    request_id: requestIdSchema
      .optional()
      .describe('Makes retries safe: the same id is the same request.')
      .transform((id) => id ?? randomUUID()),
  })
  .check(({ value, issues }) => {
    const complain = (field: string, message: string) =>
      issues.push({ code: 'custom', path: [field], message, input: value });
    if (value.force && value.reason === undefined) {
      complain('reason', 'give a reason: it is stored with the new revision');
    }
    if (!value.force && value.tenant_ids !== undefined) {
      complain('tenant_ids', 'only with "force": true; a run covers all due tenants');
    }
    if (!value.force && value.only_if_changed) {
      complain('only_if_changed', 'only with "force": true; a run rebuilds nothing');
    }
    if (value.accept_bounds && (!value.force || value.tenant_ids === undefined)) {
      complain(
        'accept_bounds',
        'only with "force": true and "tenant_ids": check each tenant first',
      );
    }
  });
type RollUpRequest = z.output<typeof rollUpRequest>;

/** Requests a month end, or a forced rerun. */
export const postRollUp = defineRoute(
  {
    method: 'post',
    path: '/api/v1/roll-ups',
    operationId: 'postRollUp',
    tag: 'Month end',
    summary: 'Run the month end of a month, or force a rerun',
    description:
      "Signals the month's workflow, and starts it if it is not running. Every request covers all due " +
      'tenants; force also rebuilds invoices. GET /api/v1/roll-ups/{month} shows the results, including ' +
      'refusals. The month must be over, and not before the first subscription, invoice or LLM usage.',
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
        description: 'The workflow has the request',
        schema: z.object({ request_id: z.string(), workflow_id: z.string(), month: z.string() }),
      },
    },
    problems: ['request-conflict', 'temporal-unavailable'],
  },
  async ({ body, caller }, { db, monthEnd, now }) => {
    await checkRollUp({ db, now }, body);
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

function toForce(body: RollUpRequest): ForceRequest | undefined {
  if (!body.force) return undefined;
  const { tenant_ids, only_if_changed, accept_bounds } = body;
  return {
    ...(tenant_ids ? { tenantIds: tenant_ids } : ({ all: true } as const)),
    ...(only_if_changed && { onlyIfChanged: true }),
    ...(accept_bounds && { acceptBounds: true }),
  };
}

/**
 * Checks that the month can be closed, and that the tenants exist.
 * @throws HttpProblem `invalid-request`
 */
export async function checkRollUp(
  { db, now }: { readonly db: Queryable; readonly now: () => Date },
  {
    month: asked,
    tenant_ids = [],
  }: { readonly month: string; readonly tenant_ids?: readonly string[] | undefined },
): Promise<void> {
  const detail = await whyNotClosable(db, asked, now());
  if (detail !== null) throw invalidRequest([{ pointer: '/month', detail }]);
  await requireTenants(db, 'tenant_ids', tenant_ids);
}

/**
 * Rejects at once what the workflow would refuse later. The workflow still decides, because a request that it
 * has not stored yet is not visible here.
 */
async function refuseOtherContent(
  db: Queryable,
  body: RollUpRequest,
  requestId: string,
): Promise<void> {
  const stored = await findRequest(db, body.month, requestId);
  if (!stored || stored.contentHash.equals(requestContentHash(toContent(body)))) return;
  throw new HttpProblem(
    'request-conflict',
    `request_id ${requestId} was already used for ${body.month} with different content`,
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
    throw new HttpProblem(
      'temporal-unavailable',
      'the process has no connection to a Temporal server',
    );
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
