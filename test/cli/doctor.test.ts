import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKey, recordKeyUse } from '../../src/db/access/api-keys.ts';
import { recordNotice } from '../../src/db/access/api-notices.ts';
import { rotateKey } from '../../src/db/access/rotate-key.ts';
import { sql } from '../../src/db/sql.ts';
import { monthBefore } from '../_util/utc.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { NOTICES_SCHEDULE_ID, SWEEP_SCHEDULE_ID } from '../../src/contracts/ids.ts';
import {
  applyNoticesSchedule,
  applySchedule,
  applySweepSchedule,
  pauseSchedule,
  resumeSchedule,
} from '../../src/temporal/schedule.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { examine } from '../../src/cli/commands/doctor-command.ts';
import { runCli } from './_run-cli.ts';

const month = monthBefore(new Date());

/** An installation where all is well: each test breaks something and repairs it. */
let world: World;
let env: Record<string, string>;
beforeAll(async () => {
  world = await createWorld();
  env = envOf(world);
  await applySchedule(world.client, 'UTC');
  await applyNoticesSchedule(world.client, 'UTC');
  await applySweepSchedule(world.client);
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await world.startWorker();
  await requestMonthEnd(world.client, { month, requestId: 'first', actor: 'test' });
  await closed(world, month);
});
afterAll(() => world[Symbol.asyncDispose]());

function envOf({ appUrl, client }: World): Record<string, string> {
  return {
    DATABASE_URL: appUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: client.options.namespace,
  };
}

/** The command's checks, in this process: starting the command for each test would take most of the time. */
async function doctor(overrides: Readonly<Record<string, string>> = {}) {
  const { ok, checks } = await examine({ ...env, ...overrides });
  const named = (name: string) => checks.filter((check) => check.name === name);
  return {
    ok,
    state: (name: string) => named(name).map(({ state }) => state),
    detail: (name: string) => named(name).map(({ detail }) => detail),
    advice: (name: string) => named(name).map(({ advice }) => advice),
  };
}

test('a new installation: what is there, what is missing, and what to do', async () => {
  await using fresh = await createWorld();
  const { code, stdout } = await runCli(['doctor'], envOf(fresh));
  expect(code).toBe(3);
  for (const line of [
    /^ok {7}configuration {6}complete$/m,
    /^ok {7}database {11}PostgreSQL at 127\.0\.0\.1:\d+\/test_\w+ answers$/m,
    /^ok {7}database role {6}arcadia_app has the rights of arcadia_api and arcadia_worker, may manage keys, and no others$/m,
    /^ok {7}migrations {9}all \d+ applied$/m,
    /^ok {7}months {13}no tenant is due for \d{4}-\d\d$/m,
    /^ok {7}temporal {11}Temporal at 127\.0\.0\.1:\d+ answers, namespace test-\d+$/m,
    /^ok {7}search attributes {2}registered$/m,
    /^problem {2}schedule {11}there is no Schedule.*\n {28}→ npm run cli -- schedule apply$/m,
    /^problem {2}daily notices {6}there is no Schedule: .*overdue invoices\n {28}→ npm run cli -- schedule apply$/m,
    /^problem {2}usage sweep {8}there is no Schedule: .*spend thresholds.*\n {28}→ npm run cli -- schedule apply$/m,
    /^problem {2}worker {13}no worker polls arcadia-invoicing.*\n {28}→ npm start/m,
    /^Problems: 4\.$/m,
  ]) {
    expect(stdout).toMatch(line);
  }
});

test('all is well', async () => {
  const { ok, detail } = await doctor();
  const { code: exit, stdout: json } = await runCli(['doctor', '--json'], env);
  expect([exit, JSON.parse(json)]).toMatchObject([0, { ok: true, checks: expect.any(Array) }]);
  expect(detail('months')).toEqual([`${month} is closed; due tenants: 1, parked: 0`]);
  expect(detail('schedule')).toEqual([
    expect.stringMatching(/^active; fires next at \d{4}-\d\d-01T06:00:00\.000Z$/),
  ]);
  expect(detail('daily notices')).toEqual([
    expect.stringMatching(/^active; next at \d{4}-\d\d-\d\dT08:00:00\.000Z$/),
  ]);
  expect(detail('usage sweep')).toEqual([
    expect.stringMatching(/^active; next at \d{4}-\d\d-\d\dT\d\d:\d[05]:00\.000Z$/),
  ]);
  expect(detail('worker')).toEqual([expect.stringMatching(/^polling arcadia-invoicing: \d+@/)]);
  expect(ok).toBe(true);
  const { code, stdout } = await runCli(['doctor'], env);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('No problems found.');
  expect(code).toBe(0);
});

test('a paused Schedule, with the reason', async () => {
  await pauseSchedule(world.client, 'meters are being repaired');
  const { detail, advice } = await doctor();
  expect(detail('schedule')).toEqual([
    'the Schedule is paused: it will not fire (meters are being repaired)',
  ]);
  expect(advice('schedule')).toEqual([expect.stringContaining('schedule resume')]);
  await resumeSchedule(world.client, 'done');
});

test.each([
  ['daily notices', NOTICES_SCHEDULE_ID, 'overdue invoices'],
  ['usage sweep', SWEEP_SCHEDULE_ID, 'spend thresholds, and held usage waits'],
])('a paused Schedule beside the month end, with the reason: %s', async (name, id, what) => {
  const schedule = world.client.schedule.getHandle(id);
  await schedule.pause('receivers are being moved');
  const { ok, detail, advice } = await doctor();
  expect(ok).toBe(false);
  expect(detail(name)).toEqual([
    `the Schedule is paused: nobody is notified of ${what} (receivers are being moved)`,
  ]);
  expect(advice(name)).toEqual([expect.stringContaining(id)]);
  await schedule.unpause('done');
});

test('a month that stands still', async () => {
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`
      INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, requested_at)
      VALUES ('2020-01-01', 'stuck', 'test', 'run', '', now() - interval '1 hour')`),
  );
  const { ok, detail, advice } = await doctor();
  expect(ok).toBe(false);
  expect(detail('months')).toEqual([expect.stringContaining('requests for 2020-01 wait (1)')]);
  expect(advice('months')).toEqual([expect.stringContaining('month-end start 2020-01')]);
  expect(advice('runs')).toEqual([
    expect.stringContaining('month-end start 2020-01 --after-restore'),
  ]);
  const patient = await doctor({ WATCHDOG_STALLED_AFTER_MINUTES: '120' });
  expect([...patient.state('months'), ...patient.state('runs')]).toEqual(['ok', 'problem']);
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`DELETE FROM month_end_requests WHERE request_id = 'stuck'`),
  );
});

test('a tenant that is due for a closed month, and usage that nothing bills: warnings', async () => {
  await seedTenant(world.db, 'late-comer');
  await seedTenant(world.db, 'gone', [{ deploymentId: 'gone-a', endsAt: '2025-02-01T00:00:00Z' }]);
  const usage = {
    tenantId: 'gone',
    deploymentId: 'gone-a',
    kind: 'droplet_hours',
    amount: '80',
    month,
  };
  const eventId = await seedUsage(world.db, usage);

  const { ok, state, detail, advice } = await doctor();
  expect(ok).toBe(true);
  expect([...state('months'), ...state('unbilled usage')]).toEqual(['warning', 'warning']);
  expect(detail('months')).toEqual([
    `${month} is closed, and due tenants have no invoice yet: 1 of 2`,
  ]);
  expect(advice('months')).toEqual([`npm run cli -- month-end start ${month}`]);
  expect(detail('unbilled usage')).toEqual([
    `${month} has usage that won't be billed automatically: gone (gone), tenant not due`,
  ]);
  expect(advice('unbilled usage')).toEqual([`npm run cli -- month-end late-usage ${month}`]);

  await excludeEvent(world.db, { source: 'metered', eventId, actor: 'ada', reason: 'a test' });
  await world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET ends_at = starts_at + interval '1 day' WHERE tenant_id = 'late-comer'`);
  const after = await doctor();
  expect([...after.state('months'), ...after.state('unbilled usage')]).toEqual(['ok', 'ok']);
});

test('a key that ends soon, until its successor is used', async () => {
  const now = new Date();
  const { keyId } = await createKey(world.db, {
    scope: 'gateway',
    label: 'ending',
    expiresAt: new Date(now.getTime() + 13 * 86_400_000),
  });
  const { ok, state, detail, advice } = await doctor();
  expect(state('keys')).toEqual(['warning']);
  expect(detail('keys')).toEqual([
    expect.stringMatching(`^the gateway key ${keyId} \\(ending\\) expires at 20`),
  ]);
  expect(advice('keys')).toEqual([expect.stringContaining(`keys rotate ${keyId}`)]);
  // Not yet a problem.
  expect(ok).toBe(true);
  const { stdout } = await runCli(['doctor'], env);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('No problems found; warnings: 1.');

  const rotation = await rotateKey(world.db, {
    keyId,
    overlapMs: 86_400_000,
    expiresAt: null,
    now,
    canSign: false,
  });
  if (rotation.outcome !== 'rotated') throw new Error(rotation.outcome);
  const { successor } = rotation;
  expect((await doctor()).detail('keys')).toEqual([
    expect.stringContaining(`its successor ${successor.keyId} was never used`),
  ]);
  await recordKeyUse(world.db, successor.keyId, now);
  const after = await doctor();
  expect(after.state('keys')).toEqual(['ok']);
  expect(after.detail('keys')).toEqual([expect.stringMatching(/^live: \d+; none expires soon/)]);
});

test('a proxy that the API does not trust', async () => {
  expect((await doctor()).state('proxies')).toEqual(['ok']);
  await recordNotice(world.db, 'untrusted_proxy', new Date());
  const noticed = await doctor();
  expect(noticed.ok).toBe(true);
  expect(noticed.state('proxies')).toEqual(['warning']);
  expect(noticed.advice('proxies')).toEqual([expect.stringContaining('API_TRUSTED_PROXIES')]);
  await recordNotice(world.db, 'untrusted_proxy', new Date(Date.now() - 86_400_001));
  expect((await doctor()).state('proxies')).toEqual(['ok']);
});

test('a database that is not up to date', async () => {
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`UPDATE schema_migrations SET name = '999999_later' WHERE name LIKE '000006%'`),
  );
  const { ok, state, detail, advice } = await doctor();
  expect(ok).toBe(false);
  expect(detail('migrations')).toEqual(['not applied yet: 000006_drafts']);
  expect(advice('migrations')).toEqual(['npm run cli -- migrate']);
  expect([...state('months'), ...state('keys')]).toEqual(['unknown', 'unknown']);
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`INSERT INTO schema_migrations (name, run_on) VALUES ('000006_drafts', now())`),
  );
  // While a new version is deployed, the database is ahead.
  const later = await doctor();
  expect(later.detail('migrations')).toEqual([
    expect.stringContaining('from a later version: 999999_later'),
  ]);
  expect(later.ok).toBe(true);
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`DELETE FROM schema_migrations WHERE name = '999999_later'`),
  );
});

test.each([
  [
    'superuserUrl',
    /^\w+ could change issued invoices: it is a superuser; owns the tables; bypasses row/,
  ],
  ['migratorUrl', /^arcadia_migrator could change issued invoices: it owns the tables$/],
] as const)('a role that could rewrite the books: %s', async (url, message) => {
  const { ok, detail, advice } = await doctor({ DATABASE_URL: world[url] });
  expect(ok).toBe(false);
  expect(detail('database role')).toEqual([expect.stringMatching(message)]);
  expect(advice('database role')).toEqual([expect.stringContaining('arcadia_app')]);
});

test.each([
  ['apiUrl', 'arcadia_api has the rights of arcadia_api, and no others'],
  ['workerUrl', 'arcadia_worker has the rights of arcadia_worker, and no others'],
] as const)('a role for a process: %s', async (url, text) => {
  const { ok, detail } = await doctor({ DATABASE_URL: world[url] });
  expect(detail('database role')).toEqual([text]);
  expect(ok).toBe(true);
});

test('a role with more rights than it needs', async () => {
  const change = (statement: string) =>
    asSuperuser(world.superuserUrl, (client) => client.query(statement));
  await change(`GRANT DELETE, UPDATE (status, total_cents) ON invoices TO arcadia_worker;
    GRANT SELECT ON api_keys TO arcadia_worker`);
  const { ok, detail, advice } = await doctor({ DATABASE_URL: world.workerUrl });
  expect(ok).toBe(false);
  expect(detail('database role')).toEqual([
    "arcadia_worker has rights it doesn't need: SELECT on api_keys, DELETE on invoices, " +
      'UPDATE (total_cents) on invoices',
  ]);
  expect(advice('database role')).toEqual([
    expect.stringContaining('docs/operations/install-and-configure.md'),
  ]);
  await change(`REVOKE DELETE, UPDATE (total_cents) ON invoices FROM arcadia_worker;
    REVOKE SELECT ON api_keys FROM arcadia_worker`);
});

test('a database that is empty', async () => {
  const { detail, state } = await doctor({ DATABASE_URL: inject('superuserUrl') });
  expect(detail('migrations')).toEqual([expect.stringContaining('not applied yet: 000001_roles')]);
  expect(state('months')).toEqual(['unknown']);
});

test('without PostgreSQL the rest is checked all the same', async () => {
  const DATABASE_URL = 'postgres://app:secret@127.0.0.1:1/arcadia';
  const { code, stdout } = await runCli(['doctor'], { ...env, DATABASE_URL });
  expect(code).toBe(3);
  expect(stdout).toMatch(/^problem {2}database .*PostgreSQL at 127\.0\.0\.1:1\/arcadia can't be/m);
  expect(stdout).toMatch(/^unknown {2}months .*not checked: the database does not answer$/m);
  expect(stdout).toMatch(/^unknown {2}keys .*not checked: the database does not answer$/m);
  expect(stdout).toMatch(/^ok {7}worker /m);
  expect(stdout).not.toContain('secret');
});

test.each([
  ['a Temporal server', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, "127.0.0.1:1 can't be reached"],
  ['a namespace', { TEMPORAL_NAMESPACE: 'nowhere' }, 'Namespace nowhere is not found'],
])('without %s the rest is checked all the same', async (_what, overrides, message) => {
  const { state, detail, advice } = await doctor(overrides);
  expect(detail('temporal')).toEqual([expect.stringContaining(message)]);
  expect(advice('temporal')).toEqual(['check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE']);
  expect([...state('schedule'), ...state('worker')]).toEqual(['unknown', 'unknown']);
  expect(state('months')).toEqual(['ok']);
});

test('an incomplete configuration', async () => {
  const { state, detail } = await doctor({ DATABASE_URL: '', WATCHDOG_INTERVAL_SECONDS: 'often' });
  expect(detail('configuration')).toEqual([
    expect.stringMatching(/DATABASE_URL is missing WATCHDOG_INTERVAL_SECONDS: /),
  ]);
  expect([...state('database'), ...state('temporal')]).toEqual(['unknown', 'ok']);
});

test('a namespace without our search attributes', async () => {
  const { client } = world;
  const namespace = 'doctor-without-search-attributes';
  await client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await until(
    () => client.workflowService.describeNamespace({ namespace }),
    ({ namespaceInfo }) => namespaceInfo?.name === namespace,
  );
  const { detail, advice } = await doctor({ TEMPORAL_NAMESPACE: namespace });
  expect(detail('search attributes')).toEqual([
    'missing: BillingPeriod, TenantId, InvoiceOutcome, FailureType',
  ]);
  expect(advice('search attributes')).toEqual(['npm run cli -- schedule apply']);
});

test('--help has an example', async () => {
  const { code, stdout } = await runCli(['doctor', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('npm run cli -- doctor --json');
});
