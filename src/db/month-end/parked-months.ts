import { z } from 'zod';
import { sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { isDue } from './due-tenants.ts';

/** Reads parked tenants of any month. Those of one month: `listParked`. */

const parkedMonth = z.object({
  month: z.string(),
  reason_type: z.string(),
  reason: z.string(),
  recorded_at: z.string(),
});
/** A month in which a tenant is parked, with the reason. */
export type ParkedMonth = z.infer<typeof parkedMonth>;

/**
 * Selects (tenant_id, period_start, reason_type, reason, recorded_at) of due tenants whose latest outcome of a month is
 * `parked`. There are few such rows, and `tenant_outcomes_parked` is an index of them.
 */
export function parkedMonths() {
  const period = {
    periodStart: sql.fragment`m.month_start`,
    startsAt: sql.fragment`m.starts_at`,
    endsAt: sql.fragment`m.ends_at`,
  };
  return sql.fragment`
    SELECT o.tenant_id, o.period_start, o.reason_type, o.reason, o.recorded_at
    FROM tenant_outcomes o JOIN billing_months m ON m.month_start = o.period_start
    WHERE o.outcome = 'parked' AND ${isDue(period, sql.fragment`o.tenant_id`)}`;
}

/** Returns the months in which a tenant is parked, newest first. */
export function listParkedMonths(db: Queryable, tenantId: string): Promise<readonly ParkedMonth[]> {
  return db.any(sql.type(parkedMonth)`
    SELECT to_char(p.period_start, 'YYYY-MM') AS month, p.reason_type, p.reason, p.recorded_at
    FROM (${parkedMonths()}) p WHERE p.tenant_id = ${tenantId} ORDER BY p.period_start DESC
  `);
}
