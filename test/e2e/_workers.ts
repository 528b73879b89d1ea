import { hostname } from 'node:os';
import type { temporal } from '@temporalio/proto';
import type { Client } from '@temporalio/client';
import pg from 'pg';
import { inject } from 'vitest';
import { monthEndId, tenantInvoiceId } from '../../src/contracts/ids.ts';
import { until } from '../_util/until.ts';
import type { World } from '../_util/world.ts';
import { startProcess, type Started } from './_start.ts';

type History = temporal.api.history.v1.IHistory;

/** A worker in a process of its own. */
export interface WorkerProcess {
  /** As named by its events in the histories. */
  readonly identity: string;
  /** Its whole output. */
  output(): string;
  /** Sends SIGKILL, so that it cannot shut down. */
  kill(): Promise<void>;
  /** Sends SIGTERM. @returns its exit code */
  stop(): Promise<number | null>;
}

/** Starts `npm start -- worker` on the world's database and namespace, and waits until it polls. */
export async function startWorkerProcess(
  world: Pick<World, 'workerUrl' | 'address'> & {
    readonly client: { readonly options: { readonly namespace: string } };
  },
  env: Readonly<Record<string, string>> = {},
): Promise<WorkerProcess> {
  const started: Started = startProcess(['worker'], {
    DATABASE_URL: world.workerUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
    WORKFLOW_BUNDLE: inject('workflowBundlePath'),
    ...env,
  });
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    started.child.kill(signal);
    return started.code;
  };
  await until(
    () => Promise.resolve(started.output),
    (output) => output.includes('worker started'),
  );
  return {
    identity: `${started.child.pid}@${hostname()}`,
    output: () => started.output,
    kill: () => end('SIGKILL').then(() => undefined),
    stop: () => end('SIGTERM'),
  };
}

/** Locks tenants, so that their invoices have to wait until `release` is called. */
export async function lockTenants(
  { superuserUrl }: World,
  tenantIds: readonly string[],
): Promise<AsyncDisposable & { readonly release: () => Promise<unknown> }> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM tenants WHERE tenant_id = ANY ($1) FOR UPDATE', [tenantIds]);
  return { release: () => client.query('COMMIT'), [Symbol.asyncDispose]: () => client.end() };
}

/** The histories of a month: each run of `monthEnd`, latest first, and each tenant's last one. */
export interface MonthHistories {
  readonly monthEnd: readonly History[];
  readonly tenants: ReadonlyMap<string, History>;
}

export async function fetchHistories(
  client: Client,
  month: string,
  tenantIds: readonly string[],
): Promise<MonthHistories> {
  const monthEnd: History[] = [];
  let runId: string | null | undefined;
  do {
    const handle = client.workflow.getHandle(monthEndId(month), runId ?? undefined);
    const history = await handle.fetchHistory();
    monthEnd.push(history);
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    runId = started?.continuedExecutionRunId;
  } while (runId);
  const tenants = new Map<string, History>();
  for (const tenantId of tenantIds) {
    const handle = client.workflow.getHandle(tenantInvoiceId(month, tenantId));
    tenants.set(tenantId, await handle.fetchHistory());
  }
  return { monthEnd, tenants };
}

/** The workers that completed a workflow task of these histories. */
export function workersOf(histories: Iterable<History>): ReadonlySet<string> {
  return new Set(
    eventsOf(histories).flatMap(
      ({ workflowTaskCompletedEventAttributes: completed }) => completed?.identity ?? [],
    ),
  );
}

/** The failures of workflow tasks. */
export function failedTasksOf(histories: Iterable<History>): readonly string[] {
  return eventsOf(histories).flatMap(
    ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
  );
}

/** The ids of the patches in these histories. */
export function patchesOf(histories: Iterable<History>): ReadonlySet<string> {
  return new Set(
    eventsOf(histories).flatMap(({ markerRecordedEventAttributes: marker }) => {
      if (marker?.markerName !== 'core_patch') return [];
      const [data] = marker.details?.['patch-data']?.payloads ?? [];
      const { id } = JSON.parse(Buffer.from(data?.data ?? []).toString()) as { id: string };
      return [id];
    }),
  );
}

function eventsOf(histories: Iterable<History>) {
  return [...histories].flatMap(({ events }) => events ?? []);
}
