import { findUnknown, type NamedThing } from '../../db/named-things.ts';
import type { Queryable } from '../../db/pool.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';

/**
 * Rejects a filter by an unknown id, because a mistyped id must not look like one without data.
 * @param id undefined if there is no filter
 * @throws HttpProblem `not-found`
 */
export async function requireKnown(
  db: Queryable,
  kind: NamedThing,
  id: string | undefined,
): Promise<void> {
  const [unknown] = id === undefined ? [] : await findUnknown(db, kind, [id]);
  if (unknown !== undefined) throw new HttpProblem('not-found', `there is no ${kind} ${unknown}`);
}

/**
 * Rejects a body that names unknown tenants.
 * @param field the name of the array with their ids
 * @throws HttpProblem `invalid-request`
 */
export async function requireTenants(
  db: Queryable,
  field: string,
  tenantIds: readonly string[],
): Promise<void> {
  const unknown = await findUnknown(db, 'tenant', tenantIds);
  if (unknown.length === 0) return;
  throw invalidRequest(
    unknown.map((tenantId) => ({
      pointer: `/${field}/${tenantIds.indexOf(tenantId)}`,
      detail: `there is no tenant ${tenantId}`,
    })),
  );
}
