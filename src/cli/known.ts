import type { Queryable } from '../db/pool.ts';
import { findTenants } from '../db/subscription-feed.ts';
import { CliError } from './errors.ts';

/**
 * Refuses ids of tenants that don't exist: a mistyped one must not look like a tenant of whom there is
 * nothing to say.
 * @throws CliError
 */
export async function requireTenants(db: Queryable, tenantIds: readonly string[]): Promise<void> {
  if (tenantIds.length === 0) return;
  const known = new Set((await findTenants(db, tenantIds)).map(({ tenantId }) => tenantId));
  const unknown = tenantIds.filter((tenantId) => !known.has(tenantId));
  if (unknown.length > 0) throw new CliError(`There is no tenant ${unknown.join(', ')}`);
}
