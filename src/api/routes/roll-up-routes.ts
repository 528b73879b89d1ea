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
import { periodOf, type Month } from '../../domain/period.ts';
import { externalId } from '../../ingestion/fields.ts';
import type { ForceRequest } from '../../temporal/month-end.ts';
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
