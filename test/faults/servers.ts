import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { freePorts } from '../../dev/free-port.ts';
import { clusterDataDir } from '../../dev/postgres-cluster.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import {
  ensureRolesAndDatabase,
  removeCluster,
  startPostgres,
  type LocalPostgres,
} from '../../dev/postgres.ts';
import type { LocalTemporal } from '../../dev/temporal.ts';
import { startTestTemporal } from '../_util/start-temporal.ts';

const DATABASE = 'arcadia';

/** A real server that is stopped and started again, with its state kept and on the same port. */
export interface RestartableServer<How extends string> {
  restart(how: How): Promise<void>;
}

export interface FaultServers extends AsyncDisposable {
  readonly postgres: RestartableServer<'fast' | 'immediate'> & {
    readonly port: number;
    readonly appUrl: string;
    readonly apiUrl: string;
    readonly workerUrl: string;
    /** Enters the engine's database with all rights. */
    readonly superuserUrl: string;
  };
  readonly temporal: RestartableServer<'stop' | 'kill'> & { readonly address: string };
}

/**
 * Temporal gives up on a worker that is gone after 10 seconds by default: with a kill every few
 * seconds a run would mostly wait. Shorter, it is the same, only sooner; but not so short that a
 * busy machine can't replay a month's history in that time.
 */
const IMPATIENT = {
  'history.defaultWorkflowTaskTimeout': '"5s"',
  'history.stickyTTL': '"1s"',
};

/** Starts PostgreSQL, migrated, and Temporal, with everything that they keep in one folder. */
export async function startFaultServers(stateDir: string): Promise<FaultServers> {
  await using stack = new AsyncDisposableStack();
  await claimPorts(stateDir);
  const postgres = await startRestartablePostgres(stack, stateDir);
  const temporal = await startRestartableTemporal(stack, stateDir, postgres.superuserUrl);
  const started = stack.move();
  return {
    postgres,
    temporal,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Ports that no other process is likely to take while a server of ours is down. */
async function claimPorts(stateDir: string): Promise<void> {
  const names = ['postgres', 'temporal', 'temporalUi', 'temporalHttp', 'temporalMetrics'];
  const ports = await freePorts(names.map(() => 0));
  const claimed = Object.fromEntries(names.map((name, index) => [name, ports[index]]));
  writeFileSync(join(stateDir, 'ports.json'), JSON.stringify(claimed));
}

async function startRestartablePostgres(stack: AsyncDisposableStack, stateDir: string) {
  let running: LocalPostgres = await startPostgres({ stateDir });
  stack.defer(async () => {
    await running.stop();
    removeCluster(stateDir);
  });
  const { port } = running;
  const urls = await ensureRolesAndDatabase(running.superuserUrl, { database: DATABASE });
  await migrate({ databaseUrl: urls.migratorUrl });
  // A commit is written before it is acknowledged, as in production. It needn't reach the disk:
  // here servers crash, and the machine doesn't.
  await asSuperuser(running.superuserUrl, async (client) => {
    await client.query('ALTER SYSTEM SET fsync = off');
    await client.query('ALTER SYSTEM SET full_page_writes = off');
    await client.query('SELECT pg_reload_conf()');
  });
  const superuserUrl = new URL(running.superuserUrl);
  superuserUrl.pathname = `/${DATABASE}`;
  return {
    port,
    appUrl: urls.appUrl,
    apiUrl: urls.apiUrl,
    workerUrl: urls.workerUrl,
    superuserUrl: superuserUrl.href,
    async restart(how: 'fast' | 'immediate') {
      // Its guard stops it the fast way; who was quicker has stopped it in another.
      if (how === 'immediate') {
        signal(readPid(join(clusterDataDir(stateDir), 'postmaster.pid')), 'SIGQUIT');
      }
      await running.stop();
      running = await startPostgres({ stateDir });
      assertSame('PostgreSQL', port, running.port);
    },
  };
}

/** @param superuserUrl the real server (TEST_TEMPORAL=cluster) is in the same PostgreSQL and meets its faults as well */
async function startRestartableTemporal(
  stack: AsyncDisposableStack,
  stateDir: string,
  superuserUrl: string,
) {
  const options = {
    stateDir,
    superuserUrl,
    dbFile: join(stateDir, 'temporal.db'),
    headless: true,
    dynamicConfig: IMPATIENT,
  };
  let running: LocalTemporal = await startTestTemporal(options);
  stack.defer(() => running.stop());
  const { address } = running;
  return {
    address,
    async restart(how: 'stop' | 'kill') {
      if (how === 'kill') signal(readPid(join(stateDir, 'temporal.pid')), 'SIGKILL');
      await running.stop();
      running = await startTestTemporal(options);
      assertSame('Temporal', address, running.address);
    },
  };
}

function readPid(file: string): number {
  return Number.parseInt(readFileSync(file, 'utf8'), 10);
}

function signal(pid: number, name: 'SIGQUIT' | 'SIGKILL'): void {
  process.kill(pid, name);
}

function assertSame<T>(server: string, before: T, after: T): void {
  if (before !== after) {
    throw new Error(`${server} was at ${String(before)}; another process has taken that port`);
  }
}
