import { createHash } from 'node:crypto';
import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { canonicalJson } from '../../domain/canonical.ts';
import { monthStart, type Month, type Period } from '../../domain/period.ts';
import { dueTenants, NOT_DUE } from './due-tenants.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { tellingRunFinished, type RunResult } from '../webhooks/webhook-outbox.ts';
import { stands } from '../standing.ts';

/** The content of a request, without its actor. */
export interface RequestContent {
  readonly kind: 'run' | 'force';
  readonly allTenants: boolean;
  /** The tenants that a forced request names; their order doesn't matter. */
  readonly tenantIds: readonly string[];
  readonly reason: string | null;
  /** Skip invoices that would not change. */
  readonly onlyIfChanged: boolean;
  /** Also issue invoices beyond the safety bounds. */
  readonly acceptBounds: boolean;
}

/** Returns the SHA-256 of the canonical content. A request with a known id and another hash is refused. */
export function requestContentHash(content: RequestContent): Buffer {
  const canonical = canonicalJson({
    kind: content.kind,
    allTenants: content.allTenants,
    tenantIds: [...new Set(content.tenantIds)].sort(),
    reason: content.reason,
    // Included only if set, so that hashes from before these options existed stay the same.
    ...(content.onlyIfChanged && { onlyIfChanged: true }),
    ...(content.acceptBounds && { acceptBounds: true }),
  });
  return createHash('sha256').update(canonical).digest();
}

const storedRequest = z.object({
  requestSeq: z.number(),
  state: z.enum(['queued', 'running', 'finished']),
  contentHash: z.instanceof(Buffer),
});
export type StoredRequest = z.infer<typeof storedRequest>;

/** Returns the request with this id, which is unique within a month; null if there is none. */
export function findRequest(
  db: Queryable,
  month: Month,
  requestId: string,
): Promise<StoredRequest | null> {
  return db.maybeOne(sql.type(storedRequest)`
    SELECT request_seq AS "requestSeq", state, content_hash AS "contentHash"
    FROM month_end_requests
    WHERE period_start = ${monthStart(month)} AND request_id = ${requestId}
  `);
}

/**
 * Stores a request.
 * @returns its sequence number; null if its id is taken
 */
export function insertRequest(
  tx: Transaction,
  period: Period,
  request: RequestContent & { readonly requestId: string; readonly actor: string },
): Promise<number | null> {
  return tx.maybeOneFirst(sql.type(z.object({ requestSeq: z.number() }))`
    INSERT INTO month_end_requests
      (period_start, request_id, kind, all_tenants, only_if_changed, accept_bounds, reason, actor,
        content_hash)
    VALUES (${period.periodStart}, ${request.requestId}, ${request.kind}, ${request.allTenants},
      ${request.onlyIfChanged}, ${request.acceptBounds}, ${request.reason}, ${request.actor},
      ${sql.binary(requestContentHash(request))})
    ON CONFLICT (period_start, request_id) DO NOTHING
    RETURNING request_seq AS "requestSeq"
  `);
}

/**
 * Stores the tenants that a forced request names. A tenant that can't be served is refused at once, with the
 * reason; the others wait. So is one that a credit of the same request id was given, because an id makes one document.
 */
export async function insertForcedTenants(
  tx: Transaction,
  period: Period,
  requestSeq: number,
  tenantIds: readonly string[],
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_request_tenants (request_seq, tenant_id, period_start, outcome, reason)
    SELECT ${requestSeq}, asked.tenant_id, ${period.periodStart},
      CASE WHEN refusal.reason IS NOT NULL THEN 'refused' END, refusal.reason
    FROM (SELECT DISTINCT unnest(${textArray(tenantIds)}) AS tenant_id) asked
    LEFT JOIN tenants t ON t.tenant_id = asked.tenant_id
    LEFT JOIN (${dueTenants(period)}) due ON due.tenant_id = asked.tenant_id
    CROSS JOIN LATERAL (SELECT CASE
      WHEN t.tenant_id IS NULL THEN 'there is no tenant ' || asked.tenant_id
      WHEN due.tenant_id IS NULL THEN
        'tenant ' || asked.tenant_id || ' is not due for ' || ${period.month}::text || ${NOT_DUE}::text
      ELSE ${idOfCredit(period, requestSeq, sql.fragment`t.tenant_id`)}
    END AS reason) refusal
  `);
}

/**
 * Selects why a request can't be served for a tenant if a credit of the same month has its id, otherwise null. A document
 * names its request, and no two of a tenant and month name the same one (`invoices_one_per_request`).
 */
function idOfCredit({ periodStart }: Period, requestSeq: number, tenant: FragmentSqlToken) {
  return sql.fragment`(
    SELECT 'request id ' || n.request_id || ' was already used for a credit of tenant ' || n.tenant_id ||
      ': use another one'
    FROM month_end_requests r JOIN invoices n USING (request_id)
    WHERE r.request_seq = ${requestSeq} AND n.tenant_id = ${tenant} AND n.period_start = ${periodStart}
      AND n.note_origin = 'credit'
  )`;
}

/**
 * Stores every due tenant. Refused are tenants whose invoice is void, which only a request that names them replaces, and
 * those that a credit of the same request id was given.
 */
export async function insertAllDueTenants(
  tx: Transaction,
  period: Period,
  requestSeq: number,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_request_tenants (request_seq, tenant_id, period_start, outcome, reason)
    SELECT ${requestSeq}, due.tenant_id, ${period.periodStart},
      CASE WHEN refusal.reason IS NOT NULL THEN 'refused' END, refusal.reason
    FROM (${dueTenants(period)}) due
    LEFT JOIN invoices i ON i.tenant_id = due.tenant_id
      AND i.period_start = ${period.periodStart} AND ${stands('i')} AND i.status = 'void'
    CROSS JOIN LATERAL (SELECT coalesce(
      'invoice ' || i.number || ' is void: name the tenant to issue its next revision',
      ${idOfCredit(period, requestSeq, sql.fragment`due.tenant_id`)}
    ) AS reason) refusal
  `);
}

/**
 * Reopens a request that is sent again, to retry the tenants that it left parked. If a draft for the request is
 * still being built, the tenant keeps it, because a revision references its request.
 * @returns whether there is work left
 */
export async function reopenRequest(tx: Transaction, request: StoredRequest): Promise<boolean> {
  const parked = await tx.anyFirst(sql.type(z.object({ tenantId: z.string() }))`
    SELECT tenant_id AS "tenantId" FROM month_end_request_tenants
    WHERE request_seq = ${request.requestSeq} AND outcome = 'parked'
  `);
  // Prevents their drafts from being issued or abandoned concurrently.
  await lockTenants(tx, parked);
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants f SET outcome = NULL, reason = NULL, draft_id = (
      SELECT d.draft_id FROM invoice_drafts d WHERE d.draft_id = f.draft_id AND d.state = 'open'
    )
    WHERE request_seq = ${request.requestSeq} AND outcome = 'parked'
  `);
  if (rowCount === 0) return request.state !== 'finished';
  // Also if a pass is serving it, because that pass may be past these tenants.
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_requests SET state = 'queued', started_at = NULL, finished_at = NULL
    WHERE request_seq = ${request.requestSeq}
  `);
  return true;
}

const forcedTenant = z.object({ tenantId: z.string(), refusal: z.string().nullable() });

/** Returns the tenants of a forced request that are waiting or were refused, ordered by id. */
export function listForcedTenants(
  tx: Transaction,
  requestSeq: number,
): Promise<readonly z.infer<typeof forcedTenant>[]> {
  return tx.any(sql.type(forcedTenant)`
    SELECT tenant_id AS "tenantId", reason AS refusal
    FROM month_end_request_tenants
    WHERE request_seq = ${requestSeq} AND (outcome IS NULL OR outcome = 'refused')
    ORDER BY tenant_id
  `);
}

const startedRequest = z.object({ requestSeq: z.number(), requestId: z.string() });

/** Marks all unfinished requests of the month as running, and returns them, oldest first. */
export async function startRequests(
  tx: Transaction,
  period: Period,
): Promise<readonly z.infer<typeof startedRequest>[]> {
  const started = await tx.any(sql.type(startedRequest)`
    UPDATE month_end_requests SET state = 'running', started_at = coalesce(started_at, now())
    WHERE period_start = ${period.periodStart} AND state <> 'finished'
    RETURNING request_seq AS "requestSeq", request_id AS "requestId"
  `);
  return started.toSorted((a, b) => a.requestSeq - b.requestSeq);
}

/** Finishes the requests that a pass has served, and writes the webhook events for the end of the run. */
export async function finishRequests(
  tx: Transaction,
  period: Period,
  upToSeq: number,
  manifest: Readonly<Record<string, unknown>>,
  result: RunResult,
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    WITH finished AS (
      UPDATE month_end_requests
      SET state = 'finished', finished_at = now(), manifest = ${JSON.stringify(manifest)}::jsonb
      WHERE period_start = ${period.periodStart} AND state = 'running' AND request_seq <= ${upToSeq}
      RETURNING request_id
    ), ${tellingRunFinished(period, result, sql.fragment`finished`)}
    SELECT
  `);
}

/** Returns forced tenants that requests up to `upToSeq` still wait for, at most `limit`. */
export function listWaitingTenants(
  db: Queryable,
  period: Period,
  upToSeq: number,
  limit: number,
): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ tenantId: z.string() }))`
    SELECT DISTINCT f.tenant_id AS "tenantId"
    FROM month_end_requests r JOIN month_end_request_tenants f USING (request_seq)
    WHERE r.period_start = ${period.periodStart} AND r.state = 'running'
      AND r.request_seq <= ${upToSeq} AND f.outcome IS NULL
    ORDER BY f.tenant_id LIMIT ${limit}
  `);
}

/** Returns the instant, in UTC, that `now()` has in this transaction. */
export function transactionTime(tx: Transaction): Promise<string> {
  return tx.oneFirst(sql.type(z.object({ now: z.string() }))`SELECT now()`);
}

/** Returns all requests that are not finished, of any month, oldest first. */
export function listOpenRequests(db: Queryable) {
  return db.any(sql.type(z.object({ month: z.string(), requestId: z.string() }))`
    SELECT to_char(period_start, 'YYYY-MM') AS month, request_id AS "requestId"
    FROM month_end_requests WHERE state <> 'finished' ORDER BY period_start, request_seq
  `);
}

/** Returns those of these requests that aren't stored as finished, and whether they are stored at all. */
export async function findUnfinishedRequests(
  db: Queryable,
  month: Month,
  requestIds: readonly string[],
): Promise<readonly { readonly requestId: string; readonly isStored: boolean }[]> {
  if (requestIds.length === 0) return [];
  return db.any(sql.type(z.object({ requestId: z.string(), isStored: z.boolean() }))`
    SELECT DISTINCT asked.request_id AS "requestId", r.request_id IS NOT NULL AS "isStored"
    FROM unnest(${textArray(requestIds)}) AS asked (request_id)
    LEFT JOIN month_end_requests r
      ON r.period_start = ${monthStart(month)} AND r.request_id = asked.request_id
    WHERE r.state IS DISTINCT FROM 'finished'
    ORDER BY 1
  `);
}
