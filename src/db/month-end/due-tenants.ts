import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, type PeriodBounds } from '../sql.ts';
import { IS_UNFINISHED, isGivenUp } from '../usage/seal.ts';
import { hasChargeToBill, hasUnbilledItem } from './unbilled-items.ts';

/**
 * The tenants that are due for a month (docs/spec.md#month-end). Runs, requests, status, control totals, preview and
 * watchdog all use this definition, so that no two of them disagree about a tenant.
 */

/** Returns a query for the tenants `t` that are due for the period. More conditions can follow. */
export function dueTenants(period: Period) {
  return sql.fragment`
    SELECT t.tenant_id AS tenant_id FROM tenants t WHERE ${isDue(period, sql.fragment`t.tenant_id`)}
  `;
}

/**
 * Returns the condition that a tenant is due for the period: one of its subscriptions touches the period, or it has
 * an invoice for it (of any status), or LLM usage or an invoice item of the period or of an earlier month that no
 * invoice bills. Each part is looked up
 * by the tenant, so the cost doesn't grow with the number of months.
 * @param tenantId a column
 */
export function isDue(period: PeriodBounds, tenantId: FragmentSqlToken) {
  return sql.fragment`(
    EXISTS (
      SELECT FROM subscriptions s WHERE s.tenant_id = ${tenantId} AND ${touches(period, 's')} ${EACH}
    ) OR EXISTS (
      SELECT FROM invoices i
      WHERE i.tenant_id = ${tenantId} AND i.period_start = ${period.periodStart} ${EACH}
    ) OR ${hasUsageToSeal(period, tenantId, isLlmUpTo(period))}
      OR ${hasUnbilledItem(period, tenantId)}
  )`;
}

/**
 * Returns the condition that a tenant has usage or a charge of the period that the period's next run would bill. It
 * turns the outcome `nothing_to_bill` into work to do: see `latestOutcomes`.
 * @param tenantId a column
 */
export function hasMoreToBill(period: Period, tenantId: FragmentSqlToken) {
  const ofMonth = sql.fragment`b.service_month = ${period.periodStart}`;
  return sql.fragment`(${hasUsageToSeal(period, tenantId, ofMonth)} OR ${hasChargeToBill(period, tenantId)})`;
}

/**
 * Returns the condition that a run of the period could seal usage of the tenant: it is open or sealed for a draft that
 * the run would abandon. Usage that is all excluded doesn't count.
 * @param which condition on a bucket `b`
 */
function hasUsageToSeal(period: PeriodBounds, tenantId: FragmentSqlToken, which: FragmentSqlToken) {
  const counts = sql.fragment`(b.event_count, b.total) <> (
    SELECT count(*), coalesce(sum(e.amount), 0) FROM usage_exclusions e WHERE e.bucket_id = b.bucket_id
  )`;
  return sql.fragment`(
    EXISTS (
      SELECT FROM usage_buckets b
      WHERE b.tenant_id = ${tenantId} AND b.sealed_for IS NULL AND ${which} AND ${counts} ${EACH}
    ) OR EXISTS (
      SELECT FROM invoice_drafts a JOIN usage_buckets b ON b.sealed_for = a.draft_id
      WHERE a.tenant_id = ${tenantId} AND ${IS_UNFINISHED} AND ${isGivenUp(period)}
        AND ${which} AND ${counts} ${EACH}
    )
  )`;
}

/**
 * Has PostgreSQL look each tenant up. Without it, a page of tenants reads the subscriptions of all tenants, those that
 * ended years ago too, into a hash table.
 */
const EACH = sql.fragment`OFFSET 0`;

/** Why a tenant isn't due, to follow "tenant acme is not due for 2026-05". */
export const NOT_DUE =
  ': none of its subscriptions touches the month, and it has neither an invoice for it nor unbilled LLM usage or invoice items';

/**
 * Returns the condition that a row (a subscription or an addon, by its alias) touches the period: it is in force at
 * some instant of it.
 */
export function touches(period: PeriodBounds, alias: 's' | 'a') {
  const startsAt = sql.identifier([alias, 'starts_at']);
  const endsAt = sql.identifier([alias, 'ends_at']);
  return sql.fragment`
    ${startsAt} < ${period.endsAt} AND (${endsAt} IS NULL OR ${endsAt} > ${period.startsAt})
  `;
}

/** Returns the condition that a bucket `b` has LLM usage of the period or of an earlier month. */
function isLlmUpTo(period: PeriodBounds) {
  return sql.fragment`(b.source = 'llm' AND b.service_month <= ${period.periodStart})`;
}

const deployment = z.object({ tenantId: z.string(), deploymentId: z.string() });
export type SubscribedDeployment = z.infer<typeof deployment>;

/** Returns the deployments with a subscription in a period, always in the same order. */
export function listSubscribedDeployments(
  db: Queryable,
  period: Period,
): Promise<readonly SubscribedDeployment[]> {
  return db.any(sql.type(deployment)`
    SELECT DISTINCT s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId"
    FROM subscriptions s WHERE ${touches(period, 's')}
    ORDER BY 1, 2
  `);
}
