import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { connectWithin } from '../src/lib/connect-within.ts';
import { databaseAddress, databaseServer } from '../src/db/server.ts';
import { printErrorLine } from '../src/lib/terminal.ts';
import { readTemporalTarget, type TemporalTarget } from '../src/temporal/connection.ts';
import { ensureRolesAndDatabase, startPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';
import { localEnvFile } from '../src/cli/local-env.ts';
import { clusterDataDir, removeCluster } from './postgres-cluster.ts';
import { stopPredecessor } from './predecessor.ts';

/** The servers that everything else works with. */
export interface LocalServers {
  /** For the CLI, and for looking at things. */
  readonly databaseUrl: string;
  readonly apiUrl: string;
  readonly workerUrl: string;
  readonly migratorUrl: string;
  readonly temporal: TemporalTarget;
  /** Of the embedded Temporal server. */
  readonly uiUrl: string | null;
  stop(): Promise<void>;
}

/** Without empty variables: see `present`. */
type Environment = Readonly<Partial<Record<string, string>>>;

const DATABASE = 'arcadia';

/** Where the embedded Temporal server keeps its workflows. */
function temporalDbFile(stateDir: string): string {
  return join(stateDir, 'temporal.db');
}

/**
 * Starts the embedded PostgreSQL and Temporal server, each unless the environment names one
 * (DATABASE_URL, TEMPORAL_ADDRESS).
 */
export async function startServers(env: Environment, stateDir: string): Promise<LocalServers> {
  await using stack = new AsyncDisposableStack();
  // Both at once: neither needs the other. Settled, so that none is left behind by the other's end.
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
    };
  }
  const postgres = await startPostgres({ stateDir });
  stack.defer(() => postgres.stop());
  const urls = await ensureRolesAndDatabase(postgres.superuserUrl, { database: DATABASE });
  return { ...urls, databaseUrl: urls.appUrl };
}

/** Fails early, and by name, where a given database isn't there. */
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

/** Where they are, in a line. */
export function describeServers({ databaseUrl, temporal }: LocalServers): string {
  return `PostgreSQL ${databaseAddress(databaseUrl)} · Temporal ${temporal.address}`;
}

/**
 * Deletes what the local servers have kept; what the set-up has put beside it stays.
 * @throws where another run still uses it
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
  // SQLite keeps two more files beside its own.
  for (const file of [dbFile, `${dbFile}-wal`, `${dbFile}-shm`, localEnvFile(stateDir)]) {
    rmSync(file, { force: true });
  }
}
