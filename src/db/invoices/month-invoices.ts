import { z } from 'zod';
import { OUTCOMES, type Outcome } from '../../contracts/month-end-types.ts';
import { monthStart, previousMonth, type Month, type Period } from '../../domain/period.ts';
import { isDue } from '../month-end/due-tenants.ts';
import { matchesTenant } from '../catalogue/tenant-views.ts';
import { isReleased } from '../release-facts.ts';
import { INVOICE_STATUSES, type InvoiceReader, type InvoiceStatus } from './invoice-views.ts';
import { type Page, allOf, sql, textArray } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { isSettled, stands, standsUnvoided } from '../standing.ts';

/** A month's invoices next to the previous month's, for the operator pages. */

const monthInvoice = z.object({
  invoice_id: z.string(),
  number: z.string(),
  tenant_id: z.string(),
  name: z.string(),
  revision: z.number(),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  total_cents: z.number(),
  /** The tenant's latest outcome in the month; null: the invoice was issued before outcomes were recorded. */
  outcome: z.enum(OUTCOMES).nullable(),
  /** The tenant's total of the previous month; null: there was no issued invoice. */
  last_month_cents: z.number().nullable(),
  /** The total less `last_month_cents`. */
  change_cents: z.number(),
});
/** An invoice with its change since the previous month. */
export type MonthInvoice = z.infer<typeof monthInvoice>;

/** `change` puts the largest change first, whether up or down. */
export const INVOICE_ORDERS = ['change', 'tenant'] as const;
export type InvoiceOrder = (typeof INVOICE_ORDERS)[number];

export interface MonthInvoiceFilter {
  /** Part of the tenant's id or name, case-insensitive. */
  readonly search?: string | undefined;
  /** Undefined: all live ones. */
  readonly status?: InvoiceStatus | undefined;
  readonly outcome?: Outcome | undefined;
  /** `waiting`: only invoices that their tenants can't see yet. */
  readonly release?: 'waiting' | undefined;
  readonly order: InvoiceOrder;
}

/** Cursor: the last invoice of a page. */
export type MonthInvoiceKey = Pick<
  MonthInvoice,
  'change_cents' | 'tenant_id' | 'revision' | 'invoice_id'
>;

/**
 * Returns a page of a month's invoices. The cost depends on the month's invoices, not on those of all months.
 * @throws DomainError `invalid_month`
 */
export function listMonthInvoices(
  db: Queryable,
  month: Month,
  { search, status, outcome, release, order }: MonthInvoiceFilter,
  { after, limit }: Page<MonthInvoiceKey>,
): Promise<readonly MonthInvoice[]> {
  const conditions = [
    status === undefined ? stands('i') : sql.fragment`i.kind = 'invoice' AND i.status = ${status}`,
    release !== undefined && sql.fragment`i.status <> 'void' AND NOT ${isReleased('i')}`,
    outcome !== undefined && sql.fragment`o.outcome = ${outcome}`,
    search !== undefined && matchesTenant('t', search),
  ];
  const { by, isAfter } = ORDERS[order];
  return db.any(sql.type(monthInvoice)`
    SELECT * FROM (
      SELECT i.invoice_id, i.number, i.tenant_id, t.name, i.revision, i.status, i.currency,
        i.total_cents, o.outcome, b.total_cents AS last_month_cents,
        i.total_cents - coalesce(b.total_cents, 0) AS change_cents
      FROM invoices i JOIN tenants t USING (tenant_id)
      LEFT JOIN tenant_outcomes o
        ON (o.period_start, o.tenant_id) = (i.period_start, i.tenant_id)
      LEFT JOIN invoices b ON b.tenant_id = i.tenant_id
        AND b.period_start = ${monthStart(previousMonth(month))}
        AND ${standsUnvoided('b')}
      WHERE i.period_start = ${monthStart(month)} AND ${allOf(conditions)}
    ) found
    WHERE ${after === null ? sql.fragment`true` : isAfter(after)}
    ORDER BY ${by} LIMIT ${limit}
  `);
}

const ORDERS = {
  change: {
    by: sql.fragment`abs(change_cents) DESC, invoice_id DESC`,
    isAfter: ({ change_cents, invoice_id }: MonthInvoiceKey) =>
      sql.fragment`(abs(change_cents), invoice_id)
        < (abs(${change_cents}::bigint), ${invoice_id}::uuid)`,
  },
  tenant: {
    by: sql.fragment`tenant_id, revision`,
    isAfter: ({ tenant_id, revision }: MonthInvoiceKey) =>
      sql.fragment`(tenant_id, revision) > (${tenant_id}, ${revision})`,
  },
} as const;

const standing = z.object({
  tenant_id: z.string(),
  /** Null: the tenant doesn't exist. */
  name: z.string().nullable(),
  /** Whether a run of the month looks at the tenant. A rerun refuses the others. */
  is_due: z.boolean(),
  invoice_id: z.string().nullable(),
  number: z.string().nullable(),
  revision: z.number().nullable(),
  status: z.enum(INVOICE_STATUSES).nullable(),
  currency: z.string().nullable(),
  total_cents: z.number().nullable(),
  /** Whether a rerun makes an adjustment note of it; null: there is no invoice. */
  is_settled: z.boolean().nullable(),
  outcome: z.enum(OUTCOMES).nullable(),
  reason_type: z.string().nullable(),
  reason: z.string().nullable(),
});
/** A tenant's status in a month: the invoice that a rerun would replace, and the latest outcome. */
export type Standing = z.infer<typeof standing>;

/** Returns the status of these tenants in a period, each once, ordered by id. */
export function listStanding(
  db: Queryable,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly Standing[]> {
  const { periodStart } = period;
  return db.any(sql.type(standing)`
    SELECT asked.tenant_id, t.name, ${isDue(period, sql.fragment`asked.tenant_id`)} AS is_due,
      i.invoice_id, i.number, i.revision, i.status, i.currency, i.total_cents,
      CASE WHEN i.invoice_id IS NOT NULL THEN ${isSettled('i')} END AS is_settled,
      o.outcome, o.reason_type, o.reason
    FROM (SELECT DISTINCT unnest(${textArray(tenantIds)}) AS tenant_id) asked
    LEFT JOIN tenants t ON t.tenant_id = asked.tenant_id
    LEFT JOIN invoices i ON i.tenant_id = asked.tenant_id AND i.period_start = ${periodStart}
      AND ${stands('i')}
    LEFT JOIN tenant_outcomes o
      ON o.period_start = ${periodStart} AND o.tenant_id = asked.tenant_id
    ORDER BY asked.tenant_id
  `);
}

const revision = z.object({
  invoice_id: z.string(),
  number: z.string(),
  revision: z.number(),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  total_cents: z.number(),
  issued_at: z.string(),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
});
/** A revision of a tenant's invoice of a month. */
export type Revision = z.infer<typeof revision>;

/**
 * Returns all revisions of a tenant's invoice of a month, newest first. The database role of tenants' keys can't read
 * `actor` and `reason`.
 */
export function listRevisions(
  db: Queryable,
  invoice: { readonly tenant_id: string; readonly period_start: string },
  reader: InvoiceReader = 'operator',
): Promise<readonly Revision[]> {
  const request =
    reader === 'operator'
      ? sql.fragment`actor, reason`
      : sql.fragment`NULL AS actor, NULL AS reason`;
  return db.any(sql.type(revision)`
    SELECT invoice_id, number, revision, status, currency, total_cents, issued_at, ${request}
    FROM invoices
    WHERE tenant_id = ${invoice.tenant_id} AND period_start = ${invoice.period_start}
      AND kind = 'invoice'
    ORDER BY revision DESC
  `);
}
