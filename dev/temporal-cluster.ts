import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import pRetry from 'p-retry';
import { findTemporalServer, serverParts } from '../scripts/lib/temporal-server.mjs';
import { SEARCH_ATTRIBUTES } from '../src/contracts/ids.ts';
import { makePrivateFolder, writePrivateFile } from '../src/lib/private-files.ts';
import { addKeywords, untilUsable } from '../src/temporal/search-attributes.ts';
import { freePortsBelow } from './free-port.ts';
import { retryOnBusyPort, startGuarded, waitUntilReady } from './guarded-process.ts';
import { removeCluster, startPostgres } from './postgres.ts';
import { NAMESPACE_RETENTION_DAYS, TEMPORAL_SERVER_ENV } from './temporal-cluster-settings.ts';
import { ensureTemporalDatabases, type TemporalDatabases } from './temporal-databases.ts';
import type { LocalTemporal } from './temporal.ts';

export interface TemporalClusterOptions {
  /** Folder for the server's log, its ports and, without `superuserUrl`, its PostgreSQL. */
  stateDir: string;
  /** Namespaces to create in addition to `default`. */
  namespaces?: readonly string[];
  /** Dynamic configuration of the server: JSON values by key. */
  dynamicConfig?: Readonly<Record<string, string>>;
  /** The PostgreSQL server to keep the databases in. Default: a separate one that ends with this cluster. */
  superuserUrl?: string;
  /** Whether the separate PostgreSQL flushes each commit to disk, as in production. */
  durable?: boolean;
  /** Fixed by the first start on these databases. */
  historyShards?: number;
}

/** Fewer than in production (HISTORY_SHARDS), because each one is taken over at every start. */
const FEW_SHARDS = 4;
const HOST = '127.0.0.1';
const ATTRIBUTES = Object.keys(SEARCH_ATTRIBUTES);
const NAME = 'The Temporal server';

/** The server's ports, by the variable with which the configuration template reads each. */
const PORTS = [
  'FRONTEND_GRPC_PORT',
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const;
type Ports = Record<(typeof PORTS)[number], number>;
/** The server stores ports in PostgreSQL as smallint, so it can't start with a higher one. */
const PORT_LIMIT = 2 ** 15;

/**
 * Each service reads changes of namespaces, and so their search attributes, at this interval
 * (`system.namespaceCacheRefreshInterval`).
 */
const NAMESPACE_REFRESH_MS = 2_000;
const SERVED_TIMEOUT_MS = 30_000;
/** gRPC's codes. */
const ALREADY_EXISTS = new Set<number>([6]);
const NOT_FOUND = new Set<number>([5]);

/** Whether the tests run on the real server instead of the dev server. */
export function wantsCluster(env: Readonly<Partial<Record<string, string>>>): boolean {
  const wanted = env.TEST_TEMPORAL;
  if (wanted === undefined || wanted === '' || wanted === 'dev') return false;
  if (wanted === 'cluster') return true;
  throw new Error(`TEST_TEMPORAL is "${wanted}". Set it to "dev" or "cluster".`);
}

/**
 * Starts production's Temporal server on PostgreSQL and free local ports; both end when this process does. A later start
 * with the same folder and databases continues on the same ports.
 */
export async function startTemporalCluster(
  options: TemporalClusterOptions,
): Promise<LocalTemporal> {
  const folder = findTemporalServer();
  if (folder === undefined) {
    throw new Error(
      'The Temporal server is missing. Run `TEST_TEMPORAL=cluster npm run setup`, which builds it with Go.',
    );
  }
  const stateDir = resolve(options.stateDir);
  makePrivateFolder(stateDir);
  await using stack = new AsyncDisposableStack();
  const superuserUrl = options.superuserUrl ?? (await startOwnPostgres(stack, stateDir, options));
  const databases = await ensureTemporalDatabases(superuserUrl, folder);
  const address = await retryOnBusyPort(() =>
    startServer(stack, { ...options, stateDir, folder, databases }),
  );
  await provideNamespaces(address, ['default', ...(options.namespaces ?? [])]);
  const started = stack.move();
  return { address, uiUrl: undefined, stop: () => started.disposeAsync() };
}

async function startOwnPostgres(
  stack: AsyncDisposableStack,
  parent: string,
  { durable = false }: TemporalClusterOptions,
): Promise<string> {
  const stateDir = join(parent, 'temporal-postgres');
  const postgres = await startPostgres({ stateDir, durable });
  stack.defer(async () => {
    await postgres.stop();
    removeCluster(stateDir);
  });
  return postgres.superuserUrl;
}

interface ServerOptions extends TemporalClusterOptions {
  folder: string;
  databases: TemporalDatabases;
}

/** @returns the server's address */
async function startServer(stack: AsyncDisposableStack, options: ServerOptions): Promise<string> {
  const { stateDir, folder } = options;
  const portsFile = join(stateDir, 'temporal-ports.json');
  const ports = await choosePorts(portsFile);
  const logFile = join(stateDir, 'temporal.log');
  const server = startGuarded(
    {
      command: serverParts(folder).server,
      args: ['--root', folder, '--config', 'config', '--env', 'docker', '--allow-no-auth', 'start'],
      cwd: stateDir,
      user: undefined,
      stopSignal: 'SIGTERM',
      killAfterMs: 10_000,
      pidFile: join(stateDir, 'temporal.pid'),
    },
    logFile,
    serverEnv(options, ports, await writeDynamicConfig(options)),
  );
  const address = `${HOST}:${ports.FRONTEND_GRPC_PORT}`;
  await waitUntilReady(server, {
    name: NAME,
    probe: () => withConnection(address, () => Promise.resolve()),
    logFile,
    timeoutMs: 60_000,
  });
  stack.defer(() => server.stop());
  await writePrivateFile(portsFile, JSON.stringify(ports));
  return address;
}

/** The ports of an earlier start, or free ones. */
async function choosePorts(file: string): Promise<Ports> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Ports;
  const free = await freePortsBelow(PORT_LIMIT, PORTS.length);
  return Object.fromEntries(PORTS.map((name, index) => [name, free[index]])) as Ports;
}

/** @returns the file's path */
async function writeDynamicConfig({ stateDir, dynamicConfig = {} }: ServerOptions) {
  const file = join(stateDir, 'temporal-dynamic-config.yaml');
  const lines = Object.entries(dynamicConfig).map(
    ([key, value]) => `${JSON.stringify(key)}: [{ value: ${value} }]\n`,
  );
  await writePrivateFile(file, lines.join(''));
  return file;
}

function serverEnv(
  { databases, historyShards = FEW_SHARDS }: ServerOptions,
  ports: Ports,
  dynamicConfigFile: string,
): Record<string, string> {
  return {
    ...TEMPORAL_SERVER_ENV,
    NUM_HISTORY_SHARDS: String(historyShards),
    POSTGRES_SEEDS: HOST,
    POSTGRES_PWD: databases.password,
    DB_PORT: String(databases.port),
    // Without it the template uses 5432 for this database, whatever DB_PORT says.
    VISIBILITY_DB_PORT: String(databases.port),
    BIND_ON_IP: HOST,
    TEMPORAL_BROADCAST_ADDRESS: HOST,
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    DYNAMIC_CONFIG_FILE_PATH: dynamicConfigFile,
    LOG_LEVEL: 'error',
  };
}

async function withConnection<T>(
  address: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Creates the namespaces that don't exist, with our search attributes, and waits until all can be used. */
async function provideNamespaces(address: string, names: readonly string[]): Promise<void> {
  await withConnection(address, async (connection) => {
    let isNew = false;
    // One after another: the server rejects concurrent changes of namespaces.
    for (const name of names) {
      isNew = (await registerNamespace(connection, name)) || isNew;
      await addKeywords(connection, name, ATTRIBUTES);
    }
    for (const name of names) {
      await untilServed(connection, name);
      await untilUsable(connection, name, ATTRIBUTES);
    }
    // Only the frontend can be asked; the other services read the same changes at their own time.
    if (isNew) await sleep(NAMESPACE_REFRESH_MS);
  });
}

/** @returns whether the namespace is new */
async function registerNamespace(connection: Connection, namespace: string): Promise<boolean> {
  const seconds = NAMESPACE_RETENTION_DAYS * 24 * 60 * 60;
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      // The type wants a Long, which protobuf's encoder doesn't need.
      workflowExecutionRetentionPeriod: { seconds: seconds as never },
    });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && ALREADY_EXISTS.has(error.code)) return false;
    throw error;
  }
}

/** Waits until the namespace's history is served. */
async function untilServed({ workflowService }: Connection, namespace: string): Promise<void> {
  const execution = { workflowId: 'none' };
  const look = () =>
    expectNotFound(workflowService.describeWorkflowExecution({ namespace, execution }));
  try {
    await pRetry(look, {
      retries: Infinity,
      minTimeout: 100,
      factor: 1,
      maxRetryTime: SERVED_TIMEOUT_MS,
    });
  } catch (error) {
    throw new Error(`${NAME} doesn't serve namespace ${namespace}.`, { cause: error });
  }
}

async function expectNotFound(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isGrpcServiceError(error) || !NOT_FOUND.has(error.code)) throw error;
  }
}
