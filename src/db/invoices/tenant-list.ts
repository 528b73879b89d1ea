import { z } from 'zod';
import { matchesTenant } from '../catalogue/tenant-views.ts';
import { isInForceAt } from '../catalogue/subscription-views.ts';
import { parkedMonths } from '../month-end/parked-months.ts';
import type { Queryable } from '../pool.ts';
import { standsUnvoided } from '../standing.ts';
import { allOf, sql, type Page } from '../sql.ts';
import { listTenantBalances, type TenantBalance } from './balances.ts';

/** Lists tenants for the operator pages: what each has, owes, and needs. */

/** `active`: with a subscription in force. `parked`: in any month. */
export const TENANT_STATES = ['active', 'inactive', 'parked'] as const;
export type TenantState = (typeof TENANT_STATES)[number];

const row = z.object({
  tenant_id: z.string(),
  name: z.string(),
  currency: z.string(),
  /** Subscriptions in force. */
  subscriptions: z.number(),
  /** Months in which it is parked, in order. */
  parked_months: z.array(z.string()),
  /** Its latest live invoice that isn't void. */
  last_invoice: z
    .object({
      invoice_id: z.string(),
      number: z.string(),
      month: z.string(),
      total_cents: z.number(),
    })
    .nullable(),
});

/** A tenant as a table row. */
export interface TenantRow extends z.infer<typeof row> {
  /** What it owes; null without invoices. */
  readonly balance: TenantBalance | null;
}

export interface TenantFilter {
  /** Part of the id or name, case-insensitive. */
  readonly search?: string | undefined;
  readonly state?: TenantState | undefined;
  /** Now: decides which subscriptions are in force. */
  readonly at: Date;
}

/** Returns a page of tenants, ordered by id. The cost depends on the page, and on the tenants that it skips. */
export async function listTenantRows(
  db: Queryable,
  { search, state, at }: TenantFilter,
  { after, limit }: Page<string>,
): Promise<readonly TenantRow[]> {
  const inForce = sql.fragment`
    FROM subscriptions s WHERE s.tenant_id = t.tenant_id AND ${isInForceAt('s', at)}`;
  const conditions = [
    search !== undefined && matchesTenant('t', search),
    state === 'active' && sql.fragment`EXISTS (SELECT ${inForce} OFFSET 0)`,
    state === 'inactive' && sql.fragment`NOT EXISTS (SELECT ${inForce} OFFSET 0)`,
    state === 'parked' &&
      sql.fragment`t.tenant_id IN (SELECT p.tenant_id FROM (${parkedMonths()}) p)`,
    after !== null && sql.fragment`t.tenant_id > ${after}`,
  ];
  const rows = await db.any(sql.type(row)`
    SELECT t.tenant_id, t.name, t.currency, (SELECT count(*) ${inForce}) AS subscriptions,
      ARRAY(
        SELECT to_char(p.period_start, 'YYYY-MM') FROM (${parkedMonths()}) p
        WHERE p.tenant_id = t.tenant_id ORDER BY p.period_start
      ) AS parked_months, (
        SELECT jsonb_build_object('invoice_id', i.invoice_id, 'number', i.number,
          'month', to_char(i.period_start, 'YYYY-MM'), 'total_cents', i.total_cents)
        FROM invoices i WHERE i.tenant_id = t.tenant_id AND ${standsUnvoided('i')}
        ORDER BY i.period_start DESC LIMIT 1
      ) AS last_invoice
    FROM (
      SELECT t.tenant_id, t.name, t.currency FROM tenants t
      WHERE ${allOf(conditions)} ORDER BY t.tenant_id LIMIT ${limit}
    ) t
    ORDER BY t.tenant_id
  `);
  const tenantIds = rows.map(({ tenant_id }) => tenant_id);
  // At most one balance per tenant, because its currency never changes.
  const balances = await listTenantBalances(db, tenantIds, { after: null, limit });
  const byTenant = new Map(balances.map((balance) => [balance.tenant_id, balance]));
  return rows.map((each) => ({ ...each, balance: byTenant.get(each.tenant_id) ?? null }));
}
