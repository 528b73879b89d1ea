import { findUnknown, type NamedThing } from '../db/catalogue/named-things.ts';
import type { Queryable } from '../db/pool.ts';
import { CliError } from './errors.ts';

/**
 * Refuses ids that don't exist: a mistyped one must not look like one of which there is nothing to say.
 * @param ids undefined: nothing was named
 * @throws CliError
 */
export async function requireKnown(
  db: Queryable,
  kind: NamedThing,
  ids: readonly string[] | string | undefined,
): Promise<void> {
  const unknown = await findUnknown(db, kind, [ids ?? []].flat());
  if (unknown.length > 0) throw new CliError(`There is no ${kind} ${unknown.join(', ')}`);
}
