import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { invoicesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import {
  fetchHistories,
  lockTenants,
  startWorkerProcess,
  workersOf,
  type WorkerProcess,
} from './_workers.ts';

/** Several worker processes share the month ends of one namespace. */
const TENANTS = Array.from({ length: 100 }, (_, index) => `tenant-${100 + index}`);

let world: World;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await world[Symbol.asyncDispose]();
});

async function start(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(world, {});
  workers.push(worker);
  return worker;
}

/** Waits until at least that many invoices are issued. */
function untilInvoiced(count: number): Promise<number> {
  return until(
    async () => (await invoicesOf(world.db)).length,
    (invoices) => invoices >= count,
  );
}

test('two workers share a run, one is killed, the other stopped: every tenant gets one invoice', async () => {
  const [killed, stopped] = await Promise.all([start(), start()]);
  // The run can't end before all three workers took part.
  await using held = await lockTenants(world, TENANTS.slice(-40));
  const options = { maxChildren: 4, pageSize: 10 };
  await requestMonthEnd(world.client, { month: MONTH, requestId: '1', actor: 'test', options });
  await untilInvoiced(20);
  await killed.kill();
  const last = await start();
  await untilInvoiced(40);
  const stopping = stopped.stop();
  await held.release();
  expect(await stopping, stopped.output()).toBe(0);
  expect(stopped.output()).toContain('"msg":"stopped"');

  const { totals, imbalances } = await closed(world, MONTH);
  expect({ totals, imbalances }).toEqual({
    totals: {
      rolled: TENANTS.length,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    },
    imbalances: [],
  });
  const invoices = await invoicesOf(world.db);
  expect(invoices.map(({ tenantId, revision }) => [tenantId, revision])).toEqual(
    TENANTS.map((tenantId) => [tenantId, 1]),
  );
  const outcomes = await outcomesOf(world.db, MONTH);
  expect(outcomes.map(({ tenantId, outcome }) => [tenantId, outcome])).toEqual(
    TENANTS.map((tenantId) => [tenantId, 'rolled']),
  );
  const { tenants } = await fetchHistories(world.client, MONTH, TENANTS);
  expect(workersOf(tenants.values())).toEqual(
    new Set([killed.identity, stopped.identity, last.identity]),
  );
}, 120_000);
