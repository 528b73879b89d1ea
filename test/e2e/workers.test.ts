import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestMonthEnd } from '../../src/temporal/month-end.ts';
import { invoicesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { writeBuild } from './_builds.ts';
import { fetchHistories, startWorkerProcess, workersOf, type WorkerProcess } from './_workers.ts';

/** Several workers, each a process, share the month ends of one namespace. */
const TENANTS = Array.from({ length: 250 }, (_, index) => `tenant-${100 + index}`);

let folder: string;
let workflowBundle: string;
let world: World;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-workers-'));
  workflowBundle = await writeBuild(folder, 'none');
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(world, { WORKFLOW_BUNDLE: workflowBundle });
  workers.push(worker);
  return worker;
}

/** Waits for so many more invoices. @returns whether some tenants have none yet */
async function untilMoreInvoices(count: number): Promise<boolean> {
  const ask = async () => (await invoicesOf(world.db)).length;
  const wanted = (await ask()) + count;
  return (await until(ask, (invoices) => invoices >= wanted)) < TENANTS.length;
}

test('two share a run; one is killed, another told to stop; every tenant is rolled once', async () => {
  const [killed, stopped] = await Promise.all([start(), start()]);
  // Slow enough to be met amid.
  const options = { maxChildren: 4 };
  await requestMonthEnd(world.client, { month: MONTH, requestId: '1', actor: 'test', options });
  expect(await untilMoreInvoices(30), 'amid the run').toBe(true);
  await killed.kill();
  const last = await start();
  expect(await untilMoreInvoices(20), 'amid the run').toBe(true);
  expect(await stopped.stop(), stopped.output()).toBe(0);
  expect(stopped.output()).toContain('"msg":"stopped"');

  const { totals, imbalances } = await closed(world, MONTH);
  expect({ totals, imbalances }).toEqual({
    totals: { rolled: TENANTS.length, skipped: 0, unchanged: 0, parked: 0 },
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
