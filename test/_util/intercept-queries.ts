import type { QuerySqlToken } from 'slonik';
import type { Queryable } from '../../src/db/pool.ts';

/** A database on the way to which queries are looked at or changed, in transactions too. */
export function interceptQueries<T extends Queryable>(
  db: T,
  intercept: (query: QuerySqlToken) => QuerySqlToken,
): T {
  return new Proxy(db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name === 'transaction') {
        return (work: (tx: Queryable) => Promise<unknown>) =>
          target.transaction((tx) => work(interceptQueries(tx, intercept)));
      }
      const isQuery = /^(?:any|exists|many|maybeOne|one|query)/.test(String(name));
      if (typeof member !== 'function' || !isQuery) return member;
      return (query: QuerySqlToken): unknown => member.call(target, intercept(query));
    },
  });
}
