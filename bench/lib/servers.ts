import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import {
  asSuperuser,
  createDatabase,
  databaseUrls,
  type DatabaseUrls,
} from '../../dev/postgres-roles.ts';
import { ensureRolesAndDatabase, removeCluster, startPostgres } from '../../dev/postgres.ts';
import { startTemporalCluster, wantsCluster } from '../../dev/temporal-cluster.ts';
import { startTemporal } from '../../dev/temporal.ts';

export interface ServerOptions {
  /** Whether PostgreSQL flushes each commit to disk, as it does by default and in production. */
  readonly durable?: boolean;
  /** Whether to start production's Temporal server instead of the dev server; by default, what TEST_TEMPORAL says. */
  readonly cluster?: boolean;
}

/** A new migrated database. */
export interface BenchDatabase extends DatabaseUrls {
  /** Connection with all rights, for loading and inspecting data. */
  readonly superuserUrl: string;
  /** Runs statements as the superuser, in one session. */
  asSuperuser<T>(work: (client: pg.Client) => Promise<T>): Promise<T>;
}

export interface BenchServers extends AsyncDisposable {
  /** Address of the Temporal server: the dev server, which keeps everything in memory, or the real one. */
  readonly temporalAddress: string;
  /** PostgreSQL of production's Temporal server, as superuser; null for the dev server, which has none. */
  readonly temporalDatabaseUrl: string | null;
  /** A folder for logs, bundles and profiles; it is deleted with the servers. */
  readonly folder: string;
  createDatabase(): Promise<BenchDatabase>;
  /** Creates a new namespace and a client for it. */
  claimNamespace(): Promise<BenchNamespace>;
}

export interface BenchNamespace {
  readonly namespace: string;
  readonly client: Client;
}

const TEMPLATE = 'arcadia_bench_template';
/** More than all benches of a `--smoke` run use together. */
const NAMESPACE_COUNT = 40;

/** Starts PostgreSQL, with the roles and a migrated template, and Temporal. */
export async function startBenchServers({
  durable = true,
  cluster = wantsCluster(process.env),
}: ServerOptions = {}): Promise<BenchServers> {
  const folder = mkdtempSync(join(tmpdir(), 'arcadia-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const namespaces = Array.from({ length: NAMESPACE_COUNT }, (_, index) => `bench-${index + 1}`);
  const [postgres, temporal] = await Promise.allSettled([
    startDatabaseServer(stack, folder, durable),
    startTemporalServer(stack, { folder, namespaces, durable, cluster }),
  ]);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  const { address, databaseUrl, connection } = temporal.value;

  let databases = 0;
  const started = stack.move();
  return {
    temporalAddress: address,
    temporalDatabaseUrl: databaseUrl,
    folder,
    createDatabase() {
      databases += 1;
      return copyTemplate(postgres.value, `bench_${databases}`);
    },
    claimNamespace() {
      const namespace = namespaces.shift();
      if (namespace === undefined)
        throw new Error('all namespaces are used: raise NAMESPACE_COUNT');
      return Promise.resolve({ namespace, client: new Client({ connection, namespace }) });
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** @returns the superuser's URL */
async function startDatabaseServer(
  stack: AsyncDisposableStack,
  folder: string,
  durable: boolean,
): Promise<string> {
  const server = await startPostgres({ stateDir: folder, durable });
  stack.defer(async () => {
    await server.stop();
    removeCluster(folder);
  });
  const { migratorUrl } = await ensureRolesAndDatabase(server.superuserUrl, { database: TEMPLATE });
  await migrate({ databaseUrl: migratorUrl });
  return server.superuserUrl;
}

/** The real server has a PostgreSQL of its own, so that both PostgreSQL servers can be measured separately. */
async function startTemporalServer(
  stack: AsyncDisposableStack,
  {
    folder: stateDir,
    namespaces,
    durable,
    cluster,
  }: Required<ServerOptions> & { folder: string; namespaces: readonly string[] },
) {
  const databaseUrl = cluster ? await startTemporalDatabases(stack, stateDir, durable) : null;
  const server =
    databaseUrl === null
      ? await startTemporal({ stateDir, namespaces, headless: true })
      : await startTemporalCluster({ stateDir, namespaces, superuserUrl: databaseUrl });
  stack.defer(() => server.stop());
  const connection = await Connection.connect({ address: server.address });
  stack.defer(() => connection.close());
  return { address: server.address, databaseUrl, connection };
}

/** @returns the superuser's URL */
async function startTemporalDatabases(
  stack: AsyncDisposableStack,
  folder: string,
  durable: boolean,
): Promise<string> {
  const stateDir = join(folder, 'temporal-postgres');
  const server = await startPostgres({ stateDir, durable });
  stack.defer(async () => {
    await server.stop();
    removeCluster(stateDir);
  });
  return server.superuserUrl;
}

async function copyTemplate(maintenanceUrl: string, name: string): Promise<BenchDatabase> {
  await asSuperuser(maintenanceUrl, (client) =>
    createDatabase(client, name, { template: TEMPLATE }),
  );
  const url = new URL(maintenanceUrl);
  url.pathname = `/${name}`;
  const superuserUrl = url.href;
  return {
    ...databaseUrls(maintenanceUrl, name),
    superuserUrl,
    async asSuperuser(work) {
      const client = new pg.Client({ connectionString: superuserUrl });
      await client.connect();
      try {
        return await work(client);
      } finally {
        await client.end();
      }
    },
  };
}
