import { Client } from '@temporalio/client';
import pg from 'pg';
import { pino } from 'pino';
import type { QuerySqlToken } from 'slonik';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { inApplyTurn } from '../../src/db/settings/apply-turn.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { readBillingSettings, setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { fixCalendar, loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { sql } from '../../src/db/sql.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import type { TestDatabase } from '../_util/database.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';

let db: Database;
let testDatabase: TestDatabase;
let close: () => Promise<void>;
beforeEach(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 4));
});
afterEach(() => close());

const SYDNEY = 'Australia/Sydney';
/** 00:30 on 1 May in Sydney. */
const AT_NIGHT = '2026-04-30T14:30:00Z';

/** Another process, with a calendar of its own. */
async function otherProcess(): Promise<Database & AsyncDisposable> {
  const other = await openDatabase({
    url: testDatabase.appUrl,
    maxConnections: 2,
    applicationName: 'other',
  });
  return Object.assign(other, { [Symbol.asyncDispose]: () => other.end() });
}

async function seedUsageOf(): Promise<void> {
  await seedCatalogue(db);
  await seedTenant(db, 'acme', [{ deploymentId: 'acme-a' }]);
}

function send(to: Database, id: string) {
  const ingestion = createIngestion({ db: to, now: () => new Date(), timeBounds: ANY_TIME });
  return ingestion.ingest('llm', [
    {
      gateway_request_id: id,
      tenant_id: 'acme',
      deployment_id: 'acme-a',
      model: 'm',
      occurred_at: AT_NIGHT,
      charge_cents: '1',
    },
  ]);
}

const bucketMonths = () =>
  db.anyFirst(sql.unsafe`SELECT DISTINCT to_char(service_month, 'YYYY-MM') FROM usage_buckets`);

test('a new installation bills in UTC, and the zone can still change', async () => {
  expect(await readBillingSettings(db)).toEqual({ time_zone: 'UTC', time_zone_fixed_at: null });
  expect((await loadCalendar(db)).periodOf('2026-05').startsAt).toBe('2026-05-01T00:00:00Z');
});

test.each([SYDNEY, 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia', 'America/Santiago'])(
  'stores the months of %s and back to UTC',
  async (zone) => {
    const utc = (await loadCalendar(db)).periodOf('2026-05');
    expect(await setTimeZone(db, zone)).toEqual({ isChanged: true, unaligned: 0 });
    expect(await setTimeZone(db, zone)).toMatchObject({ isChanged: false });
    const calendar = await loadCalendar(db);
    expect(calendar.timeZone).toBe(zone);
    // PostgreSQL has time zone data of its own. It may know later changes of the rules, but not for past years.
    const wrong = await db.anyFirst(sql.unsafe`
      SELECT month_start::text FROM billing_months
      WHERE month_start BETWEEN '2000-01-01' AND '2025-12-01'
        AND (starts_at AT TIME ZONE ${zone})::date <> month_start`);
    expect(wrong).toEqual([]);
    expect(
      await db.oneFirst(sql.unsafe`
        SELECT count(*) FROM billing_months m JOIN billing_months n ON n.starts_at = m.ends_at
          AND n.month_start = m.month_start + interval '1 month'`),
    ).toBe(2399);
    await setTimeZone(db, 'UTC');
    expect((await loadCalendar(db)).periodOf('2026-05')).toEqual(utc);
  },
);

test('says how many subscriptions and addons no longer start or end at midnight', async () => {
  await seedCatalogue(db);
  await seedTenant(db, 'utc', [
    { deploymentId: 'utc-a', startsAt: '2026-05-01T00:00:00Z' },
    { deploymentId: 'utc-b', startsAt: '2026-04-30T14:00:00Z', endsAt: '2026-10-05T14:00:00Z' },
    { deploymentId: 'utc-c', startsAt: '2026-04-30T14:00:00Z', endsAt: '2026-10-05T13:00:00Z' },
  ]);
  const addon = (starts: string, ends: string | null) => sql.unsafe`
    INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty, price_cents,
      starts_at, ends_at, allow_repeated)
    SELECT 'sub-utc-b', count(*) + 1, 'more', 'gb', 1, 100, ${starts}, ${ends}, true
    FROM subscription_addons`;
  await db.query(addon('2026-05-01T00:00:00Z', null));
  await db.query(addon('2026-05-01T14:00:00Z', '2026-07-01T00:00:00Z'));
  await db.query(addon('2026-05-01T14:00:00Z', '2026-06-30T14:00:00Z'));
  expect(await setTimeZone(db, SYDNEY)).toEqual({ isChanged: true, unaligned: 4 });
});

test('refuses a zone that does not exist, and changes nothing', async () => {
  await expect(setTimeZone(db, 'Australia/Sidney')).rejects.toThrow(
    'Did you mean "Australia/Sydney"',
  );
  expect((await loadCalendar(db)).timeZone).toBe('UTC');
});

describe('once there is usage', () => {
  test('the zone is fixed, also for the database itself', async () => {
    await seedUsageOf();
    await setTimeZone(db, SYDNEY);
    expect(await send(db, 'req-1')).toMatchObject([{ status: 'accepted' }]);
    expect(await bucketMonths()).toEqual(['2026-05']);
    expect((await readBillingSettings(db)).time_zone_fixed_at).not.toBeNull();
    await expect(setTimeZone(db, 'UTC')).rejects.toThrow(
      'The billing time zone stays Australia/Sydney: there is usage, and its months are months of that zone',
    );
    expect(await setTimeZone(db, SYDNEY)).toMatchObject({ isChanged: false });
    for (const change of [
      sql.unsafe`UPDATE billing_settings SET time_zone = 'UTC'`,
      sql.unsafe`UPDATE billing_settings SET fixed_at = NULL`,
      sql.unsafe`UPDATE billing_months SET starts_at = starts_at - interval '1 hour'`,
    ]) {
      await expect(db.query(change)).rejects.toThrow();
    }
  });

  test('usage that is rejected fixes nothing', async () => {
    await seedUsageOf();
    const ingestion = createIngestion({ db, now: () => new Date('2030-01-01T00:00:00Z') });
    const event = { gateway_request_id: 'old', tenant_id: 'acme', deployment_id: 'acme-a' };
    const results = await ingestion.ingest('llm', [
      { ...event, model: 'm', occurred_at: AT_NIGHT, charge_cents: '1' },
      { ...event, model: 'm', occurred_at: AT_NIGHT, charge_cents: '1', deployment_id: 'none' },
    ]);
    expect(results).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect((await readBillingSettings(db)).time_zone_fixed_at).toBeNull();
  });
});

describe('a process that loaded its calendar before the zone was set', () => {
  test('writes by the new zone', async () => {
    await seedUsageOf();
    await using stale = await otherProcess();
    expect((await loadCalendar(stale)).timeZone).toBe('UTC');
    await setTimeZone(db, SYDNEY);
    await send(stale, 'req-1');
    expect(await bucketMonths()).toEqual(['2026-05']);
  });

  test('waits for a change that is being made', async () => {
    await seedUsageOf();
    await using stale = await otherProcess();
    await loadCalendar(stale);
    const setter = new pg.Client({ connectionString: testDatabase.appUrl });
    await setter.connect();
    await setter.query('BEGIN');
    await setter.query('UPDATE billing_settings SET time_zone = $1', [SYDNEY]);
    const sent = send(stale, 'req-1');
    await untilLockIsWaitedFor(testDatabase.superuserUrl, (sessions) => sessions === 1, 'other');
    await setter.query(
      `UPDATE billing_months SET starts_at = month_start::timestamp AT TIME ZONE $1,
         ends_at = (month_start + interval '1 month') AT TIME ZONE $1`,
      [SYDNEY],
    );
    await setter.query('COMMIT');
    await setter.end();
    await sent;
    expect(await bucketMonths()).toEqual(['2026-05']);
  });

  test('never mixes zones, in whatever order things happen', async () => {
    await seedUsageOf();
    await using stale = await otherProcess();
    await loadCalendar(stale);
    const [set] = await Promise.allSettled([
      setTimeZone(db, SYDNEY),
      ...Array.from({ length: 20 }, (_, index) => send(stale, `req-${index}`)),
      fixCalendar(stale),
    ]);
    const { time_zone: zone } = await readBillingSettings(db);
    expect(zone).toBe(set.status === 'fulfilled' ? SYDNEY : 'UTC');
    expect(await bucketMonths()).toEqual([zone === SYDNEY ? '2026-05' : '2026-04']);
    expect((await loadCalendar(stale)).timeZone).toBe(zone);
  });
});

test('local dates that are applied after a change of the zone are dates of the new zone', async () => {
  await using applier = await otherProcess();
  await using later = await otherProcess();
  await loadCalendar(later);
  const waiting = (count: number) =>
    untilLockIsWaitedFor(testDatabase.superuserUrl, (sessions) => sessions === count);
  const gate = Promise.withResolvers<null>();
  const started = Promise.withResolvers<null>();
  const first = inApplyTurn(applier, async (_tx, { timeZone }) => {
    started.resolve(null);
    await gate.promise;
    return timeZone;
  });
  await started.promise;
  const set = setTimeZone(db, SYDNEY);
  await waiting(1);
  const second = inApplyTurn(later, (_tx, { timeZone }) => Promise.resolve(timeZone));
  await waiting(2);
  gate.resolve(null);
  expect(await first).toBe('UTC');
  expect(await set).toMatchObject({ isChanged: true });
  expect(await second).toBe(SYDNEY);
});

test('a request is checked by the zone that it fixes', async () => {
  await seedUsageOf();
  await using requester = await otherProcess();
  // 02:00 on 1 July in UTC, which is still June in New York.
  const now = () => new Date('2026-07-01T02:00:00Z');
  expect((await loadCalendar(requester)).isOver('2026-06', now())).toBe(true);
  // The zone changes after the request was checked, just before it is fixed.
  const raced = new Proxy(requester, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name) as unknown;
      return async (query: QuerySqlToken) => {
        if (query.sql.includes('SET fixed_at')) await setTimeZone(db, 'America/New_York');
        return target.query(query);
      };
    },
  });
  const { acceptRequest } = createActivities({ ...ACTIVITY_DEPS, db: raced, now });
  expect(
    await acceptRequest({ month: '2026-06', signal: 'run', signalId: 's', payload: undefined }),
  ).toMatchObject({
    accepted: false,
    reason: '2026-06 is not over yet: it can be closed from 2026-07-01T04:00:00Z on',
  });
  expect(await db.oneFirst(sql.unsafe`SELECT count(*) FROM month_end_requests`)).toBe(0);
});

test('a request for a month fixes the zone, and a refused one does not', async () => {
  await seedUsageOf();
  await setTimeZone(db, SYDNEY);
  const { acceptRequest } = createActivities({
    db,
    // Accepting a request sends nothing.
    client: Object.create(Client.prototype) as Client,
    logger: pino({ level: 'silent' }),
    bounds: NO_BOUNDS,
    // 22:00 on 30 June in UTC, which is 1 July in Sydney.
    now: () => new Date('2026-06-30T22:00:00Z'),
  });
  const ask = (month: string) =>
    acceptRequest({ month, signal: 'run', signalId: month, payload: undefined });
  expect(await ask('2026-07')).toMatchObject({
    accepted: false,
    reason: '2026-07 is not over yet: it can be closed from 2026-07-31T14:00:00Z on',
  });
  expect((await readBillingSettings(db)).time_zone_fixed_at).toBeNull();
  expect(await ask('2026-06')).toMatchObject({ accepted: true });
  expect((await readBillingSettings(db)).time_zone_fixed_at).not.toBeNull();
  await expect(setTimeZone(db, 'UTC')).rejects.toThrow('a month has been requested');
});
