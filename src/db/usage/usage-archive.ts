import { z } from 'zod';
import { periodOf, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import type { UsageSource } from './usage-ledger.ts';

/**
 * Events of months that are long closed move to the archive, and expire there (ADR 16). The database's
 * functions do it, and decide what may be moved: no role can delete an event otherwise.
 */

/** Those of the ids whose events were moved to the archive, whether or not they have expired since. */
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
  /** Accepted for the month, of both sources. */
  events: z.number(),
  archivedEvents: z.number(),
  isExpired: z.boolean(),
  /** Why its events stay where they are, or null. */
  refusal: z.string().nullable(),
});
/** A service month that has usage, and where its events are. */
export type ArchivableMonth = z.infer<typeof month>;

/**
 * The service months before this one that have usage, in order. Goes from month to month by the index,
 * and counts the buckets of each.
 */
export function listMonthsBefore(
  db: Queryable,
  before: Month,
): Promise<readonly ArchivableMonth[]> {
  const { periodStart } = periodOf(before);
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

/** The last deployment that was looked at. */
export interface ArchiveCursor {
  readonly tenantId: string;
  readonly deploymentId: string;
}

export interface ArchivedChunk {
  readonly llmEvents: number;
  readonly meteredEvents: number;
  /** For the next call; null: that was all of the month. */
  readonly next: ArchiveCursor | null;
}

/**
 * Moves the next events of a month to the archive, in a transaction of its own.
 * @param after the cursor that the chunk before came with; null for the first one
 * @param maxEvents about how many; the records of a deployment are not torn apart
 * @throws IntegrityConstraintViolationError where the month may not be archived, or its sums don't add up
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
    FROM archive_usage(${periodOf(ofMonth).periodStart}, ${after?.tenantId ?? ''},
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
  /** Exact cents, or quantities of all kinds together. */
  total: z.string(),
  /** SHA-256 in hex, as defined in `migrations/000011_usage_archive.sql`. */
  digest: z.string(),
});
/** What the expired events of a month were. */
export type ExpiredUsage = z.infer<typeof expired>;

/**
 * Drops the archived events of a month, for good, after putting on record what they were.
 * @param monthsKept full months that are kept; a year at the least
 * @returns what has expired now: nothing where it had before
 * @throws IntegrityConstraintViolationError where the month is too young, or not archived as a whole
 */
export function expireMonth(
  db: Queryable,
  ofMonth: Month,
  monthsKept: number,
): Promise<readonly ExpiredUsage[]> {
  return db.any(sql.type(expired)`
    SELECT source, events, trim_scale(total) AS total, encode(digest, 'hex') AS digest
    FROM expire_usage(${periodOf(ofMonth).periodStart}, ${monthsKept})
  `);
}
