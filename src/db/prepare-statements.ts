import { hash } from 'node:crypto';
import type { Interceptor } from 'slonik';

/** More than there are statements in the product; whatever comes on top is planned each time. */
const MAX_PREPARED = 500;

/**
 * Has PostgreSQL parse and plan each statement once a connection: for small transactions that is
 * most of their cost. Values are bound, so the texts are few.
 */
export function prepareStatements(): Interceptor {
  const names = new Map<string, string>();
  return {
    name: 'prepare-statements',
    transformQuery: (_context, query) => {
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
