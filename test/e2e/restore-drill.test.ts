import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { Activities } from '../../src/activities/create-activities.ts';
import { monthBefore } from '../_util/utc.ts';
import { asSuperuser, createDatabase } from '../../dev/postgres-roles.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { runCli, type CliResult } from '../cli/_run-cli.ts';
import { expectSoundBooks, invoicesOf, type Invoice } from '../_util/books.ts';
import { seedCatalogue, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { startWorkerProcess } from './_workers.ts';

/**
 * The disaster drill of docs/operations/restore.md: an older PostgreSQL comes back while Temporal continues, or Temporal
 * is lost. Only documented commands repair it.
 */

/** `doctor` wants the last month that is over to be closed. */
const MONTH = monthBefore(new Date());
const TENANTS = ['acme', 'bravo', 'coral', 'delta', 'ember', 'fjord'];
const AFTER_RESTORE = ['month-end', 'start', MONTH, '--after-restore'];

let world: World;
let folder: string;
let env: Record<string, string>;
beforeEach(async () => {
  world = await createWorld();
  folder = await mkdtemp(join(tmpdir(), 'arcadia-drill-'));
  env = {
    DATABASE_URL: world.appUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
  };
  await seedCatalogue(world.db);
  await seedSeller(world.db);
  for (const tenantId of TENANTS) {
    await seedTenant(world.db, tenantId);
    await bill(tenantId, '1250.5');
  }
  await cli(0, 'schedule', 'apply');
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await asSuperuser(inject('superuserUrl'), (client) =>
    client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(backupName())} WITH (FORCE)`),
  );
  await rm(folder, { recursive: true });
});

function bill(tenantId: string, amount: string) {
  const deploymentId = `${tenantId}-a`;
  return seedUsage(world.db, { tenantId, deploymentId, kind: 'llm_usage', amount, month: MONTH });
}

/** Runs a command and expects its exit code. @returns what it printed */
async function cli(code: number, ...args: readonly string[]): Promise<string> {
  const result: CliResult = await runCli(args, env);
  expect(result.code, `${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(code);
  return result.stdout + result.stderr;
}

function databaseName(): string {
  return new URL(world.appUrl).pathname.slice(1);
}

/** Copies a database over another, as a dump and a restore do. All connections are cut. */
async function copyDatabase(from: string, to: string): Promise<void> {
  await asSuperuser(inject('superuserUrl'), async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(to)} WITH (FORCE)`);
    const source = pg.escapeIdentifier(from);
    await client.query(`ALTER DATABASE ${source} ALLOW_CONNECTIONS false`);
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
      [from],
    );
    await createDatabase(client, to, { template: from });
    await client.query(`ALTER DATABASE ${source} ALLOW_CONNECTIONS true`);
  });
}

/** Makes a backup. @returns a function that restores it */
async function backUp(): Promise<() => Promise<void>> {
  await copyDatabase(databaseName(), backupName());
  return () => copyDatabase(backupName(), databaseName());
}

function backupName(): string {
  return `${databaseName()}_backup`;
}

/** The invoices as accounting has them: both tables of the export. @returns the file's path */
async function exportList(): Promise<string> {
  const out = join(folder, 'export');
  await cli(0, 'month-end', 'export', MONTH, '--out', out, '--formats', 'csv');
  const [live, others] = await Promise.all(
    ['summary', 'superseded-and-void'].map((name) =>
      readFile(join(out, `${name}-${MONTH}.csv`), 'utf8'),
    ),
  );
  return writeList(`${live}${others?.slice(others.indexOf('\n') + 1)}`);
}

/** The invoices as a webhook receiver has logged them. @returns the file's path */
function logOfReceiver(invoices: readonly Invoice[]): Promise<string> {
  const bodies = invoices.map(({ number, invoiceId, tenantId, month, totalCents }) => ({
    type: 'invoice.issued',
    timestamp: '2026-06-01T06:00:00Z',
    data: {
      number,
      invoice_id: invoiceId,
      tenant_id: tenantId,
      period_start: `${month}-01`,
      currency: 'AUD',
      total_cents: totalCents,
    },
  }));
  return writeList(bodies.map((body) => `${JSON.stringify(body)}\n`).join(''));
}

async function writeList(text: string): Promise<string> {
  const path = join(folder, 'issued');
  await writeFile(path, text);
  return path;
}

interface Compared {
  readonly listed: number;
  readonly differences: readonly { number: string; what: string; detail: string }[];
}

/** What `invoices check-list` finds; null: the database has all. */
async function compare(list: string, ...options: readonly string[]): Promise<Compared> {
  const { stdout, code } = await runCli(
    ['--json', 'invoices', 'check-list', list, ...options],
    env,
  );
  const compared = JSON.parse(stdout) as Compared;
  expect(code).toBe(compared.differences.length > 0 ? 3 : 0);
  return compared;
}

/** Both say that requests were lost, and which command heals it. */
async function expectLost(why: RegExp): Promise<void> {
  for (const report of [await cli(3, 'month-end', 'status', MONTH), await cli(3, 'doctor')]) {
    expect(report).toMatch(why);
    expect(report).toContain(AFTER_RESTORE.join(' '));
  }
}

/** Nothing is left to do: status and doctor are quiet, the books are sound, every tenant has one live invoice. */
async function expectHealed(): Promise<readonly Invoice[]> {
  const status = await cli(0, 'month-end', 'status', MONTH);
  expect(status).not.toMatch(/LOST|To do/);
  expect(status).toContain('The books add up.');
  expect(await cli(0, 'doctor')).toContain('No problems found.');
  await cli(0, 'month-end', 'verify', MONTH);
  const invoices = await invoicesOf(world.db);
  const live = invoices.filter(({ status }) => status !== 'superseded');
  expect(live.map(({ tenantId }) => tenantId)).toEqual(TENANTS);
  return invoices;
}

/** Lets invoices through until `count` are issued; the others wait until `release` is called. */
function issuingOnly(count: number) {
  const gate = Promise.withResolvers<undefined>();
  const { persistInvoices } = world.activities;
  let started = 0;
  const overrides: Partial<Activities> = {
    async persistInvoices(input) {
      started += 1;
      if (started > count) await gate.promise;
      return persistInvoices(input);
    },
  };
  const issued = () =>
    until(
      () => invoicesOf(world.db),
      (invoices) => invoices.length === count,
    );
  return { overrides, issued, release: () => gate.resolve(undefined) };
}

const forcing = (tenantId: string, reason: string) =>
  ['month-end', 'force', MONTH, '--tenant', tenantId, '--reason', reason] as const;
const numbersOf = (invoices: readonly Invoice[]) => invoices.map(({ number }) => number);

test('a backup from before the close: the month is closed again, under new numbers', async () => {
  await world.startWorker();
  const restore = await backUp();
  await cli(0, 'month-end', 'start', MONTH, '--watch');
  const lost = await expectHealed();
  const list = await exportList();
  expect((await compare(list)).differences).toEqual([]);

  await restore();
  await expectLost(/has served requests that the database doesn't have \(1\)/);
  expect(await compare(list)).toMatchObject({
    listed: TENANTS.length,
    differences: numbersOf(lost).map((number) => ({
      number,
      what: 'missing',
      detail: 'the number will be issued again',
    })),
  });
  await compare(list, '--skip-lost', '--reason', 'restored the dump of the 1st');

  await cli(0, ...AFTER_RESTORE, '--watch');
  const invoices = await expectHealed();
  expect(numbersOf(invoices)).toEqual(TENANTS.map((tenantId) => `${tenantId}-000002`));
  expect(invoices.map(({ totalCents }) => totalCents)).toEqual(
    lost.map(({ totalCents }) => totalCents),
  );
  expect((await compare(list)).differences).toMatchObject(
    numbersOf(lost).map((number) => ({ number, detail: 'the number will not be issued again' })),
  );
  expect(await cli(0, 'audit', 'list')).toMatch(
    /invoices\.check-list.*restored the dump of the 1st/,
  );
}, 180_000);

test('a backup from the middle of a run: the run is completed, and numbers issued again are reported', async () => {
  const gate = issuingOnly(3);
  await world.startWorker(gate.overrides);
  await cli(0, 'month-end', 'start', MONTH, '--request-id', 'close');
  const kept = await gate.issued();
  const restore = await backUp();
  gate.release();
  await closed(world, MONTH);
  const all = await expectHealed();
  const list = await logOfReceiver(all);

  await restore();
  expect(await invoicesOf(world.db)).toEqual(kept);
  await expectLost(/requests for \S+ wait \(1\), and no run is serving them/);
  // It doesn't wait for a run that never comes, and names the request.
  expect(await cli(3, 'month-end', 'status', MONTH, '--watch')).toMatch(/^LOST: .* \(close\)\./m);
  const lost = all.filter(({ number }) => !numbersOf(kept).includes(number));
  expect(await cli(3, 'invoices', 'check-list', list)).toMatch(
    /^6 invoices listed: 3 missing, 0 different\n\n[^]+\n\nTo never issue the missing numbers again, add --skip-lost --reason TEXT\.\n$/,
  );
  const { differences } = await compare(list);
  expect(differences.map(({ number, what }) => [number, what])).toEqual(
    numbersOf(lost).map((number) => [number, 'missing']),
  );

  await cli(0, ...AFTER_RESTORE, '--watch');
  const invoices = await expectHealed();
  await expectSoundBooks(world.db);
  expect(numbersOf(invoices)).toEqual(numbersOf(all));
  // Without --skip-lost the same numbers were issued for other invoices.
  expect((await compare(list)).differences).toMatchObject(
    numbersOf(lost).map((number) => ({
      number,
      what: 'different',
      detail: expect.stringContaining('invoice_id: listed'),
    })),
  );
}, 180_000);

test('a backup from before a forced rerun: the rerun is repeated, with its reason', async () => {
  await world.startWorker();
  // The rerun is in another run of the workflow's chain than the close.
  const options = { continueAsNewAfterEvents: 10 };
  await requestMonthEnd(world.client, { month: MONTH, requestId: '1', actor: 'test', options });
  await closed(world, MONTH);
  const restore = await backUp();
  await bill('coral', '4000');
  await cli(0, ...forcing('coral', 'metering was late'), '--watch');
  const [, lost] = await invoicesOf(world.db, 'coral');
  const list = await exportList();

  await restore();
  await expectLost(/has served requests that the database doesn't have \(1\)/);
  expect(await compare(list, '--skip-lost', '--reason', 'restored')).toMatchObject({
    differences: [{ number: 'coral-000002', what: 'missing' }],
  });
  // The meter sends again what it has sent since the backup.
  await bill('coral', '4000');

  await cli(0, ...AFTER_RESTORE, '--watch');
  await expectHealed();
  const [first, second] = await invoicesOf(world.db, 'coral');
  expect(first).toMatchObject({ number: 'coral-000001', status: 'superseded' });
  expect(second).toMatchObject({
    number: 'coral-000003',
    totalCents: lost?.totalCents,
    requestId: lost?.requestId,
    reason: 'metering was late',
  });

  // The same backup is restored once more, after another rerun.
  await cli(0, ...forcing('delta', 'a wrong plan'), '--watch');
  await restore();
  await expectLost(/has served requests that the database doesn't have/);
  await cli(0, ...AFTER_RESTORE, '--watch');
  const invoices = await expectHealed();
  expect(invoices.flatMap(({ reason }) => reason ?? [])).toEqual([
    'metering was late',
    'a wrong plan',
  ]);
}, 180_000);

test('a restore during a run: the run continues, and tenants that it had passed get their invoices', async () => {
  const gate = issuingOnly(4);
  const worker = await world.startWorker(gate.overrides);
  const restore = await backUp();
  await cli(0, 'month-end', 'start', MONTH);
  await gate.issued();

  await restore();
  gate.release();
  await closed(world, MONTH);
  expect((await invoicesOf(world.db)).length).toBeLessThan(TENANTS.length);
  await expectLost(/has served requests that the database doesn't have \(1\)/);

  await cli(0, ...AFTER_RESTORE, '--watch');
  await expectHealed();
  await expectSoundBooks(world.db);
  await worker.stop();
}, 180_000);

test('a restore during a run that is repeated before it ends', async () => {
  const gate = issuingOnly(4);
  await world.startWorker(gate.overrides);
  const restore = await backUp();
  await cli(0, 'month-end', 'start', MONTH);
  await gate.issued();

  await restore();
  await cli(0, ...AFTER_RESTORE);
  gate.release();
  await cli(0, 'month-end', 'status', MONTH, '--watch');
  await expectHealed();
  await expectSoundBooks(world.db);
}, 180_000);

test('Temporal lost in the middle of a run: an empty namespace completes it', async () => {
  const gate = issuingOnly(3);
  const worker = await world.startWorker(gate.overrides);
  await cli(0, 'month-end', 'start', MONTH);
  const kept = await gate.issued();
  const stopping = worker.stop();
  gate.release();
  await stopping;

  const { namespace } = await claimNamespace();
  env.TEMPORAL_NAMESPACE = namespace;
  const { workerUrl, address } = world;
  const other = await startWorkerProcess({
    workerUrl,
    address,
    client: { options: { namespace } },
  });
  try {
    await expectLost(/requests for \S+ wait \(1\), and no run is serving them/);
    expect(await cli(3, 'doctor')).toContain('npm run cli -- schedule apply');
    await cli(0, 'schedule', 'apply');
    expect(await cli(0, ...AFTER_RESTORE, '--watch')).toContain(
      `Temporal has no earlier requests for ${MONTH}`,
    );
    const invoices = await expectHealed();
    expect(numbersOf(invoices)).toEqual(expect.arrayContaining(numbersOf(kept)));
    await expectSoundBooks(world.db);
  } finally {
    await other.stop();
  }
}, 180_000);
