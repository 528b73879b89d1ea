import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { connectWithin } from '../src/lib/connect-within.ts';
import { databaseAddress, databaseServer } from '../src/db/pool.ts';
import { printErrorLine } from '../src/lib/terminal.ts';
import { readTemporalTarget, type TemporalTarget } from '../src/temporal/connection.ts';
import { ensureRolesAndDatabase, startPostgres, type LocalPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';
import { localEnvFile } from '../src/cli/local-env.ts';
import { clusterDataDir, removeCluster } from './postgres-cluster.ts';
import { stopPredecessor } from './predecessor.ts';

/** PostgreSQL and Temporal, embedded or given by the environment. */
export interface LocalServers {
  /** For the CLI. */
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly workerUrl: string;
  readonly migratorUrl: string;
  /** The embedded PostgreSQL server; null if another server is used. */
  readonly postgres: LocalPostgres | null;
  readonly temporal: TemporalTarget;
  /** Web UI of the embedded Temporal server; null if another server is used. */
  readonly uiUrl: string | null;
  stop(): Promise<void>;
}

/** Without empty variables: see `present`. */
type Environment = Readonly<Partial<Record<string, string>>>;

const DATABASE = 'arcadia';

/** The database file of the embedded Temporal server. */
function temporalDbFile(stateDir: string): string {
  return join(stateDir, 'temporal.db');
}

/**
 * Starts the embedded PostgreSQL and Temporal servers, unless DATABASE_URL or TEMPORAL_ADDRESS name others.
 */
export async function startServers(env: Environment, stateDir: string): Promise<LocalServers> {
  await using stack = new AsyncDisposableStack();
  // Concurrently, because they are independent. allSettled, so that a failure of one doesn't leave the other running.
  const [database, temporal] = await Promise.allSettled([
    provideDatabase(stack, env, stateDir),
    provideTemporal(stack, env, stateDir),
  ]);
  if (database.status === 'rejected') throw database.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  const started = stack.move();
  return { ...database.value, ...temporal.value, stop: () => started.disposeAsync() };
}

async function provideDatabase(stack: AsyncDisposableStack, env: Environment, stateDir: string) {
  const given = env.DATABASE_URL;
  if (given) {
    await checkDatabase(given);
    return {
      databaseUrl: given,
      apiUrl: given,
      workerUrl: given,
      migratorUrl: env.DATABASE_MIGRATOR_URL ?? given,
      postgres: null,
    };
  }
  const postgres = await startPostgres({ stateDir });
  stack.defer(() => postgres.stop());
  const urls = await ensureRolesAndDatabase(postgres.superuserUrl, { database: DATABASE });
  return { ...urls, databaseUrl: urls.appUrl, postgres };
}

/** Fails early, with the address, if the given database can't be reached. */
async function checkDatabase(url: string): Promise<void> {
  const server = databaseServer({ url, maxConnections: 1, applicationName: 'arcadia-local' });
  const db = await connectWithin(server, { timeoutSeconds: 10, onFailure: printErrorLine });
  await db.end();
}

async function provideTemporal(stack: AsyncDisposableStack, env: Environment, stateDir: string) {
  if (env.TEMPORAL_ADDRESS) return { temporal: readTemporalTarget(env), uiUrl: null };
  const server = await startTemporal({ stateDir, dbFile: temporalDbFile(stateDir) });
  stack.defer(() => server.stop());
  const { address } = server;
  return {
    temporal: { address, namespace: 'default', connectionOptions: { address } },
    uiUrl: server.uiUrl ?? null,
  };
}

/** The servers' addresses in one line. */
export function describeServers({ databaseUrl, temporal }: LocalServers): string {
  return `PostgreSQL ${databaseAddress(databaseUrl)} · Temporal ${temporal.address}`;
}

/**
 * Deletes the state of the local servers and their remembered ports; files of the setup stay.
 * @throws Error if another run still uses the servers
 */
export async function resetState(stateDir: string): Promise<void> {
  const dataDir = clusterDataDir(stateDir);
  const dbFile = temporalDbFile(stateDir);
  await stopPredecessor({
    name: 'PostgreSQL',
    pidFile: join(dataDir, 'postmaster.pid'),
    dataPath: dataDir,
    stopSignal: 'SIGINT',
  });
  await stopPredecessor({
    name: 'The Temporal dev server',
    pidFile: join(stateDir, 'temporal.pid'),
    dataPath: dbFile,
    stopSignal: 'SIGTERM',
  });
  removeCluster(stateDir);
  // SQLite keeps two more files next to its database.
  const files = [dbFile, `${dbFile}-wal`, `${dbFile}-shm`, localEnvFile(stateDir)];
  for (const file of [...files, join(stateDir, 'ports.json')]) rmSync(file, { force: true });
}
