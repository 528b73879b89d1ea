import { z } from 'zod';
import { QUARANTINE_REASONS, QUARANTINE_STATES } from '../../domain/quarantine.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { LLM_EVENTS } from './usage-events.ts';

/** Compares the ledger with a gateway's own log, by event id. */

const known = z.object({
  id: z.string(),
  tenantId: z.string(),
  deploymentId: z.string(),
  /** Exact cents. Null: the event has expired, and only its id is known. */
  chargeCents: z.string().nullable(),
});
/** An LLM event in the ledger or the archive. */
export type KnownEvent = z.infer<typeof known>;

/** Returns those of the LLM events that were accepted, by id, wherever they are kept. */
export async function findAccepted(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, KnownEvent>> {
  const rows = await db.any(sql.type(known)`
    SELECT gateway_request_id AS id, tenant_id AS "tenantId", deployment_id AS "deploymentId",
      trim_scale(charge_cents) AS "chargeCents"
    FROM llm_usage_events WHERE gateway_request_id = ANY(${textArray(ids)})
    UNION ALL
    SELECT k.id, b.tenant_id, b.deployment_id, trim_scale(e.charge_cents)
    FROM archived_usage_ids k JOIN usage_buckets b USING (bucket_id)
    LEFT JOIN llm_usage_archive e ON e.service_month = b.service_month
      AND e.bucket_id = k.bucket_id AND e.gateway_request_id COLLATE "C" = k.id COLLATE "C"
    WHERE k.source = 'llm' AND k.id = ANY(${textArray(ids)})
  `);
  return new Map(rows.map((row) => [row.id, row]));
}

const quarantined = z.object({
  id: z.string(),
  /** Of several events with this id: held if one is, or else dismissed if one was. */
  state: z.enum(QUARANTINE_STATES),
  /** Why it is, or was last, held. */
  reason: z.enum(QUARANTINE_REASONS),
  /** UTC instant to the microsecond; null: it could not be read. */
  occurredAt: z.string().nullable(),
  /** The same, rounded half up to the millisecond. */
  roundedAt: z.string().nullable(),
});
/** An event that the ledger could not take when it came. */
export type QuarantinedId = z.infer<typeof quarantined>;

/** Returns those of the ids whose event is or was in quarantine. */
export async function findQuarantined(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, QuarantinedId>> {
  const rows = await db.any(sql.type(quarantined)`
    SELECT DISTINCT ON (source_id) source_id AS id, state, reason, occurred_at AS "occurredAt",
      occurred_at::timestamptz(3) AS "roundedAt"
    FROM quarantined_events WHERE source_id = ANY(${textArray(ids)})
    ORDER BY source_id, state = 'held' DESC, state = 'dismissed' DESC, quarantine_id
  `);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Which accepted events to list. */
export interface AcceptedFilter {
  /** Prefix of their ids, of letters and a colon. */
  readonly prefix: string;
  /** First and last instant. */
  readonly from: string;
  readonly to: string;
  readonly tenantId?: string | undefined;
}

const placed = known.extend({ bucketId: z.number() });
/** An event and its place in the order of {@link listAccepted}. */
export type PlacedEvent = z.infer<typeof placed>;

/**
 * Lists accepted LLM events of a time span, in pages.
 * @param after the last event of the previous page; null for the first page
 */
export async function listAccepted(
  db: Queryable,
  { prefix, from, to, tenantId }: AcceptedFilter,
  after: Pick<PlacedEvent, 'bucketId' | 'id'> | null,
  limit: number,
): Promise<readonly PlacedEvent[]> {
  // Buckets lead to the events of these months by index; ids are in no order of time.
  const { first, last } = await db.one(sql.type(bounds)`
    SELECT coalesce(min(bucket_id), 0) AS first, coalesce(max(bucket_id), 0) AS last FROM usage_buckets
    WHERE source = 'llm' AND service_month
      BETWEEN billing_month(${from}::timestamptz) AND billing_month(${to}::timestamptz)
  `);
  return db.any(sql.type(placed)`
    SELECT bucket_id AS "bucketId", gateway_request_id AS id, tenant_id AS "tenantId",
      deployment_id AS "deploymentId", trim_scale(charge_cents) AS "chargeCents"
    FROM ${LLM_EVENTS} e
    WHERE (bucket_id, gateway_request_id COLLATE "C") > (${after?.bucketId ?? first - 1}, ${after?.id ?? ''})
      AND bucket_id <= ${last}
      AND occurred_at BETWEEN ${from}::timestamptz AND ${to}::timestamptz
      AND starts_with(gateway_request_id, ${prefix})
      AND ${tenantId === undefined ? sql.fragment`true` : sql.fragment`tenant_id = ${tenantId}`}
    ORDER BY bucket_id, gateway_request_id COLLATE "C" LIMIT ${limit}
  `);
}

const bounds = z.object({ first: z.number(), last: z.number() });
