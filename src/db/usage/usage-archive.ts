import { z } from 'zod';
import { monthStart, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import type { UsageSource } from './usage-ledger.ts';

/**
 * Archiving and expiry of usage events (ADR 16). Events of months that were closed long ago move to the archive
 * and expire there. Database functions do this and decide what may be moved; no role can delete an event in any
 * other way.
 */

/** Returns those of the ids whose events were moved to the archive, including expired ones. */
export function findArchivedIds(
  db: Queryable,
  source: UsageSource,
  ids: readonly string[],
): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ id: z.string() }))`
    SELECT id FROM archived_usage_ids WHERE source = ${source} AND id = ANY (${textArray(ids)})
  `);
}

const month = z.object({
  month: z.string(),
  /** Events accepted for the month, from both sources. */
  events: z.number(),
  archivedEvents: z.number(),
  isExpired: z.boolean(),
  /** Why its events can't be archived; null if they can. */
  refusal: z.string().nullable(),
});
/** A service month that has usage, and how many of its events are archived. */
export type ArchivableMonth = z.infer<typeof month>;

/**
 * Returns the service months before this one that have usage, in order. Finds the months by skipping through
 * the index, and sums the event counts of each month's buckets.
 */
export function listMonthsBefore(
  db: Queryable,
  before: Month,
): Promise<readonly ArchivableMonth[]> {
  const periodStart = monthStart(before);
  return db.any(sql.type(month)`
    WITH RECURSIVE months AS (
      SELECT min(service_month) AS service_month FROM usage_buckets
      UNION ALL
      SELECT (SELECT min(service_month) FROM usage_buckets b WHERE b.service_month > m.service_month)
      FROM months m WHERE m.service_month < ${periodStart}
    )
    SELECT to_char(m.service_month, 'YYYY-MM') AS month, accepted.events,
      coalesce(archived.events, 0) AS "archivedEvents",
      coalesce(archived.is_expired, false) AS "isExpired",
      why_not_archived(m.service_month) AS refusal
    FROM months m
    CROSS JOIN LATERAL (
      SELECT sum(event_count)::bigint AS events FROM usage_buckets b
      WHERE b.service_month = m.service_month
    ) accepted
    LEFT JOIN LATERAL (
      SELECT sum(a.events)::bigint AS events, bool_and(a.expired_at IS NOT NULL) AS is_expired
      FROM usage_archives a WHERE a.service_month = m.service_month
    ) archived ON true
    WHERE m.service_month < ${periodStart}
    ORDER BY m.service_month
  `);
}

const moved = z.object({
  lastTenant: z.string().nullable(),
  lastDeployment: z.string().nullable(),
  llmEvents: z.number(),
  meteredEvents: z.number(),
});

/** The last deployment that a chunk covered. */
export interface ArchiveCursor {
  readonly tenantId: string;
  readonly deploymentId: string;
}

export interface ArchivedChunk {
  readonly llmEvents: number;
  readonly meteredEvents: number;
  /** Cursor for the next call; null if the month is finished. */
  readonly next: ArchiveCursor | null;
}

/**
 * Moves the next events of a month to the archive, in its own transaction.
 * @param after the cursor of the previous chunk; null for the first one
 * @param maxEvents approximate limit; the metered records of a deployment are not split
 * @throws IntegrityConstraintViolationError if the month may not be archived or its sums don't add up
 */
export async function archiveChunk(
  db: Queryable,
  ofMonth: Month,
  after: ArchiveCursor | null,
  maxEvents: number,
): Promise<ArchivedChunk> {
  const { lastTenant, lastDeployment, llmEvents, meteredEvents } = await db.one(sql.type(moved)`
    SELECT last_tenant AS "lastTenant", last_deployment AS "lastDeployment",
      llm_events AS "llmEvents", metered_events AS "meteredEvents"
    FROM archive_usage(${monthStart(ofMonth)}, ${after?.tenantId ?? ''},
      ${after?.deploymentId ?? ''}, ${maxEvents})
  `);
  const next =
    lastTenant === null || lastDeployment === null
      ? null
      : { tenantId: lastTenant, deploymentId: lastDeployment };
  return { llmEvents, meteredEvents, next };
}

const expired = z.object({
  source: z.enum(['llm', 'metered']),
  events: z.number(),
  /** Exact cents, or the quantities of all kinds added together. */
  total: z.string(),
  /** SHA-256 in hex, as defined in `migrations/000011_usage_archive.sql`. */
  digest: z.string(),
});
/** Count, total and digest of a month's expired events of one source. */
export type ExpiredUsage = z.infer<typeof expired>;

/**
 * Permanently deletes the archived events of a month, after recording their count, total and digest.
 * @param monthsKept full months to keep, at least 12
 * @returns what expired in this call; empty if the month had expired before
 * @throws IntegrityConstraintViolationError if the month is too recent or not completely archived
 */
export function expireMonth(
  db: Queryable,
  ofMonth: Month,
  monthsKept: number,
): Promise<readonly ExpiredUsage[]> {
  return db.any(sql.type(expired)`
    SELECT source, events, trim_scale(total) AS total, encode(digest, 'hex') AS digest
    FROM expire_usage(${monthStart(ofMonth)}, ${monthsKept})
  `);
}
