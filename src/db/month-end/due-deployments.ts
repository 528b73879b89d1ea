import { z } from 'zod';
import { periodOf, type Month } from '../../domain/period.ts';
import { inForceAtEndOf } from '../catalogue/due-tenants.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

const dueDeployment = z.object({ tenantId: z.string(), deploymentId: z.string() });
export type DueDeployment = z.infer<typeof dueDeployment>;

/**
 * The deployments with a subscription in force at the end of a month, always in the same order.
 * @throws DomainError `invalid_month`
 */
export function listDueDeployments(db: Queryable, month: Month): Promise<readonly DueDeployment[]> {
  return db.any(sql.type(dueDeployment)`
    SELECT DISTINCT s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId"
    FROM subscriptions s WHERE ${inForceAtEndOf(periodOf(month), 's')}
    ORDER BY 1, 2
  `);
}
