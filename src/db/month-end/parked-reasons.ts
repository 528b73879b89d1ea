import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { dueTenants } from '../catalogue/due-tenants.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** More than there are types: whatever else a failure calls itself makes no endless list. */
const MAX_REASONS = 50;

const parkedReason = z.object({ reasonType: z.string(), tenants: z.number() });
/** Why due tenants of a month are parked, by the stable type, and how many. */
export type ParkedReason = z.infer<typeof parkedReason>;

/** The due tenants of a month whose latest outcome is `parked`, counted by its type. */
export function countParkedReasons(
  db: Queryable,
  period: Period,
): Promise<readonly ParkedReason[]> {
  return db.any(sql.type(parkedReason)`
    SELECT o.reason_type AS "reasonType", count(*) AS tenants
    FROM (${dueTenants(period)}) due
    JOIN tenant_outcomes o
      ON o.tenant_id = due.tenant_id AND o.period_start = ${period.periodStart}
    WHERE o.outcome = 'parked'
    GROUP BY o.reason_type ORDER BY tenants DESC, o.reason_type LIMIT ${MAX_REASONS}
  `);
}
