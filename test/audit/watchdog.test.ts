import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyMonth } from '../../src/audit/verify.ts';
import type { FindingCode } from '../../src/audit/watchdog-finding.ts';
import { lookAround, type WatchdogSources } from '../../src/audit/watchdog-report.ts';
import { SCHEDULE_ID } from '../../src/contracts/ids.ts';
import { createKey, revokeKey } from '../../src/db/access/api-keys.ts';
import { readMonthEndStatus } from '../../src/db/month-end/month-end-status.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { monthBefore, periodOf, previousMonth } from '../../src/domain/period.ts';
import { requestMonthEnd } from '../../src/temporal/month-end.ts';
import { listWorkers } from '../../src/temporal/pollers.ts';
import { readSchedule } from '../../src/temporal/schedule-facts.ts';
import { applySchedule, pauseSchedule, resumeSchedule } from '../../src/temporal/schedule.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

/** The Schedule knows the real time alone, so this is the month that is to be closed. */
const month = monthBefore(new Date());
const monthAgo = previousMonth(month);

const WORKER = { identity: '1@test', buildId: null, isCurrent: true };

function lookAt({ db, client }: World, sources: Partial<WatchdogSources> = {}) {
  return lookAround({
    db,
    readSchedule: () => readSchedule(client),
    // Some tests need none.
    listWorkers: () => Promise.resolve([WORKER]),
    // Late at once, whatever the day of the month.
    limits: { closeWithinHours: 0, stalledAfterMinutes: 15 },
    now: () => new Date(),
    ...sources,
  });
}

async function findingsOf(world: World, sources: Partial<WatchdogSources> = {}): Promise<string[]> {
  const { findings } = await lookAt(world, sources);
  return findings.map(({ code, month: of }) => (of === null ? code : `${code} ${of}`));
}

/** A change of the Schedule reaches what describes it a little later. */
function untilFound(world: World, expected: readonly string[]): Promise<string[]> {
  return until(
    () => findingsOf(world),
    (found) => JSON.stringify(found) === JSON.stringify(expected),
  );
}

async function close(world: World, which: string): Promise<void> {
  const requestId = crypto.randomUUID();
  await requestMonthEnd(world.client, { month: which, requestId, actor: 'test' });
  await closed(world, which);
}

test('nobody polls the task queue, until a worker does', async () => {
  await using world = await createWorld();
  await applySchedule(world.client);
  const sources = { listWorkers: () => listWorkers(world.client) };
  expect(await findingsOf(world, sources)).toEqual(['no_worker']);
  await world.startWorker();
  await until(
    () => findingsOf(world, sources),
    (found) => found.length === 0,
  );
  const { temporal } = await lookAt(world, sources);
  expect(temporal?.workers).toMatchObject([{ isCurrent: true }]);
});

test('when the first key ends that nobody has replaced', async () => {
  await using world = await createWorld();
  const keyExpiry = async () => (await lookAt(world)).books?.keyExpiresAt;
  const expiresAt = new Date(Date.now() + 86_400_000);
  const key = { scope: 'gateway', label: 'gateway', expiresAt } as const;
  expect(await keyExpiry()).toBeNull();
  await createKey(world.db, { ...key, expiresAt: new Date(Date.now() + 2 * 86_400_000) });
  const { keyId } = await createKey(world.db, key);
  expect(await keyExpiry()).toBe(expiresAt.toISOString());
  await revokeKey(world.db, keyId);
  expect(await keyExpiry()).not.toBe(expiresAt.toISOString());
});

test('the Schedule: missing, fine, paused, pointing elsewhere, dead', async () => {
  // With nobody to bill, it is all that there is to find.
  await using world = await createWorld();
  const { client } = world;
  expect(await findingsOf(world)).toEqual(['schedule_missing']);
  await applySchedule(client);
  await untilFound(world, []);

  await pauseSchedule(client, 'meters are being repaired');
  await untilFound(world, ['schedule_paused']);
  await resumeSchedule(client, 'done');
  await untilFound(world, []);

  const handle = client.schedule.getHandle(SCHEDULE_ID);
  const changed = async (change: object, code: FindingCode) => {
    await handle.update((current) => ({ ...current, ...change }));
    await untilFound(world, [code]);
    await applySchedule(client);
    await untilFound(world, []);
  };
  const { action } = await handle.describe();
  await changed({ action: { ...action, workflowType: 'other' } }, 'schedule_points_elsewhere');
  await changed({ action: { ...action, taskQueue: 'other' } }, 'schedule_points_elsewhere');
  await changed({ spec: { intervals: [{ every: '1 day' }] } }, 'schedule_points_elsewhere');
  await changed(
    { spec: { calendars: [{ dayOfMonth: [1, 15], hour: 6 }] } },
    'schedule_points_elsewhere',
  );
  await changed(
    { spec: { cronExpressions: ['0 6 1 * *'], timezone: 'Pacific/Auckland' } },
    'schedule_points_elsewhere',
  );
  await changed({ spec: { calendars: [{ dayOfMonth: 1, year: 2020 }] } }, 'schedule_silent');

  // Its next time has come and gone, and it has not fired.
  const { info } = await handle.describe();
  const later = info.nextActionTimes[0]!.getTime() + 16 * 60_000;
  expect(await findingsOf(world, { now: () => new Date(later) })).toEqual(['schedule_silent']);
});

test('a month that was not closed, until it is', async () => {
  await using world = await createWorld();
  await applySchedule(world.client);
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zeta', [{ deploymentId: 'zeta-a', planVersionId: null }]);
  expect(await findingsOf(world)).toEqual([`month_not_closed ${month}`]);
  // Within the grace there is nothing to say: a thousand days, whatever the clock says.
  const limits = { closeWithinHours: 24_000, stalledAfterMinutes: 15 };
  expect(await findingsOf(world, { limits })).toEqual([]);

  await world.startWorker();
  await close(world, month);
  const report = await lookAt(world);
  expect(report.findings).toEqual([]);
  expect(report.books?.months).toMatchObject([
    { month, dueTenants: 2, rolled: 1, parked: 1, withoutOutcome: 0 },
  ]);
  expect(report.books?.parkedReasons).toEqual([{ reasonType: 'missing_plan_version', tenants: 1 }]);
});

describe('after the month was closed', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await applySchedule(world.client);
    await seedCatalogue(world.db);
    await seedTenant(world.db, 'acme');
    await world.startWorker();
    await close(world, month);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('a tenant becomes due: work to do, and no broken book', async () => {
    await seedTenant(world.db, 'late');
    expect(await findingsOf(world)).toEqual([`tenants_to_invoice ${month}`]);
    expect(await readMonthEndStatus(world.db, month)).toMatchObject({
      balanced: true,
      imbalances: [],
      to_do: [expect.stringContaining(`1 due tenant has no outcome yet: run ${month} again`)],
      to_invoice: [{ tenant_id: 'late', name: 'late' }],
    });
    expect(await verifyMonth(world.db, month)).toMatchObject({
      ok: true,
      to_do: [expect.stringContaining('1 due tenant')],
    });
    await close(world, month);
    expect(await readMonthEndStatus(world.db, month)).toMatchObject({ to_do: [], to_invoice: [] });
    expect(await findingsOf(world)).toEqual([]);
  });

  test('a month before it was left out', async () => {
    await close(world, previousMonth(monthAgo));
    expect(await findingsOf(world)).toEqual([`month_not_closed ${monthAgo}`]);
    await close(world, monthAgo);
    // Closed months needn't be looked at.
    expect(await lookAt(world)).toMatchObject({ findings: [], books: { months: [{ month }] } });
  });

  test('a tenant becomes due for a month before it', async () => {
    await seedTenant(world.db, 'past', [
      {
        deploymentId: 'past-a',
        startsAt: periodOf(monthAgo).startsAt,
        endsAt: periodOf(monthAgo).endsAt,
      },
    ]);
    await close(world, month);
    expect(await findingsOf(world)).toEqual([`tenants_to_invoice ${monthAgo}`]);
    await close(world, monthAgo);
    expect(await findingsOf(world)).toEqual([]);
  });

  test('another month stands still, whatever moves in this one', async () => {
    // A subscription of before: the month has nobody to bill, and can be closed.
    await seedTenant(world.db, 'former', [
      { deploymentId: 'former-a', startsAt: '2019-12-10Z', endsAt: '2019-12-20Z' },
    ]);
    await askInVain(world, '2020-01-01');
    expect(await findingsOf(world)).toEqual(['run_stalled 2020-01']);
    const { books } = await lookAt(world);
    expect(books?.months).toMatchObject([{ month: '2020-01', openRequests: 1 }, { month }]);
    await close(world, '2020-01');
    expect((await lookAt(world)).books?.months).toMatchObject([{ month }]);
  });

  test('its books do not add up, until it is run again', async () => {
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE month_end_requests SET manifest = manifest || '{"balanced": false}'
      WHERE period_start = ${periodOf(month).periodStart}`);
    expect(await findingsOf(world)).toEqual([`books_do_not_add_up ${month}`]);
    await close(world, month);
    expect(await findingsOf(world)).toEqual([]);
  });
});

/** A request of an hour ago that no workflow knows of. */
async function askInVain({ db }: World, periodStart: string): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, requested_at)
    VALUES (${periodStart}, 'stuck', 'test', 'run', '', now() - interval '1 hour')`);
}

test.each([
  [
    'a pass',
    sql.typeAlias('nothing')`
      UPDATE month_end_requests SET state = 'running', started_at = now() - interval '10 minutes'`,
  ],
  [
    'an outcome',
    sql.typeAlias('nothing')`
      INSERT INTO tenant_outcomes
        (period_start, tenant_id, outcome, reason_type, reason, recorded_at)
      VALUES ('2026-01-01', 'acme', 'parked', 'failed', 'x', now() - interval '10 minutes')`,
  ],
  [
    'a draft',
    sql.typeAlias('nothing')`
      INSERT INTO invoice_drafts (period_start, tenant_id, owner, owner_started_at, opened_at)
      VALUES ('2026-01-01', 'acme', 'run', now(), now() - interval '10 minutes')`,
  ],
])('a request that nobody serves; %s is a sign of life', async (_what, move) => {
  await using world = await createWorld();
  await seedTenant(world.db, 'acme', []);
  await askInVain(world, '2026-01-01');
  const stalled = async (stalledAfterMinutes: number) => {
    const limits = { closeWithinHours: 0, stalledAfterMinutes };
    const { findings } = await lookAt(world, { limits });
    return findings.flatMap(({ code, month: of }) => (code === 'run_stalled' ? [of] : []));
  };
  expect(await stalled(15)).toEqual(['2026-01']);
  expect(await stalled(70)).toEqual([]);
  await world.db.query(move);
  expect(await stalled(15)).toEqual([]);
  expect(await stalled(9)).toEqual(['2026-01']);
});

test('what cannot be read is a finding, and its reason stays inside', async () => {
  await using world = await createWorld();
  const db = await openDatabase({
    url: world.appUrl,
    maxConnections: 1,
    applicationName: 'test-gone',
  });
  await db.end();
  // Not closed: the SDK may try a call again later, and throws out of a timer where it has been.
  const nowhere = Connection.lazy({ address: '127.0.0.1:1' });
  const client = new Client({ connection: nowhere });
  const report = await lookAt(world, { db, readSchedule: () => readSchedule(client, 300) });
  expect(report.findings.map(({ code }) => code)).toEqual([
    'database_unreachable',
    'temporal_unreachable',
  ]);
  expect(report).toMatchObject({ books: null, temporal: null });
  expect(report.errors).toHaveLength(2);
  expect(JSON.stringify(report.findings)).not.toContain('127.0.0.1');
});
