import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { MIGRATIONS_DIR, migrate } from '../../src/db/migrate.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { invoicesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { runCli } from '../cli/_run-cli.ts';
import { PATCH_ID, writeBuild, type Change } from './_builds.ts';
import {
  failedTasksOf,
  fetchHistories,
  lockTenants,
  patchesOf,
  startWorkerProcess,
  workersOf,
  type WorkerProcess,
} from './_workers.ts';

/**
 * A month is under way while workers of another build, with changed workflows, take over from those
 * that began it: docs/operations/install-and-configure.md#upgrade.
 */
const TENANTS = Array.from({ length: 90 }, (_, index) => `tenant-${100 + index}`);
const LAST_TENANTS = TENANTS.slice(-30);
/** The month continues as new several times, on each build. */
const OPTIONS = { maxChildren: 3, pageSize: 5, continueAsNewAfterEvents: 70 };

/** Workers and commands are processes, which start slowly on a busy machine. */
const TIMEOUT_MS = 180_000;

let folder: string;
const bundles = new Map<Change | 'none', string>([['none', inject('workflowBundlePath')]]);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-builds-'));
  for (const change of ['guarded', 'unguarded'] as const) {
    bundles.set(change, await writeBuild(join(folder, change), change));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let stack: AsyncDisposableStack;
let world: World;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  world = stack.use(await createWorld());
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
});
afterEach(() => stack.disposeAsync());

/** @param buildId null: without Worker Versioning */
async function startBuild(change: Change | 'none', buildId: string | null): Promise<WorkerProcess> {
  const worker = await startWorkerProcess(world, {
    WORKFLOW_BUNDLE: bundles.get(change) ?? '',
    ...(buildId !== null && { WORKER_BUILD_ID: buildId }),
  });
  stack.defer(() => worker.kill());
  return worker;
}

function cli(...args: readonly string[]) {
  return runCli(args, {
    DATABASE_URL: world.appUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
  });
}

/** Like an operator; a worker that just started may not have polled yet. */
function promote(buildId: string) {
  return until(
    () => cli('workers', 'promote', buildId),
    ({ code }) => code === 0,
  );
}

/** Keeps the month from its last tenants, so that it can't end too early. @returns what releases them */
async function holdBack(): Promise<() => Promise<unknown>> {
  const held = stack.use(await lockTenants(world, LAST_TENANTS));
  return held.release;
}

/** Applies a further migration to a table that every tenant's invoice needs, as a later release would. */
function migrateFurther(): Promise<readonly string[]> {
  const directory = join(folder, 'migrations');
  cpSync(MIGRATIONS_DIR, directory, { recursive: true });
  writeFileSync(
    join(directory, '000099_nickname.sql'),
    'ALTER TABLE tenants ADD COLUMN nickname text;',
  );
  return migrate({ databaseUrl: world.migratorUrl, directory });
}

const beginMonth = (options = OPTIONS) =>
  requestMonthEnd(world.client, { month: MONTH, requestId: '1', actor: 'test', options });

async function untilInvoiced(count: number): Promise<void> {
  await until(
    async () => (await invoicesOf(world.db)).length,
    (invoices) => invoices >= count,
  );
}

/** Expects that the month is still running. */
async function expectUnderWay(): Promise<number> {
  const invoices = (await invoicesOf(world.db)).length;
  expect(invoices).toBeLessThan(TENANTS.length);
  return invoices;
}

/** Expects that every tenant was rolled and has one invoice. */
async function expectAllInvoicedOnce(): Promise<void> {
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
  expect((await invoicesOf(world.db)).map(({ tenantId }) => tenantId)).toEqual(TENANTS);
  const outcomes = await outcomesOf(world.db, MONTH);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(TENANTS.map(() => 'rolled'));
}

/** Expects that both builds took part, the new one with its change, without replay errors. */
async function expectHandedOver(a: WorkerProcess, b: WorkerProcess): Promise<void> {
  const { monthEnd, tenants } = await fetchHistories(world.client, MONTH, TENANTS);
  for (const histories of [monthEnd, [...tenants.values()]]) {
    expect(workersOf(histories)).toEqual(new Set([a.identity, b.identity]));
    expect(patchesOf(histories)).toContain(PATCH_ID);
    expect(failedTasksOf(histories)).toEqual([]);
  }
}

test(
  'with Worker Versioning, a month continues on the promoted build, while the schema is migrated',
  async () => {
    const a = await startBuild('none', 'a.1');
    await until(
      () => cli('doctor'),
      ({ stdout }) => stdout.includes('workers that poll have builds that get no tasks: a.1'),
    );
    await promote('a.1');
    expect((await cli('doctor')).stdout).toContain(`polling arcadia-invoicing: ${a.identity}`);
    // It gets no tasks yet.
    const b = await startBuild('guarded', 'b.2');
    const letGo = await holdBack();
    await beginMonth();
    await untilInvoiced(10);
    // It needs a lock that the held tenants deny it, so it is applied only once they are released.
    const migrated = migrateFurther();
    await untilInvoiced(20);
    await promote('b.2');
    await expectUnderWay();
    await letGo();
    expect(await migrated).toEqual(['000099_nickname']);
    await untilInvoiced(TENANTS.length);
    expect(await a.stop(), a.output()).toBe(0);
    await expectAllInvoicedOnce();
    await expectHandedOver(a, b);
  },
  TIMEOUT_MS,
);

test(
  'without Worker Versioning, a month continues when the old build stops',
  async () => {
    const a = await startBuild('none', null);
    const letGo = await holdBack();
    await beginMonth();
    await untilInvoiced(10);
    const b = await startBuild('guarded', null);
    await expectUnderWay();
    // It finishes the page that it is waiting for, then ends.
    const stopped = a.stop();
    await letGo();
    expect(await stopped, a.output()).toBe(0);
    await expectAllInvoicedOnce();
    await expectHandedOver(a, b);
  },
  TIMEOUT_MS,
);

test(
  'an unguarded change fails the replay and the month, which the old build then closes',
  async () => {
    await startBuild('none', 'a');
    await promote('a');
    await startBuild('unguarded', 'b');
    const letGo = await holdBack();
    // In one run: after a continue-as-new the history need not have the page that the change is before.
    await beginMonth({ ...OPTIONS, continueAsNewAfterEvents: 50_000 });
    await untilInvoiced(10);
    await promote('b');
    await letGo();
    const failing = await until(
      () => fetchHistories(world.client, MONTH, []),
      ({ monthEnd }) => failedTasksOf(monthEnd).length > 0,
    );
    const [history] = failing.monthEnd;
    expect(failedTasksOf(failing.monthEnd).join()).toMatch(/TMPRL1100|[Nn]ondeterminism/);
    const replay = (change: Change) =>
      Worker.runReplayHistory(
        { workflowBundle: { codePath: bundles.get(change) ?? '' } },
        history,
        `month-end-${MONTH}`,
      );
    await expect(replay('unguarded')).rejects.toThrow(DeterminismViolationError);
    await replay('guarded');

    await expectUnderWay();
    await promote('a');
    await expectAllInvoicedOnce();
  },
  TIMEOUT_MS,
);
