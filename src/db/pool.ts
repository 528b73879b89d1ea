import { createPgDriverFactory } from '@slonik/pg-driver';
import {
  SchemaValidationError,
  createPool,
  type CommonQueryMethods,
  type DatabasePool,
  type DatabaseTransactionConnection,
  type Interceptor,
  type DriverTypeParser,
} from 'slonik';
import type { ZodType } from 'zod';
import { answeringWithin, aroundQueries, type SendQuery } from './driver.ts';
import { explainDatabaseTls, withTls } from './tls.ts';
import { hash } from 'node:crypto';
import type { Dependency } from '../lib/connect-within.ts';
import { isDatabaseUnavailable } from './unavailable.ts';

/** A pool, a connection or a transaction: the first parameter of every query function. */
export type Queryable = CommonQueryMethods;
/** For functions that only make sense inside a transaction. */
export type Transaction = DatabaseTransactionConnection;
export type Database = DatabasePool;

export interface DatabaseOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** The server's statement timeout; one minute by default. */
  readonly statementTimeoutMs?: number;
  /** How much longer than the statement timeout we wait for an answer; 2.5 seconds by default. */
  readonly answerGraceMs?: number;
  /** Wraps each statement that is sent, for tracing. */
  readonly watchStatements?: (send: SendQuery) => SendQuery;
}

/** We wait longer than the server's own timeout, so that its more informative error comes first. */
const ANSWER_GRACE_MS = 2_500;

/**
 * Opens the connection pool. Connects once to load the database's types, so an unreachable server fails here.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { statementTimeoutMs = 60_000, answerGraceMs = ANSWER_GRACE_MS, watchStatements } = options;
  const { url, ssl } = withTls(options.url);
  const driver = aroundQueries(
    createPgDriverFactory(),
    answeringWithin(statementTimeoutMs + answerGraceMs),
  );
  const pool = await createPool(withSession(url, options.applicationName), {
    ...(ssl && { ssl }),
    driverFactory: watchStatements ? aroundQueries(driver, watchStatements) : driver,
    typeParsers,
    interceptors: [prepareStatements(), validateRows],
    maxPoolSize: options.maxConnections,
    statementTimeout: statementTimeoutMs,
    idleTimeout: 30_000,
    // The default, DISCARD ALL, costs a round trip per release. We never change session state outside a
    // transaction.
    resetConnection: () => Promise.resolve(),
  });
  // An idle connection that the server closes must not crash the process; the next query opens a new one.
  pool.on('error', () => undefined);
  return pool;
}

const SESSION = [
  // Set explicitly, because server defaults vary.
  '-c TimeZone=UTC',
  '-c DateStyle=ISO',
  // Every statement finds its rows by an index. Plans are cached, including those of foreign key checks, and a
  // plan made while a table was small would still scan the whole table once it is large.
  '-c enable_seqscan=off',
];

function withSession(url: string, applicationName: string): string {
  const dsn = new URL(url);
  const options = dsn.searchParams.get('options') ?? '';
  dsn.searchParams.set('application_name', applicationName);
  dsn.searchParams.set('options', [options, ...SESSION].join(' ').trim());
  return dsn.toString();
}

/** Validates each row against the zod schema of its query (Slonik's documented recipe). */
const validateRows: Interceptor = {
  name: 'validate-rows',
  transformRow: ({ resultParser }, query, row) => {
    if (!resultParser) return row;
    const result = (resultParser as ZodType<typeof row>).safeParse(row);
    if (!result.success) throw new SchemaValidationError(query, row, result.error.issues);
    return result.data;
  },
};

/** More than the product has distinct statements; any statements beyond that are planned each time. */
const MAX_PREPARED = 500;

/**
 * Marks a statement whose best plan depends on the size of its input: PostgreSQL plans it each time. A cached
 * plan assumes that every array is short, and scans one array in full for each element of another.
 */
export const PLANNED_EACH_TIME = '/* planned each time */';

/**
 * Makes PostgreSQL parse and plan each statement once per connection, which is most of the cost of a small
 * transaction. Values are bound, so there are few distinct texts.
 */
function prepareStatements(): Interceptor {
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

/**
 * Converts PostgreSQL's values. Slonik's defaults turn `numeric`, and so money, into a float. Here, quantities
 * stay decimal strings, cents become numbers only if they are exact, and dates and instants stay text.
 */
const typeParsers: DriverTypeParser[] = [
  { name: 'int8', parse: parseSafeInteger },
  { name: 'numeric', parse: (value) => value },
  { name: 'date', parse: (value) => value },
  { name: 'timestamptz', parse: toUtcInstant },
];

/**
 * Parses an integer.
 * @throws RangeError if a JavaScript number can't hold it exactly
 */
function parseSafeInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new RangeError(`${value} from the database is beyond 2^53 - 1`);
  }
  return number;
}

/** `2026-05-01 00:00:00.123456+00` → `2026-05-01T00:00:00.123456Z`; sessions are in UTC. */
function toUtcInstant(value: string): string {
  if (!value.endsWith('+00')) {
    throw new RangeError(`expected an instant in UTC from the database, got ${value}`);
  }
  return `${value.slice(0, -3).replace(' ', 'T')}Z`;
}

/**
 * Returns the database as a dependency that may still be starting. TLS errors are explained.
 * @param variable the one with the URL, for messages
 */
export function databaseServer(
  options: DatabaseOptions,
  variable = 'DATABASE_URL',
): Dependency<Database> {
  const server = { name: 'PostgreSQL', address: databaseAddress(options.url) };
  return {
    ...server,
    isWorthWaiting: isDatabaseUnavailable,
    async connect() {
      try {
        return await openDatabase(options);
      } catch (error) {
        throw explainDatabaseTls(server, variable, error) ?? error;
      }
    },
  };
}

/** Returns the host, port and database of a URL, which are safe to display. */
export function databaseAddress(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
