import { z } from 'zod';
import type { Transaction } from './pool.ts';
import { isOneOf, sql } from './sql.ts';

/**
 * Locks the tenants' rows until the transaction ends. Everything that decides about a tenant's invoice takes
 * this lock first, and in the order of the ids, so that two of them never wait for each other.
 */
export async function lockTenants(tx: Transaction, tenantIds: readonly string[]): Promise<void> {
  await tx.any(sql.type(z.object({ tenant_id: z.string() }))`
    SELECT tenant_id FROM tenants WHERE tenant_id ${isOneOf(tenantIds, 'text')}
    ORDER BY tenant_id FOR NO KEY UPDATE
  `);
}
