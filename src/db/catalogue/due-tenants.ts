import { sql } from '../sql.ts';
import type { Month, Period } from '../../domain/period.ts';
import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { loadCalendar } from '../settings/load-calendar.ts';

/**
 * Returns the condition that a row (a subscription or an addon, by its alias) is in force at the period's last
 * instant. Only that instant matters, never a status or the clock, so that a late run bills what a punctual one
 * would have billed. docs/spec.md#month-end.
 */
export function inForceAtEndOf(period: Period, alias: 's' | 'a') {
  const startsAt = sql.identifier([alias, 'starts_at']);
  const endsAt = sql.identifier([alias, 'ends_at']);
  return sql.fragment`
    ${startsAt} < ${period.endsAt} AND (${endsAt} IS NULL OR ${endsAt} >= ${period.endsAt})
  `;
}

/** Returns a query for due tenants: those with a subscription in force at the end of the period. */
export function dueTenants(period: Period) {
  return sql.fragment`
    SELECT t.tenant_id AS tenant_id FROM tenants t
    WHERE EXISTS (
      SELECT FROM subscriptions s
      WHERE s.tenant_id = t.tenant_id AND ${inForceAtEndOf(period, 's')}
    )
  `;
}

/**
 * Returns a query for the tenants that a forced rerun can cover: due tenants, and tenants with a current
 * invoice for the period, even if their subscriptions have changed since.
 */
export function dueOrInvoicedTenants(period: Period) {
  return sql.fragment`
    ${dueTenants(period)}
    UNION
    SELECT i.tenant_id FROM invoices i
    WHERE i.period_start = ${period.periodStart} AND i.status <> 'superseded'
  `;
}

/**
 * Returns the condition that the tenant will get a first invoice for a later month, which can then bill this
 * month's LLM usage: the tenant is due at the end of a later month without an invoice.
 * @param tenantId a column
 */
export function hasNextInvoice(period: Period, tenantId: ReturnType<typeof sql.fragment>) {
  const isFree = sql.fragment`NOT EXISTS (
    SELECT FROM invoices n WHERE n.tenant_id = s.tenant_id
      AND n.period_start = m.month_start AND n.status <> 'superseded'
  )`;
  // A subscription without an end always has a later month without an invoice.
  return sql.fragment`EXISTS (
    SELECT FROM subscriptions s
    WHERE s.tenant_id = ${tenantId} AND s.starts_at IS NOT NULL
      AND (s.ends_at IS NULL OR (s.ends_at > ${period.endsAt} AND EXISTS (
        SELECT FROM billing_months m
        WHERE m.month_start > ${period.periodStart} AND m.ends_at > s.starts_at
          AND m.ends_at <= s.ends_at AND ${isFree}
      )))
  )`;
}

const dueDeployment = z.object({ tenantId: z.string(), deploymentId: z.string() });
export type DueDeployment = z.infer<typeof dueDeployment>;

/**
 * Returns the deployments with a subscription in force at the end of a month, always in the same order.
 * @throws DomainError `invalid_month`
 */
export async function listDueDeployments(
  db: Queryable,
  month: Month,
): Promise<readonly DueDeployment[]> {
  const period = (await loadCalendar(db)).periodOf(month);
  return db.any(sql.type(dueDeployment)`
    SELECT DISTINCT s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId"
    FROM subscriptions s WHERE ${inForceAtEndOf(period, 's')}
    ORDER BY 1, 2
  `);
}
