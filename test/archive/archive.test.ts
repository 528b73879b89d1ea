import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { archiveChunk, listMonthsBefore } from '../../src/db/usage/usage-archive.ts';
import { nextMonth, previousMonth } from '../../src/domain/period.ts';
import { monthOfInstant } from '../_util/utc.ts';
import { archiveUsage } from '../../src/ingestion/archive-usage.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { ageUsage } from '../_util/age-usage.ts';
import { forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { OLD_MONTH, SENT, closeOldMonth, readEverything, send, serveRequests } from './_month.ts';

const BEFORE = nextMonth(OLD_MONTH);
const COUNT = SENT.llm.length + SENT.metered.length;

let world: LedgerWorld;
let superuser: pg.Client;
beforeEach(async () => {
  world = await createLedgerWorld();
  superuser = new pg.Client({ connectionString: world.testDatabase.superuserUrl });
  await superuser.connect();
  await closeOldMonth(world);
  await ageUsage(world.testDatabase.superuserUrl);
});
afterEach(async () => {
  await superuser.end();
  await world[Symbol.asyncDispose]();
});

/** The number of events in each place. */
function places(db: Database) {
  return db.one(sql.type(z.object({ hot: z.number(), archived: z.number(), ids: z.number() }))`
    SELECT
      (SELECT count(*) FROM llm_usage_events) + (SELECT count(*) FROM metered_usage_records) AS hot,
      (SELECT count(*) FROM llm_usage_archive) + (SELECT count(*) FROM metered_usage_archive)
        AS archived,
      (SELECT count(*) FROM archived_usage_ids) AS ids
  `);
}

const statuses = (results: readonly { readonly status: string }[]) =>
  results.map(({ status }) => status);

describe('an archived month', () => {
  test('has the same verification, preview and events per line as before', async () => {
    const { db } = world;
    const before = await readEverything(db);
    expect(before.verification).toMatchObject({ ok: true, scope: { llm_events: 20 } });
    expect(before.lines.length).toBeGreaterThan(5);

    const chunks: number[] = [];
    const [month, ...others] = await archiveUsage(db, BEFORE, {
      chunkEvents: 3,
      onProgress: (_month, moved) => chunks.push(moved),
    });

    expect(others).toEqual([]);
    expect(month).toMatchObject({ month: OLD_MONTH, events: COUNT, refusal: null });
    expect(month).toMatchObject({ movedLlmEvents: 20, movedMeteredEvents: 10 });
    expect(chunks.length).toBeGreaterThan(4);
    expect(await places(db)).toEqual({ hot: 0, archived: COUNT, ids: COUNT });
    expect(await readEverything(db)).toEqual(before);
    expect(await archiveUsage(db, BEFORE)).toMatchObject([
      { movedLlmEvents: 0, movedMeteredEvents: 0, archivedEvents: COUNT },
    ]);
  });

  test('reads the same at every moment of the move, and after an interrupted move', async () => {
    const { db } = world;
    const before = await readEverything(db);
    let after = null;
    let chunks = 0;
    do {
      ({ next: after } = await archiveChunk(db, OLD_MONTH, after, 2));
      chunks += 1;
      if (chunks === 3) after = null;
      expect(await readEverything(db)).toEqual(before);
    } while (after !== null || chunks === 3);
    expect(chunks).toBeGreaterThan(8);
    expect(await places(db)).toEqual({ hot: 0, archived: COUNT, ids: COUNT });
  });

  test('still recognises its events: the same content is a duplicate, other content a conflict', async () => {
    const { db } = world;
    await archiveUsage(db, BEFORE);
    expect(new Set(statuses(await send(db, SENT)))).toEqual(new Set(['duplicate']));
    const other = {
      llm: SENT.llm.map((event) => ({ ...event, charge_cents: '77' })),
      metered: SENT.metered.map((record) => ({ ...record, qty: '77' })),
    };
    expect(new Set(statuses(await send(db, other)))).toEqual(new Set(['conflict']));
    // Also if the second event belongs to a recent month: the first one counts.
    const recent = { ...SENT.llm[0]!, occurred_at: '2026-05-10T00:00:00Z' };
    expect(statuses(await send(db, { llm: [recent], metered: [] }))).toEqual(['conflict']);
    expect(await places(db)).toEqual({ hot: 0, archived: COUNT, ids: COUNT });
  });

  test('accepts late usage, which a later run moves, and rejects corrections of archived records', async () => {
    const { db } = world;
    await archiveUsage(db, BEFORE);
    const [llm, record] = [SENT.llm[0]!, SENT.metered[0]!];
    const late = { ...llm, gateway_request_id: 'later' };
    const correction = { ...record, record_id: 'too-late', qty: '1', replaces: 'acme-m1-late' };
    const results = await send(db, { llm: [late], metered: [correction] });
    expect(results).toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', reason: expect.stringContaining('is in the archive') as string },
    ]);
    expect(await verifyMonth(db, OLD_MONTH)).toMatchObject({ ok: true });
    expect(await archiveUsage(db, BEFORE)).toMatchObject([{ movedLlmEvents: 0 }]);
    await ageUsage(world.testDatabase.superuserUrl);
    expect(await archiveUsage(db, BEFORE)).toMatchObject([{ movedLlmEvents: 1 }]);
    expect(await places(db)).toEqual({ hot: 0, archived: COUNT + 1, ids: COUNT + 1 });
    expect(await verifyMonth(db, OLD_MONTH)).toMatchObject({ ok: true });
  });

  test('can be rerun without an excluded event', async () => {
    const { db } = world;
    await archiveUsage(db, BEFORE);
    const exclude = (source: 'llm' | 'metered', eventId: string) =>
      excludeEvent(db, { source, eventId, actor: 'olga', reason: 'x' });
    expect(await exclude('llm', 'beta-llm-5')).toMatchObject({
      outcome: 'excluded',
      exclusion: { amount: '5.0000000001' },
    });
    expect(await exclude('metered', 'beta-m2')).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('was replaced by beta-m2-again') as string,
    });
    expect(await exclude('metered', 'beta-m2-at-last')).toMatchObject({
      outcome: 'excluded',
      exclusion: { amount: '95' },
    });
    expect(await exclude('llm', 'nobody')).toEqual({ outcome: 'unknown' });
    await forceInvoices(world, ['beta'], {}, OLD_MONTH);
    await serveRequests(world, OLD_MONTH);
    const { verification } = await readEverything(db);
    expect(verification.checks.filter(({ problems }) => problems > 0)).toEqual([]);
  });
});

describe('usage is not archived:', () => {
  const reasonOf = async (month: string) =>
    (await listMonthsBefore(world.db, nextMonth(month))).at(-1)?.refusal;

  test('events less than a day old, and records in the same bucket', async () => {
    const { db } = world;
    const record = { ...SENT.metered[0]!, record_id: 'new', qty: '1', replaces: 'acme-m2-at-last' };
    expect(statuses(await send(db, { llm: [], metered: [record] }))).toEqual(['accepted']);
    const [month] = await archiveUsage(db, BEFORE);
    expect(month).toMatchObject({ movedLlmEvents: 20, movedMeteredEvents: 5 });
    expect(await places(db)).toEqual({ hot: 6, archived: 25, ids: 25 });
    expect(await verifyMonth(db, OLD_MONTH)).toMatchObject({ ok: true });
  });

  test('of a month that was never closed', async () => {
    const event = { ...SENT.llm[0]!, gateway_request_id: 'x', occurred_at: '2020-04-01T00:00:00Z' };
    await send(world.db, { llm: [event], metered: [] });
    await ageUsage(world.testDatabase.superuserUrl);
    expect(await reasonOf('2020-04')).toBe('was never closed');
    await expect(archiveChunk(world.db, '2020-04', null, 10)).rejects.toThrow('2020-04 was never');
    const months = await archiveUsage(world.db, BEFORE);
    expect(months).toMatchObject([{ movedLlmEvents: 0 }, { movedLlmEvents: 20 }]);
  });

  test('of a month with an open request', async () => {
    await world.activities.acceptRequest({
      month: OLD_MONTH,
      signal: 'run',
      payload: {},
      signalId: 'again',
    });
    expect(await reasonOf(OLD_MONTH)).toBe('is being worked on');
    expect(await archiveUsage(world.db, BEFORE)).toMatchObject([{ movedLlmEvents: 0 }]);
    await serveRequests(world, OLD_MONTH);
    expect(await reasonOf(OLD_MONTH)).toBeNull();
  });

  test('of the last three full months', async () => {
    const now = monthOfInstant(new Date());
    const third = previousMonth(previousMonth(previousMonth(now)));
    await superuser.query(
      `INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, state, finished_at)
       SELECT month, 'x', 'test', 'run', '', 'finished', now()
       FROM unnest($1::date[]) AS month`,
      [[`${third}-01`, `${previousMonth(third)}-01`]],
    );
    await expect(archiveChunk(world.db, third, null, 10)).rejects.toThrow('three full months');
    expect(await archiveChunk(world.db, previousMonth(third), null, 10)).toMatchObject({
      next: null,
    });
  });

  test('of a bucket that does not match its events, with the rest of its batch', async () => {
    await superuser.query(`ALTER TABLE llm_usage_events DISABLE TRIGGER USER;
      UPDATE llm_usage_events SET charge_cents = charge_cents + 0.000000000001
      WHERE gateway_request_id = 'beta-llm-3'; ALTER TABLE llm_usage_events ENABLE TRIGGER USER`);
    await expect(archiveUsage(world.db, BEFORE)).rejects.toThrow(
      /the archive has .*verify the month/,
    );
    expect(await places(world.db)).toEqual({ hot: COUNT, archived: 0, ids: 0 });
  });
});

describe('nobody', () => {
  test.each(['apiUrl', 'workerUrl', 'readonlyUrl'] as const)(
    'except the CLI may archive: not %s',
    async (url) => {
      const db = await openDatabase({
        url: world.testDatabase[url],
        maxConnections: 1,
        applicationName: 'test',
      });
      await expect(archiveChunk(db, OLD_MONTH, null, 10)).rejects.toThrow('permission denied');
      await db.end();
    },
  );

  test.each([
    ['appUrl', 'DELETE FROM llm_usage_events', /permission denied/],
    ['appUrl', 'INSERT INTO archived_usage_ids DEFAULT VALUES', /permission denied/],
    ['appUrl', 'SELECT FROM usage_archive.llm_usage_archive_2020_05', /permission denied/],
    ['migratorUrl', 'DELETE FROM llm_usage_events', /append-only/],
    ['migratorUrl', 'DELETE FROM metered_usage_records WHERE replaces IS NOT NULL', /append-only/],
    ['migratorUrl', 'TRUNCATE llm_usage_events', /append-only/],
    ['migratorUrl', 'DELETE FROM llm_usage_archive', /append-only/],
    ['migratorUrl', 'UPDATE metered_usage_archive SET qty = 0', /append-only/],
    ['migratorUrl', 'TRUNCATE usage_archive.llm_usage_archive_2020_05', /append-only/],
    ['migratorUrl', 'DELETE FROM archived_usage_ids', /append-only/],
    ['migratorUrl', 'DELETE FROM usage_archives', /append-only/],
  ] as const)('can delete or change: %s, %s', async (url, statement, reason) => {
    await archiveChunk(world.db, OLD_MONTH, null, 3);
    const client = new pg.Client({ connectionString: world.testDatabase[url] });
    await client.connect();
    await expect(client.query(statement)).rejects.toThrow(reason);
    await client.end();
  });

  test('can delete an event whose copy differs', async () => {
    await archiveUsage(world.db, BEFORE);
    const copy = (change: string) => `
      INSERT INTO llm_usage_events
      SELECT (jsonb_populate_record(a, '${change}')).* FROM llm_usage_archive a
      WHERE gateway_request_id = 'acme-llm-1';
      DELETE FROM llm_usage_events`;
    await expect(superuser.query(copy('{"charge_cents": 2}'))).rejects.toThrow('append-only');
    await expect(superuser.query(copy('{"gateway_request_id": "y"}'))).rejects.toThrow(
      'append-only',
    );
    await superuser.query(copy('{}'));
  });
});
