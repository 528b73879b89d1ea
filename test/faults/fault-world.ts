import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { anyFreePort } from '../../dev/free-port.ts';
import { seededRandom } from '../../dev/random.ts';
import { applySchedule } from '../../src/temporal/schedule.ts';
import { startFinance } from './finance.ts';
import type { FaultTargets } from './inject.ts';
import { createOperator } from './operator.ts';
import { insertPopulation, type Tenant } from './population.ts';
import { startPostgresProxy, type PostgresProxy } from './postgres-proxy.ts';
import { startReaper, supervise, type SupervisedProcess } from './processes.ts';
import type { Part, Plan } from './schedule.ts';
import { startSenders, type Senders } from './senders.ts';
import { startFaultServers, type FaultServers } from './servers.ts';
import { asSuperuserAgain } from './superuser.ts';
import { ANY_TIME_ENV } from '../_util/any-time.ts';

export interface FaultWorldOptions {
  readonly seed: number;
  readonly plan: Plan;
  readonly tenants: readonly Tenant[];
  readonly workflowBundlePath: string;
}

const SENDERS_PER_SOURCE = 3;
/** Between two batches of a sender: about 400 events a second leave the machine to the rest. */
const PAUSE_MS = 200;
/** Between two requests of the finance team: a few a second, so that most invoices stay open for a while. */
const FINANCE_PAUSE_MS = 300;

/** Everything that a run needs; all of it ends with it. */
export interface FaultWorld extends FaultTargets, AsyncDisposable {
  readonly client: Client;
  readonly senders: Senders;
  /** The servers' and the processes' logs. */
  readonly logFolder: string;
  /** Keeps the logs, for finding out what went wrong. */
  keepLogs(): void;
}

/** Servers, tenants, processes behind their proxies, and everybody who asks them for something. */
export async function createFaultWorld(options: FaultWorldOptions): Promise<FaultWorld> {
  const { seed, plan, tenants, workflowBundlePath } = options;
  await using stack = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-faults-'));
  let keepsLogs = false;
  stack.defer(() => {
    if (!keepsLogs) rmSync(stateDir, { recursive: true, force: true });
  });
  const servers = stack.use(await startFaultServers(stateDir));
  await asSuperuserAgain(servers.postgres.superuserUrl, (client) =>
    insertPopulation(client, tenants, plan),
  );
  const keys = await createKeys(servers.postgres.appUrl);

  const proxies = {
    worker: await startProxy(stack, servers),
    api: await startProxy(stack, servers),
  };
  const reaper = startReaper();
  stack.defer(() => reaper.close());
  const apiPort = await anyFreePort();
  const startProcess = (part: Part): SupervisedProcess => {
    const { apiUrl, workerUrl } = servers.postgres;
    const databaseUrl = new URL(part === 'api' ? apiUrl : workerUrl);
    databaseUrl.port = String(proxies[part].port);
    const supervised = supervise({
      part,
      logFile: join(stateDir, `${part}.log`),
      reaper,
      env: {
        DATABASE_URL: databaseUrl.href,
        ...ANY_TIME_ENV,
        DATABASE_STATEMENT_TIMEOUT_SECONDS: '5',
        TEMPORAL_ADDRESS: servers.temporal.address,
        API_PORT: String(apiPort),
        API_MAX_CONNECTIONS: String(plan.apiConnections),
        API_REQUESTS_PER_MINUTE: '1000000',
        WORKER_MAX_CONNECTIONS: String(plan.workerConnections),
        WORKFLOW_BUNDLE: workflowBundlePath,
        // How large an invoice gets here is a matter of luck.
        INVOICE_BOUNDS_RATIO: '0',
        INVOICE_BOUNDS_FIRST_MAX: '0',
        LOG_LEVEL: 'info',
      },
    });
    stack.defer(() => supervised.stop());
    return supervised;
  };
  const processes = { worker: startProcess('worker'), api: startProcess('api') };

  const connection = await Connection.connect({ address: servers.temporal.address });
  stack.defer(() => connection.close());
  const client = new Client({ connection });
  await applySchedule(client, 'UTC');
  const over = new AbortController();
  stack.defer(() => over.abort());
  const operator = createOperator({
    client,
    tenants,
    random: seededRandom(`operator ${seed}`),
    historyEvents: plan.historyEvents,
    signal: over.signal,
  });
  await Promise.all([processes.worker.untilReady(), processes.api.untilReady()]);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const finance = startFinance({
    apiUrl,
    key: keys.operator,
    tenants,
    random: seededRandom(`finance ${seed}`),
    pauseMs: FINANCE_PAUSE_MS,
  });
  stack.defer(() => void finance.finish().catch(() => undefined));
  const senders = startSenders({
    apiUrl,
    keys,
    seed: String(seed),
    tenants,
    sendersPerSource: SENDERS_PER_SOURCE,
    pauseMs: PAUSE_MS,
  });
  stack.defer(() => void senders.finish().catch(() => undefined));

  const started = stack.move();
  return {
    servers,
    proxies,
    processes,
    operator,
    finance,
    silent: [],
    client,
    senders,
    logFolder: stateDir,
    keepLogs() {
      keepsLogs = true;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function startProxy(
  stack: AsyncDisposableStack,
  { postgres }: FaultServers,
): Promise<PostgresProxy> {
  const proxy = await startPostgresProxy(postgres.port);
  stack.defer(() => proxy.close());
  return proxy;
}

async function createKeys(url: string) {
  const db = await openDatabase({ url, maxConnections: 1, applicationName: 'faults' });
  const gateway = await createKey(db, { scope: 'gateway', label: 'gateway' });
  const metering = await createKey(db, { scope: 'metering', label: 'metering' });
  const operator = await createKey(db, { scope: 'operator', label: 'finance' });
  await db.end();
  return { llm: gateway.plainKey, metered: metering.plainKey, operator: operator.plainKey };
}
