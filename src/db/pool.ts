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
import { withTls } from './tls.ts';
import { hash } from 'node:crypto';
import type { Dependency } from '../lib/connect-within.ts';
import { isDatabaseUnavailable } from './unavailable.ts';

/** A pool, a connection or a transaction: what every query function takes first. */
export type Queryable = CommonQueryMethods;
/** Inside a transaction: for functions that only make sense there. */
export type Transaction = DatabaseTransactionConnection;
export type Database = DatabasePool;

export interface DatabaseOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** How long the server may work on a statement; by default a minute. */
  readonly statementTimeoutMs?: number;
  /** How much longer than that we wait for the server's answer; by default 2.5 seconds. */
  readonly answerGraceMs?: number;
  /** Wraps each statement that is sent, for tracing. */
  readonly watchStatements?: (send: SendQuery) => SendQuery;
}

/** How much longer than the server we wait: its own timeout comes first and says more. */
const ANSWER_GRACE_MS = 2_500;

/**
 * Opens the pool. It connects once, to learn the types of the database, so an
 * unreachable server fails here.
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
    // The default, DISCARD ALL, costs a round trip for each release. We never
    // change session state outside of a transaction.
    resetConnection: () => Promise.resolve(),
  });
  // An idle connection that the server closes must not end the process; the
  // next query opens a new one.
  pool.on('error', () => undefined);
  return pool;
}

const SESSION = [
  // Whatever the server's default.
  '-c TimeZone=UTC',
  '-c DateStyle=ISO',
  // Every statement finds its rows by an index. Plans are kept, those of foreign keys too, and one
  // that was made while a table was small would read the whole of it when it is large.
  '-c enable_seqscan=off',
];

function withSession(url: string, applicationName: string): string {
  const dsn = new URL(url);
  const options = dsn.searchParams.get('options') ?? '';
  dsn.searchParams.set('application_name', applicationName);
  dsn.searchParams.set('options', [options, ...SESSION].join(' ').trim());
  return dsn.toString();
}

/** Checks each row against the zod schema of its query (Slonik's documented recipe). */
const validateRows: Interceptor = {
  name: 'validate-rows',
  transformRow: ({ resultParser }, query, row) => {
    if (!resultParser) return row;
    const result = (resultParser as ZodType<typeof row>).safeParse(row);
    if (!result.success) throw new SchemaValidationError(query, row, result.error.issues);
    return result.data;
  },
};

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
 * How PostgreSQL's values become ours. Slonik's defaults turn `numeric` into a
 * float, and money with it: here a quantity stays a decimal string, cents become
 * a number only where they are exact, and dates and instants stay text.
 */
const typeParsers: DriverTypeParser[] = [
  { name: 'int8', parse: parseSafeInteger },
  { name: 'numeric', parse: (value) => value },
  { name: 'date', parse: (value) => value },
  { name: 'timestamptz', parse: toUtcInstant },
];

/** Refuses what a JavaScript number cannot hold exactly. */
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

/** The database as a dependency that may still be starting. */
export function databaseServer(options: DatabaseOptions): Dependency<Database> {
  return {
    name: 'PostgreSQL',
    address: databaseAddress(options.url),
    connect: () => openDatabase(options),
    isWorthWaiting: isDatabaseUnavailable,
  };
}

/** Host, port and database of a URL: what may be shown of it. */
export function databaseAddress(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
