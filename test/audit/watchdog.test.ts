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
import { previousMonth } from '../../src/domain/period.ts';
import { monthBefore, periodOf } from '../_util/utc.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { listWorkers } from '../../src/temporal/worker-versions.ts';
import { readMonthRuns } from '../../src/temporal/month-runs.ts';
import { readSchedule } from '../../src/temporal/schedule-facts.ts';
import { applySchedule, pauseSchedule, resumeSchedule } from '../../src/temporal/schedule.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

/** The Schedule uses the real time, so this is the month to close. */
const month = monthBefore(new Date());
const monthAgo = previousMonth(month);

const WORKER = { identity: '1@test', buildId: null, isCurrent: true };

function lookAt({ db, client }: World, sources: Partial<WatchdogSources> = {}) {
  return lookAround({
    db,
    readSchedule: () => readSchedule(client),
    // Some tests run without a worker.
    listWorkers: () => Promise.resolve([WORKER]),
    readRuns: (months) => readMonthRuns(client, months),
    // Overdue immediately, whatever the day of the month.
    limits: { closeWithinHours: 0, stalledAfterMinutes: 15, reviewReminderDays: 3 },
    now: () => new Date(),
    ...sources,
  });
}

async function findingsOf(world: World, sources: Partial<WatchdogSources> = {}): Promise<string[]> {
  const { findings } = await lookAt(world, sources);
  return findings.map(({ code, month: of }) => (of === null ? code : `${code} ${of}`));
}

/** Descriptions of the Schedule lag behind its changes. */
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

test('a task queue without workers is a finding until a worker polls', async () => {
  await using world = await createWorld();
  await applySchedule(world.client, 'UTC');
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

test('reports the earliest expiry among keys without a replacement', async () => {
  await using world = await createWorld();
  // Compared as instants: PostgreSQL leaves out trailing zeros.
  const keyExpiry = async () => {
    const at = (await lookAt(world)).books?.keyExpiresAt ?? null;
    return at === null ? null : new Date(at).toISOString();
  };
  const expiresAt = new Date(Date.now() + 86_400_000);
  const key = { scope: 'gateway', label: 'gateway', expiresAt } as const;
  expect(await keyExpiry()).toBeNull();
  await createKey(world.db, { ...key, expiresAt: new Date(Date.now() + 2 * 86_400_000) });
  const { keyId } = await createKey(world.db, key);
  expect(await keyExpiry()).toBe(expiresAt.toISOString());
  await revokeKey(world.db, keyId);
  expect(await keyExpiry()).not.toBe(expiresAt.toISOString());
});

test('a missing, paused, changed or silent Schedule is a finding', async () => {
  // Without tenants there is nothing else to find.
  await using world = await createWorld();
  const { client } = world;
  expect(await findingsOf(world)).toEqual(['schedule_missing']);
  await applySchedule(client, 'UTC');
  await untilFound(world, []);

  await pauseSchedule(client, 'meters are being repaired');
  await untilFound(world, ['schedule_paused']);
  await resumeSchedule(client, 'done');
  await untilFound(world, []);

  const handle = client.schedule.getHandle(SCHEDULE_ID);
  const changed = async (change: object, code: FindingCode) => {
    await handle.update((current) => ({ ...current, ...change }));
    await untilFound(world, [code]);
    await applySchedule(client, 'UTC');
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

  // Its next time has passed without a firing.
  const { info } = await handle.describe();
  const later = info.nextActionTimes[0]!.getTime() + 16 * 60_000;
  expect(await findingsOf(world, { now: () => new Date(later) })).toEqual(['schedule_silent']);
});

test('an open month is a finding until it is closed', async () => {
  await using world = await createWorld();
  await applySchedule(world.client, 'UTC');
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zeta', [{ deploymentId: 'zeta-a', planVersionId: null }]);
  expect(await findingsOf(world)).toEqual([`month_not_closed ${month}`]);
  // No finding within the grace period (1,000 days, so that the date of the test does not matter).
  const limits = { closeWithinHours: 24_000, stalledAfterMinutes: 15, reviewReminderDays: 3 };
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
    await applySchedule(world.client, 'UTC');
    await seedCatalogue(world.db);
    await seedTenant(world.db, 'acme');
    await world.startWorker();
    await close(world, month);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('a tenant that becomes due is open work, not an imbalance', async () => {
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

  test('an earlier month that was left open is a finding', async () => {
    await close(world, previousMonth(monthAgo));
    expect(await findingsOf(world)).toEqual([`month_not_closed ${monthAgo}`]);
    await close(world, monthAgo);
    // Closed months are not listed.
    expect(await lookAt(world)).toMatchObject({ findings: [], books: { months: [{ month }] } });
  });

  test('a tenant that becomes due for an earlier month is a finding', async () => {
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

  test('a stalled run is a finding even while another month progresses', async () => {
    // The subscription ended earlier, so the month has no due tenant and can be closed.
    await seedTenant(world.db, 'former', [
      { deploymentId: 'former-a', startsAt: '2019-12-10Z', endsAt: '2019-12-20Z' },
    ]);
    await askInVain(world, '2020-01-01');
    expect(await findingsOf(world)).toEqual(['run_stalled 2020-01', 'run_lost 2020-01']);
    const { books } = await lookAt(world);
    expect(books?.months).toMatchObject([{ month: '2020-01', openRequests: 1 }, { month }]);
    await close(world, '2020-01');
    expect((await lookAt(world)).books?.months).toMatchObject([{ month }]);
  });

  test('an imbalance is a finding until the month is run again', async () => {
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE month_end_requests SET manifest = manifest || '{"balanced": false}'
      WHERE period_start = ${periodOf(month).periodStart}`);
    expect(await findingsOf(world)).toEqual([`books_do_not_add_up ${month}`]);
    await close(world, month);
    expect(await findingsOf(world)).toEqual([]);
  });
});

/** A request from an hour ago that no workflow received. */
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
])('an unserved request is a stalled run, but %s counts as progress', async (_what, move) => {
  await using world = await createWorld();
  await seedTenant(world.db, 'acme', []);
  await askInVain(world, '2026-01-01');
  const stalled = async (stalledAfterMinutes: number) => {
    const limits = { closeWithinHours: 0, stalledAfterMinutes, reviewReminderDays: 3 };
    const { findings } = await lookAt(world, { limits });
    return findings.flatMap(({ code, month: of }) => (code === 'run_stalled' ? [of] : []));
  };
  expect(await stalled(15)).toEqual(['2026-01']);
  expect(await stalled(70)).toEqual([]);
  await world.db.query(move);
  expect(await stalled(15)).toEqual([]);
  expect(await stalled(9)).toEqual(['2026-01']);
});

test('an unreadable source is a finding that does not reveal its reason', async () => {
  await using world = await createWorld();
  const db = await openDatabase({
    url: world.appUrl,
    maxConnections: 1,
    applicationName: 'test-gone',
  });
  await db.end();
  // Not closed: the SDK may retry a call later and would throw from a timer.
  const nowhere = Connection.lazy({ address: '127.0.0.1:1' });
  const client = new Client({ connection: nowhere });
  const report = await lookAt(world, {
    db,
    readSchedule: () => readSchedule(client, 300),
    readRuns: () => Promise.reject(new Error('away')),
  });
  expect(report.findings.map(({ code }) => code)).toEqual([
    'database_unreachable',
    'temporal_unreachable',
  ]);
  expect(report).toMatchObject({ books: null, temporal: null });
  expect(report.errors).toHaveLength(2);
  expect(JSON.stringify(report.findings)).not.toContain('127.0.0.1');
});
