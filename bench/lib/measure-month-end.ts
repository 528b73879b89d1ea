import type pg from 'pg';
import type { MonthEndOptions } from '../../src/contracts/month-end-types.ts';
import type { BenchContext } from './bench.ts';
import { insertPopulation, settle, type PopulationShape } from './population.ts';
import { proveMonth } from './prove-month.ts';
import { runMonthEnd, type MonthEndRun } from './run-month-end.ts';
import type { BenchDatabase, BenchNamespace, BenchServers } from './servers.ts';
import { toMebibytes } from './units.ts';
import { startWorkerProcess, type WorkerOptions } from './worker-process.ts';

export interface MonthEndToMeasure {
  readonly shape: PopulationShape;
  readonly options?: MonthEndOptions;
  /** Further data to load into the database. */
  readonly load?: (client: pg.ClientBase) => Promise<void>;
  readonly nodeFlags?: readonly string[] | undefined;
}

/** A finished month end and the state it left; its worker has ended. */
export interface MeasuredMonthEnd extends MonthEndRun {
  readonly database: BenchDatabase;
  readonly namespace: BenchNamespace;
}

/** Up to this number of tenants the month is verified, which recomputes everything. */
const PROVED_UP_TO = 2000;

/** Closes the month of a new population with a new worker. */
export async function measureMonthEnd(
  { log, seed }: BenchContext,
  servers: BenchServers,
  { shape, options, load, nodeFlags }: MonthEndToMeasure,
): Promise<MeasuredMonthEnd> {
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    await insertPopulation(client, shape, seed);
    await load?.(client);
    await settle(client);
  });
  const namespace = await servers.claimNamespace();
  const run = await runWithWorker({ servers, database, namespace, nodeFlags }, options);
  log(
    `${run.tenants} tenants: ${run.tenantsPerSecond.toFixed(1)} per second, ` +
      `${Math.round(toMebibytes(run.peakMemoryBytes))} MiB`,
  );
  // A fast but wrong month is worthless.
  if (shape.tenants <= PROVED_UP_TO) await proveMonth(database);
  return { ...run, database, namespace };
}

async function runWithWorker(
  where: WorkerOptions,
  options: MonthEndOptions | undefined,
): Promise<MonthEndRun> {
  await using worker = await startWorkerProcess(where);
  const { database, namespace } = where;
  // Awaited here because the worker ends with this function.
  return await runMonthEnd({ client: namespace.client, database, worker, options });
}

/** Describes a run beyond its rate. */
export function describeRun({ tenants, cpuMs, serverCpu, peakMemoryBytes }: MonthEndRun): string {
  const mebibytes = Math.round(toMebibytes(peakMemoryBytes));
  const each = (ms: number) => (ms / tenants).toFixed(1);
  const ofServers = serverCpu
    ? `, ${each(serverCpu.postgresMs)} of PostgreSQL's, ${each(serverCpu.temporalMs)} of Temporal's` +
      (serverCpu.temporalPostgresMs === 0
        ? ''
        : `, ${each(serverCpu.temporalPostgresMs)} of Temporal's PostgreSQL's`)
    : '';
  return (
    `${tenants} tenants, each ${each(cpuMs)} ms of the worker's CPU${ofServers}; ` +
    `the worker had ${mebibytes} MiB at most`
  );
}
