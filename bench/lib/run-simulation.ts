import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger } from '@temporalio/worker';
import { monthEndId, tenantInvoiceId, tenantInvoicesId } from '../../src/contracts/ids.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { bundleWorkflows } from '../../src/worker.ts';
import { describeRuns, type RunHistory } from './describe-runs.ts';
import { startMeasured, type MeasuredProcess } from './measured-process.ts';
import { MONTH } from './population.ts';
import type { BenchNamespace, BenchServers } from './servers.ts';

const WORKER = fileURLToPath(new URL('./memory-worker.ts', import.meta.url));
/** No database is used, but the configuration requires an address. */
const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/none';

/** A month end whose activities cost nothing. */
export interface Simulation {
  readonly tenants: number;
  readonly children: number;
  readonly seconds: number;
  /** CPU time of the workers during the run. */
  readonly cpuMs: number;
  /** The same for each worker. */
  readonly cpuMsOfWorkers: readonly number[];
  /** Peak memory of the largest worker since its start. */
  readonly peakMemoryBytes: number;
  /** Growth of the server's memory; null if the system doesn't report it. */
  readonly serverGrowthBytes: number | null;
  /** Runs of `monthEnd`. */
  readonly runs: readonly RunHistory[];
  /** One child's run. */
  readonly child: RunHistory;
}

export interface SimulationSize {
  readonly tenants: number;
  readonly tenantsPerChild: number;
  /** Number of worker processes. */
  readonly workers?: number;
  /** Tenants of another month that the workers close first, so that new workers aren't slower; by default none. */
  readonly warmUpTenants?: number;
}

/** The month before the measured one. */
const WARM_UP_MONTH = '2026-04';

/** Closes a month of the given number of tenants with the real workflows, in a new namespace with new workers. */
export async function runSimulation(
  servers: BenchServers,
  { tenants, tenantsPerChild, workers: workerCount = 1, warmUpTenants = 0 }: SimulationSize,
): Promise<Simulation> {
  const namespace = await servers.claimNamespace();
  const { client } = namespace;
  await using stack = new AsyncDisposableStack();
  const bundlePath = join(servers.folder, `simulation-${namespace.namespace}.js`);
  writeFileSync(bundlePath, (await bundleWorkflows(new DefaultLogger('WARN'))).code);
  const due = new Map([
    [MONTH, tenants],
    [WARM_UP_MONTH, warmUpTenants],
  ]);
  const start = (index: number) => startWorker(servers, namespace, { due, bundlePath, index });
  const workers: MeasuredProcess[] = [];
  while (workers.length < workerCount) workers.push(stack.use(await start(workers.length)));
  const close = async (month: string) => {
    const workflowId = await requestMonthEnd(client, {
      month,
      requestId: 'bench',
      actor: 'bench',
      // The workflow ends when the month is closed, which shows the end of the run.
      options: { tenantsPerChild, openForDays: 0 },
    });
    await client.workflow.getHandle(workflowId).result();
  };
  if (warmUpTenants > 0) await close(WARM_UP_MONTH);
  const usages = () => Promise.all(workers.map((worker) => worker.usage()));
  const serverBefore = serverMemory(servers);
  const before = await usages();
  const startedAt = performance.now();
  await close(MONTH);
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await usages();
  const cpuMsOfWorkers = after.map(({ cpuMs }, index) => cpuMs - (before[index]?.cpuMs ?? 0));
  const serverAfter = serverMemory(servers);
  const [child] = await describeRuns(client, firstChildId(tenantsPerChild));
  if (!child) throw new Error('no child was started');
  return {
    tenants,
    children: Math.ceil(tenants / tenantsPerChild),
    seconds,
    cpuMs: cpuMsOfWorkers.reduce((sum, cpuMs) => sum + cpuMs, 0),
    cpuMsOfWorkers,
    peakMemoryBytes: Math.max(...after.map(({ peakMemoryBytes }) => peakMemoryBytes)),
    serverGrowthBytes:
      serverBefore === null || serverAfter === null ? null : serverAfter - serverBefore,
    runs: await describeRuns(client, monthEndId(MONTH)),
    child,
  };
}

function firstChildId(tenantsPerChild: number): string {
  const first = 'tenant-000000001';
  return tenantsPerChild === 1 ? tenantInvoiceId(MONTH, first) : tenantInvoicesId(MONTH, first);
}

async function startWorker(
  { folder, temporalAddress }: BenchServers,
  { namespace }: BenchNamespace,
  {
    due,
    bundlePath,
    index,
  }: { due: ReadonlyMap<string, number>; bundlePath: string; index: number },
): Promise<MeasuredProcess> {
  return startMeasured({
    script: WORKER,
    args: [
      join(folder, `simulation-${namespace}.request`),
      ...[...due].map(([month, tenants]) => `${month}=${tenants}`),
    ],
    readyText: 'worker started',
    logFile: join(folder, `simulation-${namespace}-${index}.log`),
    env: {
      DATABASE_URL: NO_DATABASE,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
      WORKFLOW_BUNDLE: bundlePath,
    },
  });
}

/** Returns the Temporal server's resident memory; only on Linux. */
function serverMemory({ folder }: BenchServers): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, 'temporal.pid'), 'utf8'), 10);
    const [, kibibytes] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}
