import { z } from 'zod';
import type { Period } from '../domain/period.ts';
import { dueTenants } from './due-tenants.ts';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/** How many tenants are due. */
export function countDueTenants(db: Queryable, period: Period): Promise<number> {
  return db.oneFirst(sql.type(z.object({ tenants: z.number() }))`
    SELECT count(*) AS tenants FROM (${dueTenants(period)}) due
  `);
}
