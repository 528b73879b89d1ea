import { z } from 'zod';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import type { UsageOfDay } from '../../domain/daily-figures.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { LLM_EVENTS, METERED_RECORDS } from './usage-events.ts';

/**
 * Usage of a month by day of the billing time zone, for a tenant's charts and exports (docs/spec.md#usage-by-day).
 * Everything else about a running month comes from buckets, without a look at the events.
 */

const usageOfDay = z.object({
  day: z.int(),
  resourceKind: z.string(),
  model: z.string().nullable(),
  currency: z.string().nullable(),
  events: z.int(),
  amount: z.string(),
});

/** A tenant's month. */
export interface UsageMonth {
  readonly tenantId: string;
  readonly month: Month;
}

/** Returns a deployment's usage of a month by day, kind and model, in that order. Reads every event. */
export function sumUsageByDay(
  db: Queryable,
  { tenantId, month }: UsageMonth,
  calendar: BillingCalendar,
  deploymentId: string,
): Promise<readonly UsageOfDay[]> {
  const starts = sql.array([...calendar.dayStartsOf(month)], 'timestamptz');
  const day = (instant: ReturnType<typeof sql.fragment>) =>
    sql.fragment`width_bucket(${instant}, ${starts})`;
  const ofBucket = sql.fragment`e.bucket_id = b.bucket_id AND e.service_month = b.service_month`;
  return db.any(sql.type(usageOfDay)`
    WITH own AS (
      SELECT b.bucket_id, b.service_month, b.source, b.resource_kind, b.model FROM usage_buckets b
      WHERE b.tenant_id = ${tenantId} AND b.service_month = ${monthStart(month)}::date
        AND b.deployment_id = ${deploymentId}
    )
    SELECT day, resource_kind AS "resourceKind", CASE source WHEN 'llm' THEN model END AS model,
      max(currency) AS currency, sum(events)::bigint AS events, trim_scale(sum(amount))::text AS amount
    FROM (
      SELECT b.source, b.resource_kind, b.model, e.* FROM own b CROSS JOIN LATERAL (
        SELECT ${day(sql.fragment`e.occurred_at`)} AS day, max(e.currency) AS currency, count(*) AS events,
          sum(e.charge_cents) AS amount
        FROM ${LLM_EVENTS} e WHERE ${ofBucket} GROUP BY 1
      ) e WHERE b.source = 'llm'
      UNION ALL
      SELECT b.source, b.resource_kind, b.model, e.* FROM own b CROSS JOIN LATERAL (
        SELECT ${day(sql.fragment`e.occurred_at`)}, NULL, count(*), sum(e.added_qty)
        FROM ${METERED_RECORDS} e WHERE ${ofBucket} GROUP BY 1
      ) e WHERE b.source = 'metered'
      UNION ALL
      SELECT b.source, b.resource_kind, b.model, ${day(sql.fragment`e.occurred_at`)}, e.currency, -1, -x.amount
      FROM own b JOIN usage_exclusions x ON x.bucket_id = b.bucket_id AND x.source = 'llm'
      CROSS JOIN LATERAL (
        SELECT * FROM ${LLM_EVENTS} e WHERE ${ofBucket} AND e.gateway_request_id = x.event_id
      ) e
      UNION ALL
      SELECT b.source, b.resource_kind, b.model, ${day(sql.fragment`e.occurred_at`)}, NULL, 0, -x.amount
      FROM own b JOIN usage_exclusions x ON x.bucket_id = b.bucket_id AND x.source = 'metered'
      CROSS JOIN LATERAL (
        SELECT * FROM ${METERED_RECORDS} e WHERE ${ofBucket} AND e.record_id = x.event_id
      ) e
    ) used
    GROUP BY day, source, resource_kind, model
    HAVING sum(events) > 0
    ORDER BY day, resource_kind COLLATE "C", model COLLATE "C"
  `);
}

/** Returns the tenant's deployments with usage in a month, ordered by id. */
export function listUsedDeployments(
  db: Queryable,
  { tenantId, month }: UsageMonth,
): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ deployment_id: z.string() }))`
    SELECT DISTINCT deployment_id FROM usage_buckets
    WHERE tenant_id = ${tenantId} AND service_month = ${monthStart(month)}::date
    ORDER BY deployment_id
  `);
}

/**
 * Returns a text that is different after each accepted event and each exclusion of a month. Reads the buckets and the
 * exclusions, not the events.
 */
export function readUsageVersion(db: Queryable, { tenantId, month }: UsageMonth): Promise<string> {
  const buckets = sql.fragment`
    usage_buckets b WHERE b.tenant_id = ${tenantId} AND b.service_month = ${monthStart(month)}::date`;
  return db.oneFirst(sql.type(z.object({ version: z.string() }))`
    SELECT concat_ws('-',
      (SELECT coalesce(sum(b.event_count), 0) FROM ${buckets}),
      (
        SELECT count(*) FROM usage_exclusions x
        WHERE x.tenant_id = ${tenantId} AND x.bucket_id IN (SELECT b.bucket_id FROM ${buckets})
      )) AS version
  `);
}

const monthState = z.object({
  isReleased: z.boolean(),
  /** Whether the events were deleted, years later. */
  isExpired: z.boolean(),
});
/** What decides who can read the usage of a month that is over. */
export type UsageMonthState = z.infer<typeof monthState>;

/** Returns the state of a tenant's month. */
export function readUsageMonthState(
  db: Queryable,
  { tenantId, month }: UsageMonth,
): Promise<UsageMonthState> {
  const first = sql.fragment`${monthStart(month)}::date`;
  return db.one(sql.type(monthState)`
    SELECT ${hasExpired(first)} AS "isExpired", EXISTS (
      SELECT FROM releases r WHERE r.period_start = ${first} AND r.tenant_id = ${tenantId}
    ) AS "isReleased"
  `);
}

/** Returns the tenant's released months whose events are kept, newest first. @param limit how many at most */
export function listReadableMonths(
  db: Queryable,
  tenantId: string,
  limit: number,
): Promise<readonly Month[]> {
  return db.anyFirst(sql.type(z.object({ month: z.string() }))`
    SELECT to_char(i.period_start, 'YYYY-MM') AS month FROM invoices i
    WHERE i.tenant_id = ${tenantId} AND NOT ${hasExpired(sql.fragment`i.period_start`)} AND EXISTS (
      SELECT FROM releases r WHERE r.period_start = i.period_start AND r.tenant_id = i.tenant_id
    )
    GROUP BY i.period_start ORDER BY i.period_start DESC LIMIT ${limit}
  `);
}

function hasExpired(month: ReturnType<typeof sql.fragment>) {
  return sql.fragment`EXISTS (
    SELECT FROM usage_archives a WHERE a.service_month = ${month} AND a.expired_at IS NOT NULL)`;
}
