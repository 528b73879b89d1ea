import { z } from 'zod';
import {
  QUARANTINE_REASONS,
  RELEASED_BY_NAME,
  type QuarantineReason,
} from '../../domain/quarantine.ts';
import type { JsonObject } from '../../domain/types.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { allOf, jsonRows, sql, textArray } from '../sql.ts';
import type { LlmEventRow } from './usage-ledger.ts';

/** Writes the quarantine: events are held once, and released or dismissed at most once (docs/spec.md#quarantine). */

/** An event to hold. */
export interface QuarantineRow {
  /** The event's id in the ledger, or `sha256:` and the digest of its text. */
  readonly sourceId: string;
  /** SHA-256, in hex, of `fields`. */
  readonly contentHash: string;
  readonly reason: QuarantineReason;
  /** The reason in a sentence. */
  readonly detail: string;
  readonly fields: JsonObject;
  /** The valid ones of the fields below; null otherwise. */
  readonly tenantId: string | null;
  readonly deploymentId: string | null;
  readonly model: string | null;
  /** UTC instant, to the microsecond. */
  readonly occurredAt: string | null;
  /** Decimal string. */
  readonly chargeCents: string | null;
  readonly currency: string | null;
}

/**
 * Holds events. Those that were held before, with the same content, stay as they are: also if they have been released or
 * dismissed since.
 * @returns the number of new ones
 */
export async function insertQuarantined(
  db: Queryable,
  gatewayKeyId: string | null,
  rows: readonly QuarantineRow[],
): Promise<number> {
  const numbered = rows.map((row, nth) => ({ ...row, nth }));
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    INSERT INTO quarantined_events (source_id, content_hash, gateway_key_id, reason, detail, fields, tenant_id,
      deployment_id, model, occurred_at, charge_cents, currency)
    SELECT "sourceId", decode("contentHash", 'hex'), ${gatewayKeyId}::uuid, reason, detail, fields, "tenantId",
      "deploymentId", model, "occurredAt", "chargeCents", currency
    FROM json_to_recordset(${jsonRows(numbered)}) AS q (nth integer, "sourceId" text, "contentHash" text, reason text, detail text,
      fields jsonb, "tenantId" text, "deploymentId" text, model text, "occurredAt" timestamptz,
      "chargeCents" numeric, currency text)
    -- All transactions insert in the same order, so that two that resend the same events can't deadlock. Of two events
    -- with the same id, the one that came first is released first.
    ORDER BY "sourceId", nth
    ON CONFLICT (source_id, content_hash) DO NOTHING
  `);
  return rowCount;
}

/** Which held events a release or a dismissal is about; without any field, all of them. */
export interface HeldFilter {
  readonly quarantineIds?: readonly number[] | undefined;
  readonly heldFor?: QuarantineReason | undefined;
  /** As sent: the tenant may not exist. */
  readonly tenantId?: string | undefined;
}

/**
 * Returns the first held events that match, in order, without locking them. Events of `RELEASED_BY_NAME` only match if the
 * filter names the reason or the events.
 * @param after the last event of the previous page; 0 for the first page
 */
export function findHeld(
  db: Queryable,
  { quarantineIds, heldFor, tenantId }: HeldFilter,
  after: number,
  limit: number,
): Promise<readonly number[]> {
  const isByName = quarantineIds !== undefined || heldFor !== undefined;
  const conditions = [
    sql.fragment`state = 'held' AND quarantine_id > ${after}`,
    heldFor !== undefined && sql.fragment`reason = ${heldFor}`,
    !isByName && sql.fragment`reason <> ALL(${textArray(RELEASED_BY_NAME)})`,
    tenantId !== undefined && sql.fragment`tenant_id = ${tenantId}`,
    quarantineIds !== undefined &&
      sql.fragment`quarantine_id = ANY(${sql.array([...quarantineIds], 'int8')})`,
  ];
  return db.anyFirst(sql.type(z.object({ quarantine_id: z.number() }))`
    SELECT quarantine_id FROM quarantined_events WHERE ${allOf(conditions)}
    ORDER BY quarantine_id LIMIT ${limit}
  `);
}

/**
 * Returns the first held events whose cause is gone by now: the tenant has the deployment, or the time has come.
 * @param upTo the latest instant that new usage may have
 */
export function findCured(
  db: Queryable,
  upTo: Date,
  after: number,
  limit: number,
): Promise<readonly number[]> {
  return db.anyFirst(sql.type(z.object({ quarantine_id: z.number() }))`
    WITH awaited AS MATERIALIZED (
      SELECT DISTINCT deployment_id, tenant_id FROM quarantined_events
      WHERE state = 'held' AND reason IN ('unknown_tenant', 'unknown_deployment')
    )
    SELECT quarantine_id FROM (
      SELECT q.quarantine_id FROM awaited a
      JOIN deployments d ON d.deployment_id = a.deployment_id AND d.tenant_id = a.tenant_id
      JOIN quarantined_events q ON q.deployment_id = a.deployment_id AND q.tenant_id = a.tenant_id
        AND q.state = 'held' AND q.reason IN ('unknown_tenant', 'unknown_deployment')
      UNION ALL
      SELECT quarantine_id FROM quarantined_events
      WHERE state = 'held' AND reason = 'too_early' AND occurred_at <= ${upTo.toISOString()}::timestamptz
    ) cured
    WHERE quarantine_id > ${after} ORDER BY quarantine_id LIMIT ${limit}
  `);
}

const held = z.object({
  quarantineId: z.number(),
  sourceId: z.string(),
  reason: z.enum(QUARANTINE_REASONS),
  detail: z.string(),
  fields: z.record(z.string(), z.json()),
  receivedAt: z.string(),
});
/** A held event. */
export type HeldRow = z.infer<typeof held>;

/** Locks those of the events that are still held until the transaction ends, and returns them in order. */
export function lockHeld(tx: Transaction, ids: readonly number[]): Promise<readonly HeldRow[]> {
  return tx.any(sql.type(held)`
    SELECT quarantine_id AS "quarantineId", source_id AS "sourceId", reason, detail, fields,
      received_at AS "receivedAt"
    FROM quarantined_events
    WHERE quarantine_id = ANY(${sql.array([...ids], 'int8')}) AND state = 'held'
    ORDER BY quarantine_id FOR NO KEY UPDATE
  `);
}

/** The person or process that decides, and why. */
export interface Decision {
  readonly actor: string;
  readonly reason: string;
}

/** A held event as it enters the ledger. */
export interface ReleasedRow extends LlmEventRow {
  readonly quarantineId: number;
}

/**
 * Stores locked events with new ids, whose buckets are locked too, in the ledger, with the rights of the worker. They
 * must be held for a reason of `RELEASED_BY_SWEEP`, and unchanged.
 * @returns the ids that were stored
 */
export function storeHeldUsage(
  tx: Transaction,
  rows: readonly ReleasedRow[],
): Promise<readonly string[]> {
  const entries = rows.map((row) => ({
    quarantine_id: row.quarantineId,
    id: row.id,
    tenant_id: row.tenantId,
    deployment_id: row.deploymentId,
    model: row.model,
    occurred_at: row.occurredAt,
    service_month: row.serviceMonth,
    charge_cents: row.chargeCents,
    currency: row.currency,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    attributes: row.attributes,
    content_hash: row.contentHash,
    bucket_id: row.bucketId,
  }));
  return tx.anyFirst(sql.type(z.object({ id: z.string() }))`
    SELECT store_held_usage(${jsonRows(entries)}) AS id
  `);
}

/** Ends the quarantine of those of such events that are in the ledger with the same content. */
export async function endHeldUsage(
  tx: Transaction,
  rows: readonly Pick<ReleasedRow, 'quarantineId' | 'id' | 'contentHash'>[],
): Promise<void> {
  if (rows.length === 0) return;
  const entries = rows.map(({ quarantineId, id, contentHash }) => ({
    quarantine_id: quarantineId,
    id,
    content_hash: contentHash,
  }));
  await tx.query(sql.typeAlias('nothing')`SELECT FROM end_quarantine(${jsonRows(entries)})`);
}

/**
 * Ends the quarantine of locked events: those that are in the ledger are released, and those that are not to be billed
 * dismissed.
 * @param assigned the fields that the release replaced; null if there are none
 */
export async function endQuarantine(
  tx: Transaction,
  ids: readonly number[],
  state: 'released' | 'dismissed',
  { actor, reason }: Decision,
  assigned: JsonObject | null = null,
): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE quarantined_events
    SET state = ${state}, actor = ${actor}, decision_reason = ${reason}, decided_at = now(),
      assigned = ${assigned === null ? null : JSON.stringify(assigned)}::jsonb
    WHERE quarantine_id = ANY(${sql.array([...ids], 'int8')})
  `);
}

/** Records why locked events are still held. */
export async function keepHeld(
  tx: Transaction,
  rows: readonly {
    readonly quarantineId: number;
    readonly reason: QuarantineReason;
    readonly detail: string;
  }[],
): Promise<void> {
  if (rows.length === 0) return;
  const needed = rows.map(({ quarantineId, reason, detail }) => ({ quarantineId, reason, detail }));
  await tx.query(sql.typeAlias('nothing')`
    UPDATE quarantined_events q SET reason = k.reason, detail = k.detail
    FROM json_to_recordset(${jsonRows(needed)}) AS k ("quarantineId" bigint, reason text, detail text)
    WHERE q.quarantine_id = k."quarantineId"
  `);
}
