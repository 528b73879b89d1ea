import { join, resolve } from 'node:path';
import pg from 'pg';
import { makePrivateFolder } from '../src/lib/private-files.ts';
import { anyFreePort, rememberedPorts } from './free-port.ts';
import { retryOnBusyPort, startGuarded, waitUntilReady } from './guarded-process.ts';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { openCluster, type Cluster } from './postgres-cluster.ts';
import { stopPredecessor } from './predecessor.ts';

export { removeCluster } from './postgres-cluster.ts';
export { ensureRolesAndDatabase } from './postgres-roles.ts';

export interface PostgresOptions {
  /** Folder for the server's data, password, log and port. */
  stateDir: string;
  /** False for tests: nothing is flushed to disk, any port is used, and the data are deleted when the server stops. */
  durable?: boolean;
}

export interface LocalPostgres {
  superuserUrl: string;
  port: number;
  stop(): Promise<void>;
}

const DEFAULT_PORT = 15432;

function serverArguments(cluster: Cluster, port: number, durable: boolean): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // TCP only: the path of a socket is limited to 107 bytes
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return [
    ...['-D', cluster.dataDir, '-p', String(port)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** @throws if the server doesn't answer a query */
async function probe(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // a broken connection also rejects the query
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}

async function startServer(
  stateDir: string,
  binaries: PostgresBinaries,
  durable: boolean,
): Promise<LocalPostgres> {
  const cluster = await openCluster(stateDir, binaries, { durable });
  const stopSignal = 'SIGINT'; // PostgreSQL's fast shutdown, which doesn't wait for clients
  await stopPredecessor({
    name: 'PostgreSQL',
    pidFile: join(cluster.dataDir, 'postmaster.pid'),
    dataPath: cluster.dataDir,
    stopSignal,
  });
  const port = durable
    ? (await rememberedPorts(join(stateDir, 'ports.json'), { postgres: DEFAULT_PORT })).postgres
    : await anyFreePort();
  const logFile = join(stateDir, 'postgres.log');
  const server = startGuarded(
    {
      command: binaries.postgres,
      args: serverArguments(cluster, port, durable),
      cwd: cluster.home,
      user: cluster.user,
      stopSignal,
      killAfterMs: 15_000,
      ...(durable ? {} : { removeAfterwards: cluster.home }),
    },
    logFile,
  );
  const superuserUrl = `postgresql://postgres:${cluster.password}@127.0.0.1:${port}/postgres`;
  await waitUntilReady(server, {
    name: 'PostgreSQL',
    probe: () => probe(superuserUrl),
    logFile,
    timeoutMs: 60_000,
  });
  return { superuserUrl, port, stop: () => server.stop() };
}

/** Starts the embedded PostgreSQL on a free local port; it ends when this process does. */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const stateDir = resolve(options.stateDir);
  makePrivateFolder(stateDir);
  const binaries = postgresBinaries();
  return retryOnBusyPort(() => startServer(stateDir, binaries, options.durable ?? true));
}
