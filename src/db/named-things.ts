import { z } from 'zod';
import type { Queryable } from './pool.ts';
import { sql, textArray } from './sql.ts';

/** Things that filters and requests reference by id, with their tables and columns. */
const NAMED = {
  tenant: ['tenants', 'tenant_id'],
  deployment: ['deployments', 'deployment_id'],
  'webhook endpoint': ['webhook_endpoints', 'endpoint_id'],
  'webhook event': ['webhook_events', 'event_id'],
} as const satisfies Record<string, readonly [table: string, column: string]>;
export type NamedThing = keyof typeof NAMED;

/**
 * Returns the ids that don't exist, in the given order, so that a mistyped id doesn't look like one without
 * data.
 */
export async function findUnknown(
  db: Queryable,
  kind: NamedThing,
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const [table, name] = NAMED[kind];
  const column = sql.identifier([name]);
  const known = await db.anyFirst(sql.type(z.object({ id: z.string() }))`
    SELECT ${column}::text AS id FROM ${sql.identifier([table])}
    WHERE ${column}::text = ANY(${textArray(ids)})
  `);
  const existing = new Set(known);
  return ids.filter((id) => !existing.has(id));
}
