import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MAX_LITELLM_BYTES } from '../../src/api/routes/litellm-route.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { insertSigningSecret } from '../../src/db/access/signing-secrets.ts';
import { sql } from '../../src/db/sql.ts';
import { dismissQuarantined } from '../../src/ingestion/quarantine/dismiss-quarantined.ts';
import { releaseCured } from '../../src/ingestion/quarantine/release-quarantined.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { countEvents, expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { lockTable, untilLockIsWaitedFor } from '../_util/locks.ts';
import { head, openRaw } from './_sockets.ts';
import { startTestServer, type TestServer } from './_server.ts';

const PATH = '/api/v1/integrations/litellm';
const SAMPLE = readFileSync(new URL('../litellm/sample.ndjson', import.meta.url), 'utf8');
const LINES = SAMPLE.trimEnd().split('\n');

const NONE = {
  ...{ accepted: 0, duplicates: 0, conflicts: 0, unpriced: 0, quarantined: 0 },
  counted: { failures: 0, cache_hits: 0, no_cost: 0 },
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await seedUsd('harbour-studio', 'harbour-studio-web');
  await seedUsd('juniper-labs', 'juniper-labs-api');
});
afterAll(async () => {
  await expectBucketsToAddUp(server.db);
  await server[Symbol.asyncDispose]();
});

async function seedUsd(tenantId: string, deploymentId: string, db = server.db): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO tenants (tenant_id, name, currency) VALUES (${tenantId}, ${tenantId}, 'USD')`);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO deployments (deployment_id, tenant_id) VALUES (${deploymentId}, ${tenantId})`);
}

/** An event as LiteLLM sends it, with the given fields replaced. */
function sent(fields: object = {}, metadata: object = {}) {
  const id = crypto.randomUUID();
  return {
    ...{ id: `chatcmpl-${id}`, litellm_call_id: id, status: 'success', cache_hit: null },
    ...{ startTime: 1795959293.297993, model: 'openai/gpt-large', model_group: 'large' },
    ...{ response_cost: 0.5, total_tokens: 29, prompt_tokens: 11, completion_tokens: 18 },
    metadata: {
      user_api_key_alias: 'harbour-studio-web',
      user_api_key_team_id: 'harbour-studio',
      user_api_key_auth_metadata: {},
      ...metadata,
    },
    ...fields,
  };
}

interface PostOptions {
  readonly key?: string;
  readonly type?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly on?: TestServer;
}

async function post(body: string | Buffer, options: PostOptions = {}) {
  const { on = server, key = on.keys.gateway, type = 'application/json', query = '' } = options;
  const response = await fetch(`${on.api.url}${PATH}${query}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': type, ...options.headers },
    body,
  });
  const answer = (await response.json()) as {
    counts?: typeof NONE;
    type?: string;
    detail?: string;
  };
  return { status: response.status, ...answer };
}

async function countsOf(body: string | Buffer, options: PostOptions = {}) {
  const { status, counts, detail } = await post(body, options);
  expect({ status, detail }).toEqual({ status: 200, detail: undefined });
  return counts;
}

const heldRow = z.object({
  id: z.string(),
  reason: z.string(),
  detail: z.string(),
  fields: z.string(),
});
/** What is held in quarantine. */
function held(on = server) {
  return on.db.any(sql.type(heldRow)`
    SELECT source_id AS id, reason, detail, fields::text FROM quarantined_events ORDER BY quarantine_id`);
}

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
  counted: { failures: 4, cache_hits: 2, no_cost: 0 },
  // The master key's request has no tenant.
  quarantined: 1,
};
const AGAIN = { ...ALL_OF_SAMPLE, accepted: 0, duplicates: 12 };

test('the events of a real proxy are taken in every format, and nothing is stored that billing does not need', async () => {
  await using fresh = await startTestServer();
  await seedUsd('harbour-studio', 'harbour-studio-web', fresh.db);
  await seedUsd('juniper-labs', 'juniper-labs-api', fresh.db);
  const on = { on: fresh };
  expect(await countsOf(`[${LINES.join(', ')}]`, on)).toEqual(ALL_OF_SAMPLE);
  expect(await sums(fresh)).toEqual([
    { deployment: 'harbour-studio-web', model: 'large', events: 1, total: '0.0207504375' },
    { deployment: 'harbour-studio-web', model: 'odd', events: 1, total: '0.003146666667' },
    { deployment: 'harbour-studio-web', model: 'small', events: 4, total: '0.00555' },
    { deployment: 'juniper-labs-api', model: 'gpt4o', events: 1, total: '0.0015' },
    { deployment: 'juniper-labs-api', model: 'large', events: 2, total: '0.0437509375' },
    { deployment: 'juniper-labs-api', model: 'small', events: 3, total: '0.00405' },
  ]);

  expect(await countsOf(SAMPLE, { ...on, type: 'application/x-ndjson' })).toEqual(AGAIN);
  expect(await countsOf(SAMPLE, { ...on, type: 'text/plain; charset=latin1' })).toEqual(AGAIN);
  const headers = { 'Content-Encoding': 'gzip' };
  expect(await countsOf(gzipSync(`[${LINES.join(',')}]`), { ...on, headers })).toEqual(AGAIN);
  for (const line of LINES.slice(0, 3)) {
    expect(await countsOf(line, on)).toEqual({ ...NONE, duplicates: 1 });
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

describe('held in quarantine, without harm to the others, is', () => {
  /** Sends an event between two good ones. @returns what is held of it */
  async function between(event: string, expected: object = { quarantined: 1 }) {
    const before = await held();
    const body = `[${JSON.stringify(sent())}, ${event}, ${JSON.stringify(sent())}]`;
    expect(await countsOf(body)).toEqual({ ...NONE, accepted: 2, ...expected });
    expect(await countsOf(body)).toEqual({ ...NONE, duplicates: 2, ...expected });
    const [row, ...others] = (await held()).slice(before.length);
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
  ])('%s', async (_what, event, reason, detail) => {
    expect(await between(event)).toMatchObject({ reason, detail: expect.stringContaining(detail) });
  });

  test('another event with the same id, which the client chose', async () => {
    const ids = { id: crypto.randomUUID(), litellm_call_id: 'my-own' };
    expect(await countsOf(of(ids))).toEqual({ ...NONE, accepted: 1 });
    const other = await between(of({ ...ids, response_cost: 0.75 }), { conflicts: 1 });
    expect(other).toMatchObject({ reason: 'conflict', id: `litellm:my-own:${ids.id}` });
  });

  test('a request that used tokens of a model without a price', async () => {
    const row = await between(of({ response_cost: 0 }), { unpriced: 1 });
    expect(row).toMatchObject({ reason: 'unpriced_model' });
  });

  test('an event that is cut off in a line, or at the end of the body', async () => {
    const cut = () => of({}).slice(0, 200);
    const before = (await held()).length;
    const body = `${cut()}\n${of({})}\n${cut()}`;
    expect(await countsOf(body)).toEqual({ ...NONE, accepted: 1, quarantined: 2 });
    const rows = (await held()).slice(before);
    expect(rows.map(({ reason }) => reason)).toEqual(['malformed', 'malformed']);
  });
});

test('an event that is repeated in its batch counts once', async () => {
  const event = JSON.stringify(sent());
  expect(await countsOf(`[${event},${event}]`)).toEqual({ ...NONE, accepted: 1, duplicates: 1 });
});

describe("a row of LiteLLM's own log, which only knows milliseconds,", () => {
  const log = { query: '?source=spend_log' };
  /** An event that its callback sends, and its row in the log. */
  const both = (fields: object, deployment = 'harbour-studio-web') => {
    const event = sent(fields, { user_api_key_alias: deployment });
    return [event, { ...event, startTime: 1795959293.298 }].map((one) => JSON.stringify(one));
  };
  const createDeployment = (id: string) =>
    server.db.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id) VALUES (${id}, 'harbour-studio')`);

  test('is a duplicate of the event whose id has the same start, to the millisecond', async () => {
    const id = crypto.randomUUID();
    const [called = '', logged = ''] = both({ id, litellm_call_id: id });
    expect(await countsOf(called)).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(logged, log)).toEqual({ ...NONE, duplicates: 1 });
  });

  test('neither hides nor repeats the conflict of two requests of one millisecond', async () => {
    const id = crypto.randomUUID();
    const [first = '', logged = ''] = both({ id, litellm_call_id: id, startTime: 1795959293.2976 });
    const [second = ''] = both({ id, litellm_call_id: id, startTime: 1795959293.2979 });
    expect(await countsOf(`${first}\n${second}`)).toEqual({ ...NONE, accepted: 1, conflicts: 1 });
    const before = await held();
    expect(await countsOf(logged, log)).toEqual({ ...NONE, duplicates: 1 });
    const dearer = logged.replace('"response_cost":0.5', '"response_cost":0.75');
    expect(await countsOf(dearer, log)).toEqual({ ...NONE, conflicts: 1 });
    expect(await held()).toEqual(before);
  });

  test('is not held beside its event as long as it can’t be accepted', async () => {
    const [called = '', logged = ''] = both({}, 'late-0');
    expect(await countsOf(called)).toEqual({ ...NONE, quarantined: 1 });
    const before = await held();
    expect(await countsOf(logged, log)).toEqual({ ...NONE, quarantined: 1 });
    expect(await held()).toEqual(before);
  });

  test('is accepted once it can be, and a release of its event adds nothing', async () => {
    const [called = '', logged = ''] = both({}, 'late-1');
    await countsOf(called);
    await createDeployment('late-1');
    expect(await countsOf(logged, log)).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(logged, log)).toEqual({ ...NONE, duplicates: 1 });
    expect(await releaseCured(server.db, { now: new Date(), timeBounds: ANY_TIME })).toMatchObject({
      ...{ released: 1, already_accepted: 1, added: [], still_held: [] },
    });
  });

  test('is accepted once it can be, although its event was dismissed', async () => {
    const [called = '', logged = ''] = both({}, 'late-2');
    await countsOf(called);
    const quarantineIds = await server.db.anyFirst(sql.type(z.object({ id: z.number() }))`
      SELECT quarantine_id AS id FROM quarantined_events WHERE deployment_id = 'late-2'`);
    const decision = { actor: 'test', reason: 'there is no such deployment' };
    const dismissal = await dismissQuarantined(server.db, { quarantineIds }, decision);
    expect(dismissal).toMatchObject({ dismissed: 1 });
    expect(await countsOf(logged, log)).toEqual({ ...NONE, quarantined: 1 });
    await createDeployment('late-2');
    expect(await countsOf(logged, log)).toEqual({ ...NONE, accepted: 1 });
  });
});

test('a time beyond the bounds is held', async () => {
  await using bounded = await startTestServer({
    now: () => new Date('2026-11-30T00:00:00Z'),
    config: { usage: { maxAgeDays: 62, maxAheadSeconds: 300 } },
  });
  await seedUsd('harbour-studio', 'harbour-studio-web', bounded.db);
  const old = JSON.stringify(sent({ startTime: 1785959293.5 }));
  const events = [old, JSON.stringify(sent({ startTime: 1799999999 })), JSON.stringify(sent())];
  const on = { on: bounded };
  expect(await countsOf(events.join('\n'), on)).toEqual({ ...NONE, accepted: 1, quarantined: 2 });
  expect((await held(bounded)).map(({ reason }) => reason).toSorted()).toEqual([
    'too_early',
    'too_old',
  ]);
  const operator = { ...on, key: bounded.keys.operator, query: '?backfill_reason=outage' };
  expect(await countsOf(old, operator)).toEqual({ ...NONE, accepted: 1 });
});

describe('the currency', () => {
  const forAcme = () =>
    JSON.stringify(sent({}, { user_api_key_team_id: 'acme', user_api_key_alias: 'acme-a' }));

  test('of the costs is that of the key', async () => {
    const key = { label: 'AUD', scope: 'gateway', currency: 'AUD' } as const;
    const { plainKey } = await createKey(server.db, key);
    expect(await countsOf(forAcme(), { key: plainKey })).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(JSON.stringify(sent()), { key: plainKey })).toMatchObject({
      quarantined: 1,
    });
    expect(await post(forAcme(), { key: plainKey, query: '?currency=USD' })).toMatchObject({
      status: 422,
      detail: expect.stringContaining("this key's costs are in AUD"),
    });
  });

  test('is named by an operator, who needs a reason', async () => {
    const key = server.keys.operator;
    const query = '?currency=AUD&backfill_reason=outage';
    expect(await countsOf(forAcme(), { key, query })).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(forAcme(), { key, query: '?backfill_reason=outage' })).toMatchObject({
      quarantined: 1,
    });
    expect(await post(forAcme(), { key })).toMatchObject({ status: 422 });
  });
});

test.each(['', '[]', ' \n', '\ufeff[]'])(
  'a body without events (%j) is answered with zeros',
  async (body) => {
    expect(await countsOf(body)).toEqual(NONE);
  },
);

test('a batch that is sent twice at the same time counts once', async () => {
  const batch = `[${Array.from({ length: 300 }, () => JSON.stringify(sent())).join(',')},null]`;
  const before = await countEvents(server.db);
  const heldBefore = await held();
  const answers = await Promise.all([countsOf(batch), countsOf(batch), countsOf(batch)]);
  const total = (field: 'accepted' | 'duplicates' | 'quarantined') =>
    answers.reduce((sum, counts) => sum + (counts?.[field] ?? 0), 0);
  expect([total('accepted'), total('duplicates'), total('quarantined')]).toEqual([300, 600, 3]);
  expect(await countEvents(server.db)).toBe(before + 300);
  expect(await held()).toHaveLength(heldBefore.length + 1);
});

test('more events than one group are all taken, and in the same counts', async () => {
  const batch = Array.from({ length: 2_500 }, () => JSON.stringify(sent())).join('\n');
  expect(await countsOf(batch)).toEqual({ ...NONE, accepted: 2_500 });
});

describe('a body', () => {
  test('of 64 MiB is read, and one byte more is refused after its events are stored', async () => {
    const event = JSON.stringify(sent());
    const filler = `{"response_cost":0,"status":"failure","messages":"${'x'.repeat(1024 * 1024)}"}\n`;
    const whole = `${event}\n${filler.repeat(63)}`;
    const room = MAX_LITELLM_BYTES - whole.length;
    const body = Buffer.from(whole + ' '.repeat(room));
    expect(body).toHaveLength(64 * 1024 * 1024);
    const counted = { failures: 63, cache_hits: 0, no_cost: 0 };
    expect(await countsOf(body)).toEqual({ ...NONE, accepted: 1, counted });
    const other = Buffer.from(JSON.stringify(sent()));
    const before = await countEvents(server.db);
    const larger = Buffer.concat([other, Buffer.from('\n'), body]);
    expect(await post(larger)).toMatchObject({
      status: 413,
      type: 'urn:arcadia:problem:too-large',
      detail: expect.stringContaining(
        'the body is larger than 64 MiB; events that arrived whole were stored',
      ),
    });
    expect(await countEvents(server.db)).toBe(before + 1);
    expect(await countsOf(other)).toEqual({ ...NONE, duplicates: 1 });
  });

  test('that is a gzip bomb is refused', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
    expect(await post(bomb, { headers })).toMatchObject({ status: 413 });
    expect(await post('no gzip', { headers })).toMatchObject({ status: 400 });
    const brotli = { 'Content-Encoding': 'br' };
    expect(await post('x', { headers: brotli })).toMatchObject({ status: 415 });
  });

  test('with more events than its size allows is refused', async () => {
    expect(await post(`[${'{},'.repeat(40_000)}{}]`)).toMatchObject({ status: 413 });
  });

  test('nested a million levels deep is read', async () => {
    const deep = `{"response_cost":0,"status":"failure","x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
    expect(await countsOf(`[${deep}]`)).toMatchObject({ counted: { failures: 1 } });
  });

  test('of a client that stops sending ends with 408, after its events are stored', async () => {
    await using impatient = await startTestServer({ timeouts: { idleMs: 200 } });
    await seedUsd('harbour-studio', 'harbour-studio-web', impatient.db);
    const connection = openRaw(
      impatient,
      head(
        `POST ${PATH}`,
        `Authorization: Bearer ${impatient.keys.gateway}`,
        'Content-Type: application/json',
        'Content-Length: 1000000',
      ),
      `[${JSON.stringify(sent())},`,
    );
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 408 /);
    expect(await countEvents(impatient.db)).toBe(1);
  });
});

describe('LiteLLM retries, because nothing is certain,', () => {
  test('while the database is not reachable', async () => {
    await using cut = await startTestServer();
    await seedUsd('harbour-studio', 'harbour-studio-web', cut.db);
    const body = JSON.stringify(sent());
    expect(await countsOf(body, { on: cut })).toEqual({ ...NONE, accepted: 1 });
    await cut.cutDatabase();
    expect(await post(body, { on: cut })).toMatchObject({ status: 503 });
  });

  test('but not while the queue is full: it waits', async () => {
    const ingestionLimits = { maxQueuedItems: 4, maxConcurrent: 1, maxGroupItems: 4 };
    await using narrow = await startTestServer({ ingestionLimits });
    await seedUsd('harbour-studio', 'harbour-studio-web', narrow.db);
    await using lock = await lockTable(narrow.superuserUrl, 'llm_usage_events');
    const batch = () => [1, 2, 3].map(() => JSON.stringify(sent())).join('\n');
    const answers = [batch(), batch(), batch()].map((body) => countsOf(body, { on: narrow }));
    await untilLockIsWaitedFor(narrow.superuserUrl);
    await lock.release();
    for (const answer of answers) expect(await answer).toEqual({ ...NONE, accepted: 3 });
  });
});

test('a key that must sign its requests is refused', async () => {
  const { plainKey, keyId } = await createKey(server.db, { label: 'signs', scope: 'gateway' });
  await insertSigningSecret(server.db, keyId);
  expect(await post('[]', { key: plainKey })).toMatchObject({ status: 403 });
});

test('metrics count events by what became of them', async () => {
  await using fresh = await startTestServer();
  await seedUsd('harbour-studio', 'harbour-studio-web', fresh.db);
  const once = JSON.stringify(sent());
  const unknown = JSON.stringify(sent({}, { user_api_key_team_id: 'nobody' }));
  const failure = JSON.stringify(sent({ status: 'failure', response_cost: null }));
  await countsOf([once, once, unknown, failure, failure].join('\n'), { on: fresh });
  const text = await (await fetch(`${fresh.api.url}/metrics`)).text();
  const counted = [...text.matchAll(/^litellm_events_total\{result="(\w+)"\} (\d+)/gm)];
  expect(Object.fromEntries(counted.map(([, result, events]) => [result, events]))).toEqual({
    ...{ accepted: '1', duplicate: '1', unknown_tenant: '1', failures: '2' },
  });
});
