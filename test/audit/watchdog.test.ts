import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FindingCode } from '../../src/audit/watchdog-finding.ts';
import { lookAround, type WatchdogSources } from '../../src/audit/watchdog-report.ts';
import { SCHEDULE_ID } from '../../src/contracts/ids.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { monthBefore, periodOf, previousMonth } from '../../src/domain/period.ts';
import { requestMonthEnd } from '../../src/temporal/month-end.ts';
import { readSchedule } from '../../src/temporal/schedule-facts.ts';
import { applySchedule, pauseSchedule, resumeSchedule } from '../../src/temporal/schedule.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

/** The Schedule knows the real time alone, so this is the month that is to be closed. */
const month = monthBefore(new Date());
const monthAgo = previousMonth(month);

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
});
afterAll(() => world[Symbol.asyncDispose]());

function look(sources: Partial<WatchdogSources> = {}) {
  return lookAround({
    db: world.db,
    readSchedule: () => readSchedule(world.client),
    limits: { closeWithinHours: 0, stalledAfterMinutes: 15 },
    now: () => new Date(),
    ...sources,
  });
}

async function findings(sources: Partial<WatchdogSources> = {}): Promise<string[]> {
  const { findings: found } = await look(sources);
  return found.map(({ code, month: of }) => (of === null ? code : `${code} ${of}`));
}

/** A change of the Schedule reaches what describes it a little later. */
function untilFound(expected: readonly string[]): Promise<string[]> {
  return until(
    () => findings(),
    (found) => JSON.stringify(found) === JSON.stringify(expected),
  );
}

async function close(which: string): Promise<void> {
  const requestId = crypto.randomUUID();
  await requestMonthEnd(world.client, { month: which, requestId, actor: 'test' });
  await closed(world, which);
}

test('an installation with nobody to bill is quiet, once it has its Schedule', async () => {
  expect(await findings()).toEqual(['schedule_missing']);
  await applySchedule(world.client);
  await untilFound([]);
});

test('paused, pointing elsewhere, dead, and as it should be', async () => {
  await pauseSchedule(world.client, 'meters are being repaired');
  await untilFound(['schedule_paused']);
  await resumeSchedule(world.client, 'done');
  await untilFound([]);

  const handle = world.client.schedule.getHandle(SCHEDULE_ID);
  const changed = async (change: object, code: FindingCode) => {
    await handle.update((current) => ({ ...current, ...change }));
    await untilFound([code]);
    await applySchedule(world.client);
    await untilFound([]);
  };
  const { action } = await handle.describe();
  await changed({ action: { ...action, workflowType: 'other' } }, 'schedule_points_elsewhere');
  await changed({ action: { ...action, taskQueue: 'other' } }, 'schedule_points_elsewhere');
  await changed({ spec: { intervals: [{ every: '1 day' }] } }, 'schedule_points_elsewhere');
  await changed(
    { spec: { cronExpressions: ['0 6 1 * *'], timezone: 'Pacific/Auckland' } },
    'schedule_points_elsewhere',
  );
  await changed({ spec: { calendars: [{ dayOfMonth: 1, year: 2020 }] } }, 'schedule_silent');

  // Its next time has come and gone, and it has not fired.
  const { info } = await handle.describe();
  const later = info.nextActionTimes[0]!.getTime() + 16 * 60_000;
  expect(await findings({ now: () => new Date(later) })).toEqual(['schedule_silent']);
});

test('a month that was not closed, until it is', async () => {
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zeta', [{ deploymentId: 'zeta-a', planVersionId: null }]);
  expect(await findings()).toEqual([`month_not_closed ${month}`]);
  // Within the grace there is nothing to say: a thousand days, whatever the clock says.
  const limits = { closeWithinHours: 24_000, stalledAfterMinutes: 15 };
  expect(await findings({ limits })).toEqual([]);

  await world.startWorker();
  await close(month);
  const report = await look();
  expect(report.findings).toEqual([]);
  expect(report.months).toMatchObject([{ month, dueTenants: 2, parked: 1, withoutOutcome: 0 }]);
});

test('a tenant that became due afterwards', async () => {
  await seedTenant(world.db, 'late');
  const { findings: found } = await look();
  expect(found.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('due tenants without an outcome: 1 of 3'),
  ]);
  await close(month);
  expect(await findings()).toEqual([]);
});

test('a month that was left out, between two that were closed', async () => {
  await close(previousMonth(monthAgo));
  expect(await findings()).toEqual([`month_not_closed ${monthAgo}`]);
  await close(monthAgo);
  expect(await findings()).toEqual([]);
});

test.each([
  [
    'a pass',
    (ago: string) => sql.typeAlias('nothing')`
      UPDATE month_end_requests SET state = 'running', started_at = now() - ${ago}::interval`,
  ],
  [
    'an outcome',
    (ago: string) => sql.typeAlias('nothing')`
      INSERT INTO tenant_outcomes
        (period_start, tenant_id, outcome, reason_type, reason, recorded_at)
      VALUES ('2026-01-01', 'acme', 'parked', 'failed', 'x', now() - ${ago}::interval)`,
  ],
  [
    'a draft',
    (ago: string) => sql.typeAlias('nothing')`
      INSERT INTO invoice_drafts (period_start, tenant_id, owner, owner_started_at, opened_at)
      VALUES ('2026-01-01', 'acme', 'run', now(), now() - ${ago}::interval)`,
  ],
])('a request that nobody serves; %s is a sign of life', async (_what, move) => {
  await using own = await createWorld();
  await seedTenant(own.db, 'acme', []);
  await own.db.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_requests (period_start, request_id, kind, content_hash, requested_at)
    VALUES ('2026-01-01', 'stuck', 'run', '', now() - interval '1 hour')`);
  const stalled = async (stalledAfterMinutes = 15) => {
    const limits = { closeWithinHours: 0, stalledAfterMinutes };
    const { findings: found } = await look({ db: own.db, limits });
    return found.map(({ code, month: of }) => `${code} ${of}`);
  };
  expect(await stalled()).toEqual(['run_stalled 2026-01']);
  expect(await stalled(70)).toEqual([]);
  await own.db.query(move('10 minutes'));
  expect(await stalled()).toEqual([]);
  expect(await stalled(9)).toEqual(['run_stalled 2026-01']);
});

test('what another month does is no sign of life', async () => {
  // All that the world has closed so far happened just now.
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO month_end_requests (period_start, request_id, kind, content_hash, requested_at)
    VALUES ('2020-01-01', 'stuck', 'run', '', now() - interval '1 hour')`);
  expect(await findings()).toEqual(['run_stalled 2020-01']);
  expect((await look()).months).toMatchObject([{ month: '2020-01', openRequests: 1 }, { month }]);
  await close('2020-01');
  expect((await look()).months).toMatchObject([{ month }]);
});

test('books that do not add up, until the month is run again', async () => {
  await world.db.query(sql.typeAlias('nothing')`
    UPDATE month_end_requests SET manifest = manifest || '{"balanced": false}'
    WHERE period_start = ${periodOf(monthAgo).periodStart}`);
  expect(await findings()).toEqual([`books_do_not_add_up ${monthAgo}`]);
  await close(monthAgo);
  expect(await findings()).toEqual([]);
});

test('what cannot be read is a finding, and its reason stays inside', async () => {
  const gone = await openDatabase({
    url: world.appUrl,
    maxConnections: 1,
    applicationName: 'test-gone',
  });
  await gone.end();
  const nowhere = Connection.lazy({ address: '127.0.0.1:1' });
  const client = new Client({ connection: nowhere });
  const report = await look({ db: gone, readSchedule: () => readSchedule(client) });
  expect(report.findings.map(({ code }) => code)).toEqual([
    'database_unreachable',
    'temporal_unreachable',
  ]);
  expect(report.months).toBeNull();
  expect(report.errors).toHaveLength(2);
  expect(JSON.stringify(report.findings)).not.toContain('127.0.0.1');
  await nowhere.close();
});
