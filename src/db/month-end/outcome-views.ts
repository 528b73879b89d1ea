import { z } from 'zod';
import { OUTCOMES } from '../../contracts/month-end-types.ts';
import type { Month } from '../../domain/period.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import { dueTenants } from './due-tenants.ts';
import { latestOutcomes } from './tenant-outcomes.ts';
import { type Page, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { stands } from '../standing.ts';

const tenantOutcome = z.object({
  tenant_id: z.string(),
  name: z.string(),
  /** Null: no run has processed the tenant yet, or there was nothing to bill and usage has arrived since. */
  outcome: z.enum(OUTCOMES).nullable(),
  reason_type: z.string().nullable(),
  reason: z.string().nullable(),
  /** The number of the live invoice. */
  number: z.string().nullable(),
  revision: z.number().nullable(),
  currency: z.string(),
  subtotal_cents: z.number().nullable(),
  tax_cents: z.number().nullable(),
  total_cents: z.number().nullable(),
});
/** The latest outcome of a due tenant in a month, with the live invoice. */
export type TenantOutcome = z.infer<typeof tenantOutcome>;

/**
 * Returns a page of the month's due tenants, ordered by id.
 * @throws DomainError `invalid_month`
 */
export async function listOutcomes(
  db: Queryable,
  month: Month,
  { after, limit }: Page<string>,
): Promise<readonly TenantOutcome[]> {
  const period = (await loadCalendar(db)).periodOf(month);
  const isAfter = after === null ? sql.fragment`` : sql.fragment`WHERE t.tenant_id > ${after}`;
  return db.any(sql.type(tenantOutcome)`
    SELECT t.tenant_id, t.name, o.outcome, o.reason_type, o.reason, i.number, i.revision,
      t.currency, i.subtotal_cents, i.tax_cents, i.total_cents
    FROM (${dueTenants(period)}) due
    JOIN tenants t USING (tenant_id)
    LEFT JOIN ${latestOutcomes(period)} o ON o.tenant_id = t.tenant_id
    LEFT JOIN invoices i ON i.tenant_id = t.tenant_id
      AND i.period_start = ${period.periodStart} AND ${stands('i')}
    ${isAfter} ORDER BY t.tenant_id LIMIT ${limit}
  `);
}
