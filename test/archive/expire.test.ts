import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { expireMonth } from '../../src/db/usage/usage-archive.ts';
import { nextMonth, previousMonth } from '../../src/domain/period.ts';
import { monthOfInstant } from '../_util/utc.ts';
import { archiveUsage, expireUsage } from '../../src/ingestion/archive-usage.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { ageUsage } from '../_util/age-usage.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { OLD_MONTH, SENT, closeOldMonth, readEverything, send, type SentUsage } from './_month.ts';

const BEFORE = nextMonth(OLD_MONTH);
const KEPT = 12;

let world: LedgerWorld;
let superuser: pg.Client;
beforeAll(async () => {
  world = await createLedgerWorld();
  superuser = new pg.Client({ connectionString: world.testDatabase.superuserUrl });
  await superuser.connect();
  await closeOldMonth(world);
  await ageUsage(world.testDatabase.superuserUrl);
});
afterAll(async () => {
  await superuser.end();
  await world[Symbol.asyncDispose]();
});

const partitions = () =>
  world.db.anyFirst(sql.type(z.object({ name: z.string() }))`
    SELECT relname::text AS name FROM pg_class
    WHERE relnamespace = 'usage_archive'::regnamespace AND relkind = 'r' ORDER BY relname
  `);

// These tests build on each other.
test('a month whose events are not all archived does not expire', async () => {
  const { db } = world;
  expect(await expireUsage(db, BEFORE, KEPT)).toEqual([]);
  await expect(expireMonth(db, OLD_MONTH, KEPT)).rejects.toThrow('that are not archived');
  await archiveUsage(db, BEFORE);
  const late = { ...SENT.llm[0]!, gateway_request_id: 'late' };
  await send(db, { llm: [late], metered: [] });
  await expect(expireUsage(db, BEFORE, KEPT)).rejects.toThrow('2020-05 has events that are not');
  await ageUsage(world.testDatabase.superuserUrl);
  await archiveUsage(db, BEFORE);
});

test('a month within the retention period does not expire', async () => {
  const now = monthOfInstant(new Date());
  const twelfth = Array.from({ length: 12 }).reduce<string>(previousMonth, now);
  await expect(expireMonth(world.db, twelfth, 1)).rejects.toThrow('not older than 12 full months');
  await expect(expireMonth(world.db, OLD_MONTH, 1200)).rejects.toThrow('than 1200 full months');
  expect(await expireMonth(world.db, previousMonth(twelfth), 1)).toEqual([]);
});

test('an archive that has lost an event does not expire', async () => {
  await superuser.query('BEGIN');
  await superuser.query(`ALTER TABLE usage_archive.llm_usage_archive_2020_05 DISABLE TRIGGER USER;
    DELETE FROM usage_archive.llm_usage_archive_2020_05 WHERE gateway_request_id = 'beta-llm-3'`);
  await expect(superuser.query(`SELECT expire_usage('2020-05-01', 12)`)).rejects.toThrow(
    '21 llm events were archived in 2020-05, 20 are there',
  );
  await superuser.query('ROLLBACK');
});

const [LLM_EVENT, RECORD] = [SENT.llm[0]!, SENT.metered[0]!];
/** Usage with new ids for the expiring month, including a correction. */
const newUsage = (name: string): SentUsage => ({
  llm: [{ ...LLM_EVENT, gateway_request_id: `${name}-llm` }],
  metered: [
    { ...RECORD, record_id: `${name}-metered` },
    { ...RECORD, record_id: `${name}-correction`, replaces: 'acme-m1' },
    { ...RECORD, record_id: `${name}-early`, replaces: 'nothing-that-came' },
  ],
});
const waiters = (count: number) =>
  untilLockIsWaitedFor(world.testDatabase.superuserUrl, (sessions) => sessions === count);

test('an expiry waits for usage that is being stored, then refuses because of it', async () => {
  const { db } = world;
  await superuser.query('BEGIN');
  // Late usage left open buckets whose events are archived.
  await superuser.query(`SELECT FROM usage_buckets
    WHERE service_month = '2020-05-01' AND source = 'llm' AND sealed_for IS NULL FOR UPDATE`);
  const sent = send(db, { llm: newUsage('racing').llm, metered: [] });
  await waiters(1);
  const expiring = expireUsage(db, BEFORE, KEPT).then(
    () => 'expired',
    (error: unknown) => String(error),
  );
  await waiters(2);
  await superuser.query('COMMIT');
  expect(await sent).toEqual([{ status: 'accepted' }]);
  expect(await expiring).toContain('2020-05 has events that are not archived');
  await ageUsage(world.testDatabase.superuserUrl);
  await archiveUsage(db, BEFORE);
  expect((await readEverything(db)).verification.ok).toBe(true);
});

test('usage of an expiring month is rejected without waiting', async () => {
  await superuser.query('BEGIN');
  await superuser.query(`SELECT expire_usage('2020-05-01', 12)`);
  const results = await send(world.db, newUsage('in-between'));
  await superuser.query('ROLLBACK');
  expect(results).toEqual(Array(4).fill(REFUSED));
});

const REFUSED = {
  status: 'rejected',
  reason: expect.stringContaining('usage of 2020-05 has expired') as string,
  errors: [{ pointer: '/occurred_at', detail: expect.any(String) as string }],
};

test('an expired month keeps its record, and its invoices are verified by their buckets', async () => {
  const { db } = world;
  const before = await readEverything(db);
  expect(before.verification.ok).toBe(true);

  const expired = await expireUsage(db, BEFORE, KEPT);

  const digest = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
  const total = before.verification.scope.llm_charges[0]!.exact_cents;
  expect(expired).toEqual([
    {
      month: OLD_MONTH,
      usage: [
        { source: 'llm', events: 22, total, digest },
        { source: 'metered', events: 10, total: expect.any(String) as string, digest },
      ],
    },
  ]);
  expect(await partitions()).toEqual([]);
  const { verification, previews, lines } = await readEverything(db);
  expect(verification).toMatchObject({
    ok: true,
    scope: {
      llm_events: 0,
      metered_records: 0,
      expired: [{ source: 'llm', events: '22', total, digest }, { source: 'metered' }],
    },
  });
  expect(verification.checks).toEqual(before.verification.checks);
  expect(previews).toEqual(before.previews);
  // Count and sum of a line remain.
  expect(lines.map(({ line }) => line)).toEqual(
    before.lines.map(({ line }) => ({
      ...line,
      digest: null,
      expired_at: expect.any(String) as string,
    })),
  );
  expect(lines.flatMap(({ events }) => events)).toEqual([]);
  expect(await expireUsage(db, BEFORE, KEPT)).toEqual([]);
  await expect(
    superuser.query(`UPDATE usage_archives SET events = 0 WHERE source = 'llm'`),
  ).rejects.toThrow('the llm events of 2020-05 have expired');
});

test('ids of expired events stay known', async () => {
  const { db } = world;
  const results = await send(db, SENT);
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['duplicate']));
  const exclusion = { source: 'llm', eventId: 'beta-llm-3', actor: 'olga', reason: 'x' } as const;
  expect(await excludeEvent(db, exclusion)).toEqual({
    outcome: 'refused',
    reason: 'event beta-llm-3 has expired, as all of its month',
  });
});

test('new usage of an expired month is rejected, and its books still add up', async () => {
  const { db } = world;
  const before = await readEverything(db);
  const { llm, metered } = newUsage('too-late');
  const recent = {
    ...LLM_EVENT,
    gateway_request_id: 'recent',
    occurred_at: '2026-05-10T00:00:00Z',
  };
  const results = await send(db, { llm: [...llm, recent, SENT.llm[1]!], metered });
  expect(results).toEqual([
    REFUSED,
    { status: 'accepted' },
    { status: 'duplicate' },
    ...Array<object>(3).fill(REFUSED),
  ]);
  expect((await readEverything(db)).verification).toEqual(before.verification);
  expect(before.verification.ok).toBe(true);
});

test('a changed sum is found without the events', async () => {
  await superuser.query(`ALTER TABLE usage_buckets DISABLE TRIGGER USER;
    UPDATE usage_buckets SET total = total + 100 WHERE tenant_id = 'beta' AND source = 'llm';
    ALTER TABLE usage_buckets ENABLE TRIGGER USER`);
  const { verification } = await readEverything(world.db);
  const wrong = verification.checks.filter(({ problems }) => problems > 0).map(({ id }) => id);
  expect(wrong).toEqual(['lines_recomputed', 'books_balance']);
});
