import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { MonthEndOptions } from '../../src/contracts/month-end-types.ts';
import { queryProgress, requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import type { MeasuredProcess } from './measured-process.ts';
import { MONTH } from './population.ts';
import { readServerCpu, type ServerCpu } from './server-cpu.ts';
import type { BenchDatabase } from './servers.ts';

/** A month end from the request until the month is open for corrections. */
export interface MonthEndRun {
  readonly tenants: number;
  readonly seconds: number;
  readonly tenantsPerSecond: number;
  /** CPU time of the worker during the run. */
  readonly cpuMs: number;
  /** CPU time of the servers during the run; null if the system doesn't report it. */
  readonly serverCpu: ServerCpu | null;
  /** Peak memory of the worker since its start. */
  readonly peakMemoryBytes: number;
}

export interface MonthEndRunOptions {
  readonly client: Client;
  readonly database: BenchDatabase;
  readonly worker: MeasuredProcess;
  readonly options?: MonthEndOptions | undefined;
}

const REQUEST_ID = 'bench';
/** Short compared with a run, and long enough to cost almost nothing. */
const LOOK_EVERY_MS = 25;

/**
 * Closes the month and waits until it is open for corrections. Polls PostgreSQL for the end,
 * because a workflow query would be work for the measured worker.
 * @throws Error if not every tenant was invoiced: a rate of failures says nothing
 */
export function runMonthEnd({
  client,
  database,
  worker,
  options,
}: MonthEndRunOptions): Promise<MonthEndRun> {
  return database.asSuperuser(async (db) => {
    const before = await worker.usage();
    const serversBefore = readServerCpu(database.superuserUrl);
    const startedAt = performance.now();
    await requestMonthEnd(client, {
      month: MONTH,
      requestId: REQUEST_ID,
      actor: 'bench',
      ...(options && { options }),
    });
    while (!(await isServed(db))) await Promise.race([sleep(LOOK_EVERY_MS), worker.failure]);
    while ((await queryProgress(client, MONTH))?.state !== 'open') await sleep(LOOK_EVERY_MS);
    const seconds = (performance.now() - startedAt) / 1000;
    const serversAfter = readServerCpu(database.superuserUrl);
    const after = await worker.usage();
    const tenants = await countInvoiced(db);
    return {
      tenants,
      seconds,
      tenantsPerSecond: tenants / seconds,
      cpuMs: after.cpuMs - before.cpuMs,
      serverCpu: serversBefore && serversAfter && difference(serversBefore, serversAfter),
      peakMemoryBytes: after.peakMemoryBytes,
    };
  });
}

function difference(before: ServerCpu, after: ServerCpu): ServerCpu {
  return {
    postgresMs: after.postgresMs - before.postgresMs,
    temporalMs: after.temporalMs - before.temporalMs,
    temporalPostgresMs: after.temporalPostgresMs - before.temporalPostgresMs,
  };
}

async function isServed(db: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT FROM month_end_requests WHERE request_id = $1 AND state = 'finished'`,
    [REQUEST_ID],
  );
  return rowCount === 1;
}

async function countInvoiced(db: pg.ClientBase): Promise<number> {
  const { rows } = await db.query<{ tenants: number; rolled: number; others: string | null }>(
    `SELECT (SELECT count(*)::int FROM tenants) AS tenants,
       count(*) FILTER (WHERE outcome = 'rolled')::int AS rolled,
       min(coalesce(reason, outcome)) FILTER (WHERE outcome <> 'rolled') AS others
     FROM tenant_outcomes WHERE period_start = $1`,
    [`${MONTH}-01`],
  );
  const { tenants = 0, rolled = 0, others = null } = rows[0] ?? {};
  if (rolled !== tenants) {
    throw new Error(`${rolled} of ${tenants} tenants were invoiced; of the others: ${others}`);
  }
  return tenants;
}
