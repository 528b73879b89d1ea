import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { sql } from '../../src/db/sql.ts';
import { countEvents, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { countsOf, held, NONE, post, sent, startLitellmServer } from './_litellm.ts';
import type { TestServer } from './_server.ts';

const SAMPLE = readFileSync(new URL('../litellm/sample.ndjson', import.meta.url), 'utf8');
const LINES = SAMPLE.trimEnd().split('\n');

let server: TestServer;
beforeAll(async () => {
  server = await startLitellmServer();
});
afterAll(async () => {
  await expectBucketsToAddUp(server.db);
  await server[Symbol.asyncDispose]();
});

/** The sums of the ledger by deployment and model. */
function sums(on: TestServer) {
  return on.db.any(sql.type(
    z.object({ deployment: z.string(), model: z.string(), events: z.number(), total: z.string() }),
  )`
    SELECT deployment_id AS deployment, model, count(*) AS events, trim_scale(sum(charge_cents)) AS total
    FROM llm_usage_events GROUP BY 1, 2 ORDER BY 1, 2`);
}

const ALL_OF_SAMPLE = {
  ...NONE,
  accepted: 12,
  counted: { ...NONE.counted, failures: 4, cache_hits: 2 },
  // The master key's request has no tenant.
  quarantined: 1,
};
const AGAIN = { ...ALL_OF_SAMPLE, accepted: 0, duplicates: 12 };

test('the events of a real proxy are taken in every format, and nothing is stored that billing does not need', async () => {
  await using fresh = await startLitellmServer();
  expect(await countsOf(fresh, `[${LINES.join(', ')}]`)).toEqual(ALL_OF_SAMPLE);
  expect(await sums(fresh)).toEqual([
    { deployment: 'harbour-studio-web', model: 'large', events: 1, total: '0.0207504375' },
    { deployment: 'harbour-studio-web', model: 'odd', events: 1, total: '0.003146666667' },
    { deployment: 'harbour-studio-web', model: 'small', events: 4, total: '0.00555' },
    { deployment: 'juniper-labs-api', model: 'gpt4o', events: 1, total: '0.0015' },
    { deployment: 'juniper-labs-api', model: 'large', events: 2, total: '0.0437509375' },
    { deployment: 'juniper-labs-api', model: 'small', events: 3, total: '0.00405' },
  ]);

  expect(await countsOf(fresh, SAMPLE, { type: 'application/x-ndjson' })).toEqual(AGAIN);
  expect(await countsOf(fresh, SAMPLE, { type: 'text/plain; charset=latin1' })).toEqual(AGAIN);
  const headers = { 'Content-Encoding': 'gzip' };
  expect(await countsOf(fresh, gzipSync(`[${LINES.join(',')}]`), { headers })).toEqual(AGAIN);
  for (const line of LINES.slice(0, 3)) {
    expect(await countsOf(fresh, line)).toEqual({ ...NONE, duplicates: 1 });
  }
  expect(await held(fresh)).toMatchObject([{ reason: 'unknown_tenant' }]);

  const tables = await fresh.db.anyFirst(sql.type(z.object({ row: z.string() }))`
    SELECT to_jsonb(e)::text AS row FROM llm_usage_events e
    UNION ALL SELECT to_jsonb(q)::text FROM quarantined_events q`);
  const stored = tables.join('\n');
  for (const secret of ['@', '127.0.0.1', 'urllib', 'redacted', 'a915a5f2', 'User-Agent']) {
    expect(SAMPLE).toContain(secret);
    expect(stored).not.toContain(secret);
  }
});

describe('quarantine', () => {
  /** Sends an event between two good ones. @returns what is held of it */
  async function between(event: string, expected: object = { quarantined: 1 }) {
    const before = await held(server);
    const body = `[${JSON.stringify(sent())}, ${event}, ${JSON.stringify(sent())}]`;
    expect(await countsOf(server, body)).toEqual({ ...NONE, accepted: 2, ...expected });
    expect(await countsOf(server, body)).toEqual({ ...NONE, duplicates: 2, ...expected });
    const [row, ...others] = (await held(server)).slice(before.length);
    expect(others).toEqual([]);
    return row;
  }
  const of = (fields: object, metadata?: object) => JSON.stringify(sent(fields, metadata));

  test.each([
    ['NaN', of({ response_cost: 'X' }).replace('"X"', 'NaN'), 'malformed', 'NaN, which is not'],
    ['a negative cost', of({ response_cost: -1 }), 'malformed', 'below 0'],
    [
      'a cost of a million digits',
      of({ response_cost: 'X' }).replace('"X"', '9'.repeat(1e6)),
      'malformed',
      'not a number',
    ],
    ['an event without a cost', of({ response_cost: undefined }), 'malformed', 'no response_cost'],
    ['an event that is no object', `"${crypto.randomUUID()}"`, 'malformed', 'not a JSON object'],
    [
      'a model name of 1,000 characters',
      of({ model_group: 'x'.repeat(1000) }),
      'malformed',
      'model',
    ],
    [
      'a tenant that does not exist',
      of({}, { user_api_key_team_id: 'nobody' }),
      'unknown_tenant',
      'nobody',
    ],
    [
      'a tenant with NUL',
      of({}, { user_api_key_team_id: 'a\0\ud800' }),
      'unknown_tenant',
      "can't be the id",
    ],
    ['no deployment', of({}, { user_api_key_alias: null }), 'unknown_deployment', 'nor an alias'],
    [
      'another deployment',
      of({}, { user_api_key_alias: 'other' }),
      'unknown_deployment',
      'no deployment other',
    ],
    [
      "another tenant's deployment",
      of({}, { user_api_key_alias: 'juniper-labs-api' }),
      'unknown_deployment',
      'no deployment juniper-labs-api',
    ],
    [
      'a tenant that is billed in AUD',
      of({}, { user_api_key_team_id: 'acme', user_api_key_alias: 'acme-a' }),
      'wrong_currency',
      'billed in AUD, not in USD',
    ],
  ])('%s is held, and the events around it are accepted', async (_what, event, reason, detail) => {
    expect(await between(event)).toMatchObject({ reason, detail: expect.stringContaining(detail) });
  });

  test('another event with the same id, which the client chose, is held', async () => {
    const ids = { id: crypto.randomUUID(), litellm_call_id: 'my-own' };
    expect(await countsOf(server, of(ids))).toEqual({ ...NONE, accepted: 1 });
    const other = await between(of({ ...ids, response_cost: 0.75 }), { conflicts: 1 });
    expect(other).toMatchObject({ reason: 'conflict', id: `litellm:my-own:${ids.id}` });
  });

  test('a request that used tokens of a model without a price is held', async () => {
    const row = await between(of({ response_cost: 0 }), { unpriced: 1 });
    expect(row).toMatchObject({ reason: 'unpriced_model' });
  });

  test('a request of a model that is free is counted, and not held', async () => {
    const env = { DATABASE_URL: 'postgres://x', LITELLM_FREE_MODELS: ' tiny, ollama/*,' };
    const { litellmFreeModels } = readConfig(env).api;
    await using free = await startLitellmServer({ config: { litellmFreeModels } });
    const events = ['tiny', 'ollama/llama3', 'tiny-2'].map((model) =>
      of({ response_cost: 0, model_group: model }),
    );
    const counted = { ...NONE.counted, free_models: 2 };
    // A free model that costs something is billed.
    const costing = of({ model_group: 'tiny' });
    const expected = { ...NONE, accepted: 1, counted, unpriced: 1 };
    expect(await countsOf(free, [...events, costing].join('\n'))).toEqual(expected);
    expect(await held(free)).toMatchObject([{ detail: expect.stringContaining('tiny-2') }]);
  });

  test('an event that is cut off in a line, or at the end of the body, is held', async () => {
    const cut = () => of({}).slice(0, 200);
    const before = (await held(server)).length;
    const body = `${cut()}\n${of({})}\n${cut()}`;
    expect(await countsOf(server, body)).toEqual({ ...NONE, accepted: 1, quarantined: 2 });
    const rows = (await held(server)).slice(before);
    expect(rows.map(({ reason }) => reason)).toEqual(['malformed', 'malformed']);
  });
});

test('an event that is repeated in its batch counts once', async () => {
  const event = JSON.stringify(sent());
  expect(await countsOf(server, `[${event},${event}]`)).toEqual({
    ...NONE,
    accepted: 1,
    duplicates: 1,
  });
});

test('a time beyond the bounds is held', async () => {
  await using bounded = await startLitellmServer({
    now: () => new Date('2026-11-30T00:00:00Z'),
    config: { usage: { maxAgeDays: 62, maxAheadSeconds: 300 } },
  });
  const old = JSON.stringify(sent({ startTime: 1785959293.5 }));
  const events = [old, JSON.stringify(sent({ startTime: 1799999999 })), JSON.stringify(sent())];
  expect(await countsOf(bounded, events.join('\n'))).toEqual({
    ...NONE,
    accepted: 1,
    quarantined: 2,
  });
  expect((await held(bounded)).map(({ reason }) => reason).toSorted()).toEqual([
    'too_early',
    'too_old',
  ]);
  const operator = { key: bounded.keys.operator, query: '?backfill_reason=outage' };
  expect(await countsOf(bounded, old, operator)).toEqual({ ...NONE, accepted: 1 });
});

describe('the currency', () => {
  const forAcme = () =>
    JSON.stringify(sent({}, { user_api_key_team_id: 'acme', user_api_key_alias: 'acme-a' }));

  test('of the costs is that of the key', async () => {
    const key = { label: 'AUD', scope: 'gateway', currency: 'AUD' } as const;
    const { plainKey } = await createKey(server.db, key);
    expect(await countsOf(server, forAcme(), { key: plainKey })).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(server, JSON.stringify(sent()), { key: plainKey })).toMatchObject({
      quarantined: 1,
    });
    expect(await post(server, forAcme(), { key: plainKey, query: '?currency=USD' })).toMatchObject({
      status: 422,
      detail: expect.stringContaining("this key's costs are in AUD"),
    });
  });

  test('is named by an operator, who needs a reason', async () => {
    const key = server.keys.operator;
    const query = '?currency=AUD&backfill_reason=outage';
    expect(await countsOf(server, forAcme(), { key, query })).toEqual({ ...NONE, accepted: 1 });
    expect(
      await countsOf(server, forAcme(), { key, query: '?backfill_reason=outage' }),
    ).toMatchObject({
      quarantined: 1,
    });
    expect(await post(server, forAcme(), { key })).toMatchObject({ status: 422 });
  });
});

test('a batch that is sent twice at the same time counts once', async () => {
  const batch = `[${Array.from({ length: 300 }, () => JSON.stringify(sent())).join(',')},null]`;
  const before = await countEvents(server.db);
  const heldBefore = await held(server);
  const answers = await Promise.all([
    countsOf(server, batch),
    countsOf(server, batch),
    countsOf(server, batch),
  ]);
  const total = (field: 'accepted' | 'duplicates' | 'quarantined') =>
    answers.reduce((sum, counts) => sum + (counts?.[field] ?? 0), 0);
  expect([total('accepted'), total('duplicates'), total('quarantined')]).toEqual([300, 600, 3]);
  expect(await countEvents(server.db)).toBe(before + 300);
  expect(await held(server)).toHaveLength(heldBefore.length + 1);
});

test('more events than one group are all taken, and in the same counts', async () => {
  const batch = Array.from({ length: 2_500 }, () => JSON.stringify(sent())).join('\n');
  expect(await countsOf(server, batch)).toEqual({ ...NONE, accepted: 2_500 });
});

test('metrics count events by what became of them', async () => {
  await using fresh = await startLitellmServer();
  const once = JSON.stringify(sent());
  const unknown = JSON.stringify(sent({}, { user_api_key_team_id: 'nobody' }));
  const failure = JSON.stringify(sent({ status: 'failure', response_cost: null }));
  await countsOf(fresh, [once, once, unknown, failure, failure].join('\n'));
  const text = await (await fetch(`${fresh.api.url}/metrics`)).text();
  const counted = [...text.matchAll(/^litellm_events_total\{result="(\w+)"\} (\d+)/gm)];
  expect(Object.fromEntries(counted.map(([, result, events]) => [result, events]))).toEqual({
    ...{ accepted: '1', duplicate: '1', unknown_tenant: '1', failures: '2' },
  });
});
