import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/db/pool.ts';
import {
  countQuarantined,
  listQuarantined,
  readQuarantineGauges,
} from '../../../src/db/usage/quarantine-views.ts';
import { QUARANTINE_REASONS } from '../../../src/domain/quarantine.ts';
import { digestOf, hold } from '../../../src/ingestion/quarantine/hold.ts';
import type { TestDatabase } from '../../_util/database.ts';
import { openTestDatabase } from '../../_util/open-test-database.ts';
import { periodOf } from '../../_util/utc.ts';
import { send } from './_held.ts';

let testDatabase: TestDatabase;
let apiDb: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ testDatabase, db: apiDb, close } = await openTestDatabase('apiUrl', 5));
});
afterAll(() => close());

async function asSuperuser(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: testDatabase.superuserUrl });
  await client.connect();
  return client;
}

const all = () => listQuarantined(apiDb, {}, { after: null, limit: 100 });

describe('an event', () => {
  test('keeps what was sent, with characters that PostgreSQL cannot store replaced', async () => {
    const text = 'a\0b\ud800c';
    const held = { sourceId: 'litellm:odd', reason: 'malformed', detail: `not ${text}` } as const;
    expect(await hold(apiDb, null, [{ ...held, fields: { tenant_id: text, [text]: 1 } }])).toBe(1);
    const [event] = await all();
    expect(event).toMatchObject({
      source_id: 'litellm:odd',
      held_for: 'malformed',
      detail: 'not a\ufffdb\ufffdc',
      tenant_id: 'a\ufffdb\ufffdc',
      fields: { tenant_id: 'a\ufffdb\ufffdc', 'a\ufffdb\ufffdc': 1 },
      charge_cents: null,
      occurred_at: null,
      currency: null,
    });
  });

  test('with a huge text is held with its beginning', async () => {
    // PostgreSQL can't compress it to fit into an index.
    const huge = Array.from({ length: 100_000 }, () =>
      String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000)),
    ).join('');
    const fields = { model: huge, tenant_id: huge, deployment_id: `${huge.slice(0, 199)}🙂` };
    const held = { sourceId: huge, reason: 'unknown_tenant', detail: huge, fields } as const;
    expect(await hold(apiDb, null, [held])).toBe(1);
    expect(await hold(apiDb, null, [{ ...held, sourceId: `${huge}2` }])).toBe(1);
    expect(await hold(apiDb, null, [held])).toBe(0);
    const [event] = await all();
    expect(event).toMatchObject({
      source_id: digestOf(`${huge}2`),
      tenant_id: huge.slice(0, 200),
      deployment_id: `${huge.slice(0, 199)}\ufffd`,
      fields: { model: huge.slice(0, 1_000), tenant_id: huge.slice(0, 1_000) },
      detail: huge.slice(0, 1_000),
    });
  });

  test('is held once, however many senders send it at once and in whatever order', async () => {
    const events = Array.from({ length: 300 }, (_, n) => ({
      ...{ sourceId: `litellm:once-${n}`, reason: 'malformed', detail: 'x' },
      fields: { n },
    })) satisfies Parameters<typeof hold>[2];
    const added = await Promise.all([
      hold(apiDb, null, events),
      hold(apiDb, null, events.toReversed()),
      hold(apiDb, null, [...events, ...events]),
    ]);
    expect(added.reduce((sum, each) => sum + each, 0)).toBe(300);
  });

  test('with the same id and other content is held beside the first one', async () => {
    const held = { sourceId: 'litellm:two', reason: 'conflict', detail: 'x' } as const;
    expect(await hold(apiDb, null, [{ ...held, fields: { charge_cents: '1' } }])).toBe(1);
    expect(await hold(apiDb, null, [{ ...held, fields: { charge_cents: '2' } }])).toBe(1);
    // The order of the fields is no difference.
    const [one, two] = [
      { model: 'm', charge_cents: '3' },
      { charge_cents: '3', model: 'm' },
    ];
    expect(
      await hold(apiDb, null, [
        { ...held, fields: one },
        { ...held, fields: two },
      ]),
    ).toBe(1);
  });
});

test('nothing to hold costs no statement', async () => {
  const closed = { any: () => Promise.reject(new Error('asked')) };
  expect(await hold(closed as unknown as Database, null, [])).toBe(0);
});

describe('counts', () => {
  test('are by reason and currency, for the month of the event', async () => {
    const database = await openTestDatabase('apiUrl', 3);
    const { db } = database;
    try {
      const event = (id: string, more: object) => ({
        ...{ gateway_request_id: id, tenant_id: 'nobody', deployment_id: 'x', model: 'm' },
        ...{ occurred_at: '2026-05-31T23:59:59.999999Z', charge_cents: '0.000000000001' },
        currency: 'USD',
        ...more,
      });
      await send(db, [
        event('a', {}),
        event('b', { charge_cents: '2' }),
        event('c', { currency: 'JPY', charge_cents: '3' }),
        event('d', { occurred_at: '2026-06-01T00:00:00Z' }),
        event('e', { charge_cents: 'much' }),
      ]);
      expect(await countQuarantined(db, { period: periodOf('2026-05') })).toEqual([
        { held_for: 'malformed', currency: 'USD', events: 1, charge_cents: '0' },
        { held_for: 'unknown_tenant', currency: 'JPY', events: 1, charge_cents: '3' },
        {
          ...{ held_for: 'unknown_tenant', currency: 'USD', events: 2 },
          charge_cents: '2.000000000001',
        },
      ]);
      const gauges = await readQuarantineGauges(db);
      expect(gauges.map(({ heldFor }) => heldFor)).toEqual([...QUARANTINE_REASONS].sort());
      expect(Object.fromEntries(gauges.map((each) => [each.heldFor, each.events]))).toMatchObject({
        unknown_tenant: 4,
        malformed: 1,
        too_old: 0,
      });
    } finally {
      await database.close();
    }
  });
});

test('what was received never changes, and a decision is made once, for every role', async () => {
  const held = { sourceId: 'litellm:kept', reason: 'malformed', detail: 'x', fields: {} } as const;
  await hold(apiDb, null, [held]);
  const superuser = await asSuperuser();
  const change = (what: string) =>
    superuser.query(`UPDATE quarantined_events SET ${what} WHERE source_id = 'litellm:kept'`);
  try {
    for (const what of [
      'charge_cents = 1',
      `fields = '{"a":1}'`,
      "received_at = now() - interval '1 day'",
    ]) {
      await expect(change(what), what).rejects.toThrow('stays as it is');
    }
    await expect(change(`state = 'dismissed'`)).rejects.toThrow('violates check constraint');
    await change(`state = 'dismissed', actor = 'x', decision_reason = 'x', decided_at = now()`);
    await expect(change(`decision_reason = 'y'`)).rejects.toThrow('stays as it is');
    await expect(
      superuser.query(`DELETE FROM quarantined_events WHERE source_id = 'litellm:kept'`),
    ).rejects.toThrow('append-only');
  } finally {
    await superuser.end();
  }
});
