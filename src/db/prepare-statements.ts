import { hash } from 'node:crypto';
import type { Interceptor } from 'slonik';

/** More than there are statements in the product; whatever comes on top is planned each time. */
const MAX_PREPARED = 500;

/**
 * To begin a statement with whose best plan depends on how much it is given: PostgreSQL plans it each time.
 * A kept plan takes every array for a short one, and goes through all of one for each of the other.
 */
export const PLANNED_EACH_TIME = '/* planned each time */';

/**
 * Has PostgreSQL parse and plan each statement once a connection: for small transactions that is
 * most of their cost. Values are bound, so the texts are few.
 */
export function prepareStatements(): Interceptor {
  const names = new Map<string, string>();
  return {
    name: 'prepare-statements',
    transformQuery: (_context, query) => {
      if (query.sql.includes(PLANNED_EACH_TIME)) return query;
      let name = names.get(query.sql);
      if (name === undefined) {
        if (names.size >= MAX_PREPARED) return query;
        name = hash('sha256', query.sql, 'base64url');
        names.set(query.sql, name);
      }
      return { ...query, name };
    },
  };
}
