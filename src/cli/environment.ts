import { readConfig, type Config } from '../config.ts';
import { connectWithin } from '../lib/connect-within.ts';
import { type Database, type DatabaseOptions, databaseServer } from '../db/pool.ts';
import { localEnvFile, readLocalEnv, stateFolder } from './local-env.ts';
import { present } from '../lib/present.ts';
import { note } from './output.ts';
import { readTemporalTarget, temporalServer, type TemporalClient } from '../temporal/connection.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter than at `npm start`, because a person is waiting. */
const MAX_PATIENCE_SECONDS = 10;
const CONNECTIONS = 2;

/**
 * The environment of a command. If it has no DATABASE_URL, variables of the local servers started by `npm run local`
 * or `npm run demo` are added, if there are any.
 */
export function readEnvironment(env: Environment): Environment {
  if (env.DATABASE_URL) return env;
  const stateDir = stateFolder(env);
  const local = readLocalEnv(stateDir);
  if (local === null) return env;
  note(`Using the local servers in ${localEnvFile(stateDir)}`);
  return { ...local, ...present(env) };
}

/**
 * Runs `work` with a database connection and closes it afterwards.
 * @param options statement timeout; default one minute
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
    { timeoutSeconds: patienceSeconds(env), onFailure: note },
  );
  try {
    return await work(db, config);
  } finally {
    await db.end();
  }
}

/** Runs `work` with a Temporal connection and closes it afterwards. */
export async function withTemporal<T>(
  env: Environment,
  work: (temporal: TemporalClient) => Promise<T>,
): Promise<T> {
  const temporal = await connectWithin(temporalServer(readTemporalTarget(env)), {
    timeoutSeconds: patienceSeconds(env),
    onFailure: note,
  });
  try {
    return await work(temporal);
  } finally {
    await temporal.connection.close();
  }
}

function patienceSeconds({ START_TIMEOUT_SECONDS: given }: Environment): number {
  return Math.min(MAX_PATIENCE_SECONDS, Number(given) || MAX_PATIENCE_SECONDS);
}
