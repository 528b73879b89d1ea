import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createActivities } from '../../../src/activities/create-activities.ts';
import { openDatabase, type Database } from '../../../src/db/pool.ts';
import { sql } from '../../../src/db/sql.ts';
import { findHeld, storeHeldUsage } from '../../../src/db/usage/quarantine.ts';
import { lockOpenBuckets, MAX_MODELS } from '../../../src/db/usage/usage-ledger.ts';
import { QUARANTINE_REASONS, RELEASED_BY_SWEEP as SWEPT } from '../../../src/domain/quarantine.ts';
import type { JsonObject } from '../../../src/domain/types.ts';
import { dismissQuarantined } from '../../../src/ingestion/quarantine/dismiss-quarantined.ts';
import { releaseCured } from '../../../src/ingestion/quarantine/release-cured.ts';
import {
  releaseQuarantined,
  type ReleaseOptions,
} from '../../../src/ingestion/quarantine/release-quarantined.ts';
import { DEFAULT_TIME_BOUNDS } from '../../../src/ingestion/time-bounds.ts';
import { ANY_TIME } from '../../_util/any-time.ts';
import { createTestDatabase, type TestDatabase } from '../../_util/database.ts';
import { interceptQueries } from '../../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../../_util/ledger-world.ts';
import { untilLockIsWaitedFor } from '../../_util/locks.ts';
import { seedCatalogue, seedTenant } from '../../_util/seed.ts';
import { expectBucketsToAddUp } from '../_ledger.ts';
import { addDeployment, eventOf, heldOf, ledgerOf, newTenant, send } from './_held.ts';

let testDatabase: TestDatabase;
let db: Database;
/** With the rights of the API's and of the worker's process. */
let apiDb: Database;
let workerDb: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const open = (url: string, applicationName = 'test-quarantine') =>
    openDatabase({ url, maxConnections: 10, applicationName });
  db = await open(testDatabase.appUrl);
  apiDb = await open(testDatabase.apiUrl);
  workerDb = await open(testDatabase.workerUrl, 'test-quarantine-worker');
  await seedCatalogue(db);
});
afterEach(() => expectBucketsToAddUp(db));
afterAll(async () => {
  await Promise.all([db.end(), apiDb.end(), workerDb.end()]);
  await testDatabase.drop();
});

const BY = { actor: 'key:ops', reason: 'was created late' };
const options = (more: Partial<ReleaseOptions> = {}): ReleaseOptions => ({
  now: new Date(),
  timeBounds: ANY_TIME,
  ...more,
});

const eventsOf = (tenantId: string, count: number) =>
  Array.from({ length: count }, () => eventOf(tenantId));

/** What PostgreSQL says about work that it refuses. */
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => `${String(error)} ${String((error as Error).cause)}`,
  );

describe('held events', () => {
  test('of an unknown tenant are released when it exists, with the rights of the worker', async () => {
    const tenantId = newTenant();
    expect(await send(apiDb, eventsOf(tenantId, 3))).toEqual({ accepted: 0, held: 3 });
    expect(await heldOf(db, tenantId)).toMatchObject([
      { reason: 'unknown_tenant', detail: `there is no tenant ${tenantId}`, state: 'held' },
      {},
      {},
    ]);
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 0, still_held: [] });

    await seedTenant(db, tenantId, []);
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 0, still_held: [] });
    await addDeployment(db, `${tenantId}-a`, tenantId);
    expect(await releaseCured(workerDb, options())).toEqual({
      released: 3,
      already_accepted: 0,
      added: [{ currency: 'AUD', charge_cents: '0.75' }],
      still_held: [],
      next: null,
    });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 3, total: '0.75' });
    expect(await heldOf(db, tenantId)).toMatchObject([
      { state: 'released', actor: 'sweep' },
      { state: 'released' },
      { state: 'released' },
    ]);
  });

  test('sent again add nothing, whether they are held, released or dismissed', async () => {
    const tenantId = newTenant();
    const [held, released, dismissed] = eventsOf(tenantId, 3) as [
      JsonObject,
      JsonObject,
      JsonObject,
    ];
    await send(apiDb, [dismissed]);
    await dismissQuarantined(apiDb, { heldFor: 'unknown_tenant', tenantId }, BY);
    await send(apiDb, [released]);
    const assign = { tenant_id: 'other', deployment_id: 'other-a' };
    await seedTenant(db, 'other');
    const filter = { tenantId };
    expect(await releaseQuarantined(apiDb, filter, { ...BY, assign }, options())).toMatchObject({
      released: 1,
    });
    await send(apiDb, [held]);

    expect(await send(apiDb, [held, released, dismissed])).toEqual({ accepted: 0, held: 0 });
    expect((await heldOf(db, tenantId)).map(({ state }) => state).sort()).toEqual([
      'dismissed',
      'held',
      'released',
    ]);
    expect(await ledgerOf(db, 'other')).toEqual({ events: 1, total: '0.25' });
  });

  test('sent again and accepted before their release add nothing when they are released', async () => {
    const tenantId = newTenant();
    const event = eventOf(tenantId);
    await send(apiDb, [event]);
    await seedTenant(db, tenantId);
    expect(await send(apiDb, [event])).toEqual({ accepted: 1, held: 0 });
    // It is billed by now, so it can't be dismissed.
    expect(
      await dismissQuarantined(apiDb, { heldFor: 'unknown_tenant', tenantId }, BY),
    ).toMatchObject({ dismissed: 0, already_accepted: 1 });
    expect(await releaseQuarantined(apiDb, { tenantId }, BY, options())).toMatchObject({
      released: 1,
      already_accepted: 1,
      added: [],
    });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 1, total: '0.25' });
  });

  test('stay held with the new reason if another cause remains', async () => {
    const tenantId = newTenant();
    await send(apiDb, [eventOf(tenantId, { currency: 'USD' })]);
    await seedTenant(db, tenantId);
    const released = await releaseQuarantined(apiDb, { tenantId }, BY, options());
    expect(released).toMatchObject({
      released: 0,
      still_held: [{ held_for: 'wrong_currency', events: 1 }],
    });
    expect(released.still_held[0]?.example).toContain('is billed in AUD, not in USD');
    expect(await heldOf(db, tenantId)).toMatchObject([{ reason: 'wrong_currency', state: 'held' }]);
    expect(await releaseCured(workerDb, options())).toMatchObject({ still_held: [] });

    const assign = { currency: 'AUD' };
    const relabelled = { ...BY, assign };
    expect(await releaseQuarantined(apiDb, { tenantId }, relabelled, options())).toMatchObject({
      released: 1,
    });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 1, total: '0.25' });
  });

  test('keep their reason if an operator tried wrong ids', async () => {
    const tenantId = newTenant();
    await send(apiDb, [eventOf(tenantId)]);
    const assign = { tenant_id: 'nobody', deployment_id: 'nobody-a' };
    const tried = await releaseQuarantined(apiDb, { tenantId }, { ...BY, assign }, options());
    expect(tried.still_held).toEqual([
      { held_for: 'unknown_tenant', events: 1, example: 'there is no tenant nobody' },
    ]);
    expect(await heldOf(db, tenantId)).toMatchObject([
      { detail: `there is no tenant ${tenantId}` },
    ]);
  });

  test('with one id and two contents: the first one is released, the other is a conflict', async () => {
    const tenantId = newTenant();
    const event = eventOf(tenantId);
    await send(apiDb, [event, { ...event, charge_cents: '9' }]);
    await seedTenant(db, tenantId);
    expect(await releaseCured(workerDb, options())).toMatchObject({
      released: 1,
      still_held: [{ held_for: 'conflict', events: 1 }],
    });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 1, total: '0.25' });
    // A conflict is about another event, so it can be dismissed.
    expect(await dismissQuarantined(apiDb, { heldFor: 'conflict', tenantId }, BY)).toMatchObject({
      dismissed: 1,
    });
  });

  test('are released in chunks, of which a limit leaves the rest', async () => {
    const tenantId = newTenant();
    await send(apiDb, eventsOf(tenantId, 700));
    await seedTenant(db, tenantId);
    const some = await releaseQuarantined(apiDb, { tenantId }, BY, options({ maxEvents: 600 }));
    expect(some).toMatchObject({ released: 600, is_complete: false });
    const rest = await releaseQuarantined(apiDb, { tenantId }, BY, options({ maxEvents: 600 }));
    expect(rest).toMatchObject({ released: 100, is_complete: true });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 700, total: '175' });
  });

  test('of a model beyond the limit are counted with all other models', async () => {
    const tenantId = newTenant();
    await seedTenant(db, tenantId);
    const models = Array.from({ length: MAX_MODELS - 1 }, (_, n) =>
      eventOf(tenantId, { model: `model-${n}` }),
    );
    await send(apiDb, models);
    const late = ['z-first', 'z-second', 'model-7'].map((model) =>
      eventOf(tenantId, { model, currency: 'USD' }),
    );
    await send(apiDb, late);
    const assign = { currency: 'AUD' };
    expect(
      await releaseQuarantined(apiDb, { tenantId }, { ...BY, assign }, options()),
    ).toMatchObject({ released: 3 });
    const counts = await db.any(sql.type(z.object({ model: z.string(), events: z.number() }))`
      SELECT model, event_count AS events FROM usage_buckets
      WHERE tenant_id = ${tenantId} AND model IN ('', 'model-7', 'z-first', 'z-second') ORDER BY model
    `);
    expect(counts).toEqual([
      { model: '', events: 1 },
      { model: 'model-7', events: 2 },
      { model: 'z-first', events: 1 },
    ]);
  });

  test('are all that the worker can store, exactly as they were sent', async () => {
    const tenantId = newTenant();
    const other = newTenant();
    const event = eventOf(tenantId);
    await send(apiDb, [event]);
    await seedTenant(db, tenantId);
    await seedTenant(db, other);
    await addDeployment(db, `${tenantId}-b`, tenantId);
    const [id] = await findHeld(apiDb, { tenantId }, 0, 1);
    const row = {
      ...{ quarantineId: id!, id: event.gateway_request_id as string, tenantId, model: 'large-2' },
      ...{ deploymentId: `${tenantId}-a`, occurredAt: '2026-05-10T12:00:00Z' },
      ...{ serviceMonth: '2026-05-01', chargeCents: '0.25', currency: 'AUD', contentHash: '00' },
      ...{ inputTokens: null, outputTokens: null, attributes: null },
    };
    const store = (more: Partial<typeof row>) =>
      workerDb.transaction(async (tx) => {
        const event = { ...row, ...more };
        const { tenantId, deploymentId, serviceMonth, model } = event;
        const place = { tenantId, deploymentId, serviceMonth, model, resourceKind: 'llm_usage' };
        const [bucket] = await lockOpenBuckets(tx, 'llm', [place]);
        return storeHeldUsage(tx, [{ ...event, bucketId: bucket!.bucketId }]);
      });
    for (const more of [
      { chargeCents: '25' },
      { occurredAt: '2026-06-10T12:00:00Z' },
      { serviceMonth: '2026-04-01' },
      { currency: 'USD' },
      { id: 'litellm:another' },
      { quarantineId: id! + 1 },
      { tenantId: other, deploymentId: `${other}-a` },
      { deploymentId: `${tenantId}-b` },
      { model: 'small' },
    ]) {
      expect(await refusalOf(store(more)), JSON.stringify(more)).toContain(
        'only usage whose cause was fixed',
      );
    }
    const holdFor = (reason: string) =>
      db.query(sql.typeAlias('nothing')`
        UPDATE quarantined_events SET reason = ${reason} WHERE quarantine_id = ${id!}`);
    for (const reason of QUARANTINE_REASONS.filter(
      (one) => !SWEPT.some((swept) => swept === one),
    )) {
      await holdFor(reason);
      expect(await refusalOf(store({})), reason).toContain('only usage whose cause was fixed');
    }
    await holdFor('unknown_tenant');
    expect(await store({})).toEqual([event.gateway_request_id]);
    expect(await store({}), 'again').toEqual([]);
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 1, total: '0.25' });
  });
});

describe('bounds of time', () => {
  const bounded = options({ timeBounds: DEFAULT_TIME_BOUNDS });
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
  const at = (when: Date) => ({ occurred_at: when.toISOString() });

  test('an event that was too old when it came is only released if an operator names it', async () => {
    const tenantId = newTenant();
    await seedTenant(db, tenantId);
    const sent = await send(apiDb, [eventOf(tenantId, at(ago(80)))], DEFAULT_TIME_BOUNDS);
    expect(sent).toEqual({ accepted: 0, held: 1 });
    expect(await heldOf(db, tenantId)).toMatchObject([{ reason: 'too_old' }]);
    expect(await releaseCured(workerDb, bounded)).toMatchObject({ released: 0 });
    expect(await releaseQuarantined(apiDb, { tenantId }, BY, bounded)).toMatchObject({
      released: 0,
      still_held: [],
    });
    const named = { tenantId, heldFor: 'too_old' } as const;
    expect(await releaseQuarantined(apiDb, named, BY, bounded)).toMatchObject({ released: 1 });
  });

  test('an event of an unknown tenant that is also too old needs the operator, too', async () => {
    const tenantId = newTenant();
    await send(apiDb, [eventOf(tenantId, at(ago(80)))], DEFAULT_TIME_BOUNDS);
    await seedTenant(db, tenantId);
    expect(await releaseCured(workerDb, bounded)).toMatchObject({
      released: 0,
      still_held: [{ held_for: 'too_old', events: 1 }],
    });
  });

  test('an event does not become too old while it is held', async () => {
    const tenantId = newTenant();
    await send(apiDb, [eventOf(tenantId, at(ago(50)))], DEFAULT_TIME_BOUNDS);
    await seedTenant(db, tenantId);
    const later = { ...bounded, now: ago(-100) };
    expect(await releaseCured(workerDb, later)).toMatchObject({ released: 1, still_held: [] });
  });

  test('an event that was too early is released when its time has come', async () => {
    const tenantId = newTenant();
    await seedTenant(db, tenantId);
    await send(apiDb, [eventOf(tenantId, at(ago(-1)))], DEFAULT_TIME_BOUNDS);
    expect(await heldOf(db, tenantId)).toMatchObject([{ reason: 'too_early' }]);
    expect(await releaseCured(workerDb, bounded)).toMatchObject({ released: 0, still_held: [] });
    expect(await releaseCured(workerDb, { ...bounded, now: ago(-2) })).toMatchObject({
      released: 1,
    });
  });
});

describe('interrupted and concurrent releases', () => {
  test('bill once when several run at once, in the API and in the worker', async () => {
    const tenantId = newTenant();
    const events = eventsOf(tenantId, 600);
    await send(apiDb, events);
    await seedTenant(db, tenantId);
    const results = await Promise.all([
      releaseCured(workerDb, options()),
      releaseQuarantined(apiDb, { tenantId }, BY, options()),
      releaseQuarantined(apiDb, { tenantId }, BY, options()),
      send(apiDb, events),
    ]);
    expect(results[3]).toMatchObject({ held: 0 });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 600, total: '150' });
    expect(await releaseQuarantined(apiDb, { tenantId }, BY, options())).toMatchObject({
      still_held: [],
    });
    const states = (await heldOf(db, tenantId)).map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['released']));
  });

  test('bill once when one is killed in the middle', async () => {
    const tenantId = newTenant();
    await send(apiDb, eventsOf(tenantId, 20));
    await seedTenant(db, tenantId);
    const superuser = new pg.Client({ connectionString: testDatabase.superuserUrl });
    await superuser.connect();
    try {
      // The events are in the ledger when the release waits for this.
      await superuser.query(`BEGIN; LOCK TABLE quarantined_events IN SHARE MODE`);
      const killed = releaseCured(workerDb, options());
      const outcome = killed.then(
        () => 'released',
        () => 'killed',
      );
      await untilLockIsWaitedFor(testDatabase.superuserUrl, undefined, 'test-quarantine-worker');
      await superuser.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'test-quarantine-worker' AND wait_event_type = 'Lock'`);
      expect(await outcome).toBe('killed');
      await superuser.query('COMMIT');
    } finally {
      await superuser.end();
    }
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 0, total: '0' });
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 20 });
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 0 });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 20, total: '5' });
  });

  /** The worker's activity, which can't store what mentions this text, and what it has logged. */
  function sweepWithout(text: string) {
    const logged: string[] = [];
    const broken = interceptQueries(workerDb, (query) => {
      const isIt = query.values.some((value) => String(value).includes(text));
      return query.sql.includes('store_held_usage') && isIt
        ? { ...query, sql: query.sql.replace('store_held_usage', 'no_such_function') }
        : query;
    });
    const { releaseCuredUsage } = createActivities({
      ...{ ...ACTIVITY_DEPS, db: broken, timeBounds: ANY_TIME },
      logger: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
    });
    return { logged, sweep: () => releaseCuredUsage({ after: 0 }) };
  }

  test("events that an error keeps held don't stop the others", async () => {
    const [bad, good] = [newTenant(), newTenant()];
    await send(apiDb, [...eventsOf(bad, 3), ...eventsOf(good, 20), ...eventsOf(bad, 1)]);
    for (const tenantId of [bad, good]) await seedTenant(db, tenantId);
    const { logged, sweep } = sweepWithout(`"${bad}"`);
    expect(await sweep()).toEqual({ released: 20, stillHeld: 0, failed: 4, next: null });
    expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { events: 4, msg: 'could not release held usage' },
    ]);
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 4 });
  });

  test('the activity fails visibly if it can release nothing', async () => {
    const tenantId = newTenant();
    await send(apiDb, eventsOf(tenantId, 3));
    await seedTenant(db, tenantId);
    await expect(sweepWithout(`"${tenantId}"`).sweep()).rejects.toMatchObject({
      nonRetryable: true,
      message: expect.stringContaining('no held usage could be released') as unknown,
    });
    expect(await releaseCured(workerDb, options())).toMatchObject({ released: 3 });
  });

  test('continue where a call has ended because its time was over', async () => {
    const tenantId = newTenant();
    await send(apiDb, eventsOf(tenantId, 600));
    await seedTenant(db, tenantId);
    const first = await releaseCured(workerDb, { ...options(), until: 0 });
    expect(first).toMatchObject({ released: 500 });
    const rest = { ...options(), after: first.next ?? 0, until: 0 };
    const second = await releaseCured(workerDb, rest);
    expect(second).toMatchObject({ released: 100 });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 600, total: '150' });
    const last = { ...options(), after: second.next ?? 0, until: 0 };
    expect(await releaseCured(workerDb, last)).toMatchObject({ released: 0, next: null });
  });

  test('a dismissal and a release at once: each event is billed or dismissed, never both', async () => {
    const tenantId = newTenant();
    await send(apiDb, eventsOf(tenantId, 1_000));
    await seedTenant(db, tenantId);
    const [released, { dismissed }] = await Promise.all([
      releaseQuarantined(apiDb, { tenantId }, BY, options()),
      dismissQuarantined(apiDb, { tenantId, heldFor: 'unknown_tenant' }, BY),
    ]);
    expect(released.released + dismissed).toBe(1_000);
    expect((await ledgerOf(db, tenantId)).events).toBe(released.released);
  });
});
