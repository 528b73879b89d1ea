import { readConfig, type Config } from '../config.ts';
import { connectWithin } from '../lib/connect-within.ts';
import type { Database, DatabaseOptions } from '../db/pool.ts';
import { databaseServer } from '../db/server.ts';
import { localEnvFile, readLocalEnv, stateFolder } from './local-env.ts';
import { present } from '../lib/present.ts';
import { note } from './output.ts';
import { readTemporalTarget, temporalServer, type TemporalClient } from '../temporal/connection.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A person waits for the answer: servers that are starting get less time than at `npm start`. */
const PATIENCE_SECONDS = 10;
const CONNECTIONS = 2;

/**
 * The environment of a command. Where it names no database, the one of the servers that
 * `npm run local` or `npm run demo` has started, if there are any.
 */
export function readEnvironment(env: Environment): Environment {
  if (env.DATABASE_URL) return env;
  const stateDir = stateFolder(env);
  const local = readLocalEnv(stateDir);
  if (local === null) return env;
  note(`Using the local servers of ${localEnvFile(stateDir)}`);
  return { ...local, ...present(env) };
}

/**
 * Runs something with the database, which is closed afterwards.
 * @param options how long a statement may take; by default a minute
 */
export async function withDatabase<T>(
  env: Environment,
  work: (db: Database, config: Config) => Promise<T>,
  options: Pick<DatabaseOptions, 'statementTimeoutMs'> = {},
): Promise<T> {
  const config = readConfig(env);
  const db = await connectWithin(
    databaseServer({
      url: config.databaseUrl,
      maxConnections: CONNECTIONS,
      applicationName: 'arcadia-cli',
      ...options,
    }),
    { timeoutSeconds: PATIENCE_SECONDS, onFailure: note },
  );
  try {
    return await work(db, config);
  } finally {
    await db.end();
  }
}

/** The same with Temporal. */
export async function withTemporal<T>(
  env: Environment,
  work: (temporal: TemporalClient) => Promise<T>,
): Promise<T> {
  const temporal = await connectWithin(temporalServer(readTemporalTarget(env)), {
    timeoutSeconds: PATIENCE_SECONDS,
    onFailure: note,
  });
  try {
    return await work(temporal);
  } finally {
    await temporal.connection.close();
  }
}
