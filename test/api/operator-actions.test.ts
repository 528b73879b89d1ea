import { hash } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isOperatorAction } from '../../src/api/http/record-call.ts';
import { defineRoute, reply } from '../../src/api/http/define-route.ts';
import { ROUTES } from '../../src/api/routes/all-routes.ts';
import { createKey, findByHash, hashApiKey } from '../../src/db/access/api-keys.ts';
import {
  answerOperatorAction,
  insertOperatorAction,
  listOperatorActions,
  type NewOperatorAction,
  type OperatorAction,
} from '../../src/db/month-end/operator-actions.ts';
import { sql } from '../../src/db/sql.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const PATH = '/api/v1/operator-actions';
const ID = crypto.randomUUID();

const latest = async (): Promise<OperatorAction | undefined> =>
  (await listOperatorActions(api.db, {}, { after: null, limit: 1 }))[0];

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  api.call('post', path, { key: api.keys.operator, body, headers });

test('covers every route that changes something', () => {
  const changing = ROUTES.filter(
    ({ method, scopes }) => method !== 'get' && scopes?.includes('operator'),
  );
  expect(changing.length).toBeGreaterThan(3);
  const leftOut = changing.filter((route) => !isOperatorAction(route, { scope: 'operator' }));
  // A quote changes nothing.
  expect(leftOut.map(({ operationId }) => operationId)).toEqual(['postQuote']);
});

describe("the record of an operator's action", () => {
  test('done: has actor, action, body and result', async () => {
    const body = { month: '2026-05', force: true, tenant_ids: ['acme'], reason: 'late usage' };
    const answer = await post('/api/v1/roll-ups', body, { 'X-Request-Id': 'req-4711' });
    expect(answer.status).toBe(202);
    const { keyId } = (await findByHash(api.db, hashApiKey(api.keys.operator)))!;
    const checked = { ...body, only_if_changed: false, accept_bounds: false };
    const row = await latest();
    expect(row).toMatchObject({
      actor: 'key:ops',
      key_id: keyId,
      channel: 'api',
      action: 'postRollUp',
      target: {},
      input: checked,
      request_id: 'req-4711',
      outcome: 'done',
      status: 202,
      detail: null,
    });
    const text = JSON.stringify(row?.input);
    expect(row).toMatchObject({ input_sha256: hash('sha256', text), input_bytes: text.length });
    expect(Date.parse(row!.answered_at!)).toBeGreaterThanOrEqual(Date.parse(row!.requested_at));
  });

  test('a stream: has its last line as the result', async () => {
    const path = '/api/v1/integrations/llm-usage';
    const lines = [llmEvent(), llmEvent({ charge_cents: 'a lot' })];
    const stream = (query: string) =>
      api.call('post', `${path}${query}`, {
        key: api.keys.operator,
        raw: lines.map((line) => JSON.stringify(line)).join('\n'),
        headers: { 'Content-Type': 'application/x-ndjson' },
      });
    expect((await stream('?backfill_reason=outage')).status).toBe(200);
    const row = await latest();
    expect(row).toMatchObject({
      action: 'postLlmUsage',
      target: { backfill_reason: 'outage' },
      outcome: 'done',
      status: 200,
      detail: JSON.stringify({
        summary: { accepted: 1, duplicate: 0, conflict: 0, retry_later: 0, rejected: 1, lines: 2 },
      }),
    });
    // Without a reason nothing is streamed or recorded.
    expect((await stream('')).status).toBe(422);
    expect((await latest())?.action_id).toBe(row?.action_id);
  });

  test.each([
    ['voidInvoice', `/api/v1/invoices/${ID}/void`, { reason: 'x' }, { invoice_id: ID }],
    [
      'postInvoiceCredit',
      `/api/v1/invoices/${ID}/credits`,
      { request_id: 'r', line_no: 1, amount_cents: 1, reason: 'x' },
      { invoice_id: ID },
    ],
    [
      'postUsageExclusion',
      '/api/v1/usage-exclusions',
      { source: 'llm', event_id: 'nobody-knows-it', reason: 'x' },
      {},
    ],
  ])('%s: refused, with the reason', async (action, path, body, target) => {
    const answer = await post(path, body);
    const { detail } = answer.body as { detail: string };
    expect(await latest()).toMatchObject({
      action,
      target,
      input: body,
      outcome: 'refused',
      status: 404,
      detail,
    });
  });

  test('failed: because of a server error', async () => {
    await using down = await createTestApi({ monthEnd: null });
    const { status } = await down.call('post', '/api/v1/roll-ups', {
      key: down.keys.operator,
      body: { month: '2026-05' },
    });
    expect(status).toBe(503);
    const [row] = await listOperatorActions(down.db, {}, { after: null, limit: 1 });
    expect(row).toMatchObject({ action: 'postRollUp', outcome: 'failed', status: 503 });
  });
});

test('records nothing for reads, invalid requests and other scopes', async () => {
  const before = await latest();
  const calls = [
    await post('/api/v1/quote', { plan_code: 'studio' }),
    await post('/api/v1/roll-ups', { month: 'May' }),
    await api.call('get', '/api/v1/invoices', { key: api.keys.operator }),
    await api.call('post', '/api/v1/integrations/llm-usage', {
      key: api.keys.gateway,
      body: llmEvent(),
    }),
    await api.call('post', '/api/v1/roll-ups', { key: api.keys.acme, body: { month: '2026-05' } }),
  ];
  expect(calls.map(({ status }) => status)).toEqual([200, 422, 200, 201, 403]);
  expect(await latest()).toEqual(before);
});

test('an action that cannot be recorded is not done', async () => {
  await using broken = await createTestApi();
  await asSuperuser(broken.superuserUrl, (client) =>
    client.query('ALTER TABLE operator_actions RENAME TO gone'),
  );
  const { status } = await broken.call('post', '/api/v1/roll-ups', {
    key: broken.keys.operator,
    body: { month: '2026-05' },
  });
  expect(status).toBe(500);
  expect(broken.requested).toEqual([]);
});

describe('a test route', () => {
  /** The record of a route, during and after its run. */
  async function run(body: unknown, work: () => Promise<void>) {
    const route = defineRoute(
      {
        method: 'put',
        path: '/things/{thing_id}',
        operationId: 'putThing',
        tag: 'Test',
        summary: 'x',
        scopes: ['operator'],
        rateLimited: true,
        params: z.strictObject({ thing_id: z.string() }),
        query: z.strictObject({ dry_run: z.string() }),
        body: z.unknown(),
        responses: { 200: { description: 'x', schema: z.object({}) } },
      },
      async () => {
        await work();
        return reply(200, {});
      },
    );
    const { plainKey, ...caller } = await createKey(api.db, { scope: 'operator', label: 'own' });
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const call = {
      params: { thing_id: 'a' },
      query: { dry_run: 'no' },
      body,
      caller: { ...caller, signingSecretIds: [] },
      requestId: 'r',
    };
    const deps = { db: api.db, logger } as never;
    return {
      answer: await route.handle(call, deps).catch((error: unknown) => error),
      lines,
      plainKey,
    };
  }

  test('is recorded before it runs, without an outcome', async () => {
    let during: OperatorAction | undefined;
    await run({ n: 1 }, async () => {
      during = await latest();
    });
    expect(during).toMatchObject({
      action: 'putThing',
      target: { thing_id: 'a', dry_run: 'no' },
      outcome: null,
      status: null,
      answered_at: null,
    });
    expect(await latest()).toMatchObject({ action_id: during?.action_id, outcome: 'done' });
  });

  test('a server error is recorded without its details', async () => {
    const { answer } = await run({}, () => Promise.reject(new Error('secret details')));
    expect(answer).toMatchObject({ message: 'secret details' });
    const row = await latest();
    expect(row).toMatchObject({ action: 'putThing', outcome: 'failed', status: 500 });
    expect(row?.detail).not.toContain('secret');
  });

  test('an outcome that cannot be recorded is logged, and the action stays done', async () => {
    const { answer, lines } = await run({}, async () => {
      const { action_id: actionId } = (await latest())!;
      await answerOperatorAction(api.db, actionId, {
        outcome: 'failed',
        status: 1,
        detail: 'first',
      });
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(lines.join('')).toContain("could not record the outcome of an operator's action");
    expect(await latest()).toMatchObject({ outcome: 'failed', detail: 'first' });
  });

  test('records any JSON text, and only the digest of a long one', async () => {
    const odd = { text: '\u0000 \ud800 " \\ 🧾' };
    await run(odd, () => Promise.resolve());
    expect((await latest())?.input).toEqual(odd);
    const atMost = 'x'.repeat(8192 - 2);
    await run(atMost, () => Promise.resolve());
    expect(await latest()).toMatchObject({ input: atMost, input_bytes: 8192 });
    const long = `${atMost}x`;
    await run(long, () => Promise.resolve());
    expect(await latest()).toMatchObject({
      input: null,
      input_bytes: 8193,
      input_sha256: hash('sha256', JSON.stringify(long)),
    });
    await run(undefined, () => Promise.resolve());
    expect(await latest()).toMatchObject({ input: null, input_bytes: 4 });
  });
});

test('never records a key', async () => {
  const rows = await api.db.any(
    sql.type(z.object({ row: z.string() }))`SELECT a::text AS row FROM operator_actions a`,
  );
  expect(rows.length).toBeGreaterThan(5);
  expect(JSON.stringify(rows)).not.toContain('arc_operator_');
});

describe('the list', () => {
  const ACTION: NewOperatorAction = {
    actor: 'cli:lister',
    keyId: null,
    channel: 'cli',
    action: 'schedule.pause',
    target: {},
    input: {},
    requestId: null,
  };
  const list = async (query = '') => {
    const response = await api.call('get', `${PATH}?${query}`, { key: api.keys.operator });
    expect(response.status).toBe(200);
    return response.body as { operator_actions: OperatorAction[]; next_cursor: string | null };
  };

  test('is paged, latest first', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await insertOperatorAction(api.db, ACTION));
    const seen: number[] = [];
    let cursor: string | null = '';
    const sizes: number[] = [];
    do {
      const page: Awaited<ReturnType<typeof list>> = await list(
        `actor=cli:lister&limit=2${cursor && `&cursor=${cursor}`}`,
      );
      sizes.push(page.operator_actions.length);
      seen.push(...page.operator_actions.map(({ action_id: id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(sizes).toEqual([2, 2, 1]);
    expect(seen).toEqual(ids);
  });

  test('is filtered by actor, action and time', async () => {
    await insertOperatorAction(api.db, { ...ACTION, actor: 'cli:other' });
    const id = await insertOperatorAction(api.db, { ...ACTION, action: 'schedule.resume' });
    const ids = async (query: string) =>
      (await list(query)).operator_actions.map(({ action_id }) => action_id);
    expect(await ids('actor=cli:lister&action=schedule.resume')).toEqual([id]);
    expect(await ids('actor=cli:nobody')).toEqual([]);
    const { requested_at: at } = (await list('limit=1')).operator_actions[0]!;
    expect(await ids(`since=${at}`)).toEqual([id]);
    expect(await ids('since=2199-01-01T00:00:00Z')).toEqual([]);
  });

  test('is filtered by outcome, and by tenant', async () => {
    const about = { ...ACTION, actor: 'cli:teller' };
    const named = await insertOperatorAction(api.db, { ...about, input: { tenant: 'acme' } });
    const others = await insertOperatorAction(api.db, { ...about, input: { tenant: 'zeta' } });
    for (const [id, outcome] of [
      [named, 'refused'],
      [others, 'done'],
    ] as const) {
      await answerOperatorAction(api.db, id, { outcome, status: 1, detail: null });
    }
    const ids = async (query: string) =>
      (await list(`actor=cli:teller&${query}`)).operator_actions.map(({ action_id }) => action_id);
    expect(await ids('tenant_id=acme')).toEqual([named]);
    expect(await ids('outcome=refused')).toEqual([named]);
    expect(await ids('outcome=done')).toEqual([others]);
    expect(await ids('outcome=failed')).toEqual([]);
    expect(await ids('tenant_id=nobody')).toEqual([]);
  });

  test('names the tenant of the document that an action is about', async () => {
    const activities = createActivities({ ...ACTIVITY_DEPS, db: api.db });
    await buildInvoices({ activities }, ['acme']);
    const [invoice] = await invoicesOf(api.db, 'acme');
    const { invoiceId, number } = invoice!;
    const tenantsOf = async (target: object, input: object = {}) => {
      await insertOperatorAction(api.db, { ...ACTION, target, input });
      return (await latest())?.tenant_ids;
    };
    expect(await tenantsOf({ invoice_id: invoiceId })).toEqual(['acme']);
    expect(await tenantsOf({ invoice: number })).toEqual(['acme']);
    expect(await tenantsOf({ document: invoiceId })).toEqual(['acme']);
    expect(await tenantsOf({}, { invoice_number: number })).toEqual(['acme']);
    // The tenants that an action names come first, even if they don't exist.
    expect(await tenantsOf({ invoice: number }, { tenant: 'zeta' })).toEqual(['zeta']);
    for (const unknown of [crypto.randomUUID(), 'acme-999999', '\u0000', "'; --"]) {
      expect(await tenantsOf({ invoice: unknown }), unknown).toBeNull();
    }
  });

  test.each(['cursor=x', 'cursor=1e3', 'since=yesterday', 'limit=0', 'outcome=lost'])(
    'refuses %s',
    async (query) => {
      const { status } = await api.call('get', `${PATH}?${query}`, { key: api.keys.operator });
      expect(status).toBe(422);
    },
  );
});

describe('the database', () => {
  const insert = () =>
    insertOperatorAction(api.db, {
      actor: 'cli:x',
      keyId: null,
      channel: 'cli',
      action: 'a',
      target: {},
      input: {},
      requestId: null,
    });
  const asOwner = (statement: string) =>
    asSuperuser(api.superuserUrl, (client) => client.query(statement));

  test('accepts an outcome once', async () => {
    const id = await insert();
    const done = { outcome: 'done', status: 0, detail: null } as const;
    await answerOperatorAction(api.db, id, done);
    await expect(answerOperatorAction(api.db, id, done)).rejects.toThrow(
      'is recorded: only its outcome can be added, once',
    );
  });

  test.each([
    `actor = 'key:another'`,
    `target = '{"invoice_id": 1}'`,
    `input = '1'`,
    `requested_at = now() - interval '1 day'`,
    `outcome = NULL`,
  ])('does not let %s be set', async (change) => {
    const id = await insert();
    const statement = `UPDATE operator_actions SET status = 0, outcome = 'done', ${change}
      WHERE action_id = ${id}`.replace(/outcome = 'done', outcome/, 'outcome');
    await expect(asOwner(statement)).rejects.toThrow(
      'is recorded: only its outcome can be added, once',
    );
  });

  test('keeps every row', async () => {
    await expect(asOwner('DELETE FROM operator_actions')).rejects.toThrow('append-only');
    await expect(asOwner('TRUNCATE operator_actions')).rejects.toThrow('append-only');
  });

  test.each([
    sql.fragment`UPDATE operator_actions SET actor = 'x'`,
    sql.fragment`UPDATE operator_actions SET answered_at = now()`,
    sql.fragment`DELETE FROM operator_actions`,
    sql.fragment`INSERT INTO operator_actions (actor, outcome) VALUES ('x', 'done')`,
    sql.fragment`INSERT INTO operator_actions (actor, requested_at) VALUES ('x', now())`,
  ])("gives the app's role no further rights: %#", async (statement) => {
    await expect(api.db.query(sql.typeAlias('nothing')`${statement}`)).rejects.toThrow(
      'permission denied',
    );
  });
});
