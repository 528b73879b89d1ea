import { createPgDriverFactory } from '@slonik/pg-driver';
import {
  SchemaValidationError,
  createPool,
  type CommonQueryMethods,
  type DatabasePool,
  type DatabaseTransactionConnection,
  type Interceptor,
} from 'slonik';
import type { ZodType } from 'zod';
import { answeringWithin } from './answer-timeout.ts';
import { aroundQueries, type SendQuery } from './driver.ts';
import { prepareStatements } from './prepare-statements.ts';
import { withTls } from './tls-files.ts';
import { typeParsers } from './type-parsers.ts';

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
  /** Sees each statement on its way; by default nobody does. */
  readonly watchStatements?: (send: SendQuery) => SendQuery;
}

/** How much later than the server we give up ourselves: it knows more, and says so. */
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
