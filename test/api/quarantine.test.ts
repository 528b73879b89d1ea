import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { readQuarantineGauges } from '../../src/db/usage/quarantine-views.ts';
import { hold, type HeldEvent } from '../../src/ingestion/quarantine/hold.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { seedTenant } from '../_util/seed.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

let api: TestApi;
let browser: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  api.deps.metrics.watchQuarantine(() => readQuarantineGauges(api.deps.db));
  browser = await signIn(api.app, api.keys.operator);
});
afterAll(() => api[Symbol.asyncDispose]());

let last = 0;
const key = z.object({ keyId: z.string() });

/** Holds an event of a tenant that doesn't exist yet. @returns its number */
async function held(tenantId: string, more: Partial<HeldEvent> = {}): Promise<number> {
  const id = `litellm:${(last += 1)}`;
  const fields = llmEvent({
    ...{ gateway_request_id: id, tenant_id: tenantId, deployment_id: `${tenantId}-a` },
    currency: 'AUD',
  });
  const { keyId } = await api.db.one(sql.type(key)`
    SELECT key_id AS "keyId" FROM api_keys WHERE label = 'gateway'`);
  await hold(api.deps.db, keyId, [
    { sourceId: id, reason: 'unknown_tenant', detail: 'there is none', fields, ...more },
  ]);
  const { events } = await list(`tenant_id=${encodeURIComponent(tenantId)}`);
  return events[0]!.quarantine_id;
}

interface Listed {
  readonly events: readonly {
    readonly quarantine_id: number;
    readonly state: string;
    readonly held_for: string;
    readonly remedy: string | null;
    readonly decision: object | null;
  }[];
  readonly next_cursor: string | null;
}

async function list(query: string): Promise<Listed> {
  const path = `/api/v1/quarantined-usage?${query}`;
  const { status, body } = await api.call('get', path, { key: api.keys.operator });
  expect(status).toBe(200);
  return body as Listed;
}

const PATHS = { release: 'quarantine-releases', dismiss: 'quarantine-dismissals' };
const post = (what: 'release' | 'dismiss', body: object) =>
  api.call('post', `/api/v1/${PATHS[what]}`, { key: api.keys.operator, body });

describe('the list', () => {
  test('has what was sent, why it is held, and what to do', async () => {
    const id = await held('newco');
    const { body } = await api.call('get', `/api/v1/quarantined-usage/${id}`, {
      key: api.keys.operator,
    });
    expect(body).toMatchObject({
      quarantine_id: id,
      held_for: 'unknown_tenant',
      state: 'held',
      tenant_id: 'newco',
      deployment_id: 'newco-a',
      charge_cents: '1.25',
      currency: 'AUD',
      gateway_key: 'gateway',
      occurred_at: '2026-05-10T12:00:00Z',
      fields: { gateway_request_id: expect.any(String) as string },
      remedy: expect.stringContaining('Create tenant newco') as string,
      decision: null,
    });
  });

  test('is filtered and paged, latest first', async () => {
    const ids = [await held('paged'), await held('paged'), await held('paged')];
    const first = await list('tenant_id=paged&limit=2');
    expect(first.events.map(({ quarantine_id }) => quarantine_id)).toEqual([ids[2], ids[1]]);
    const second = await list(`tenant_id=paged&limit=2&cursor=${first.next_cursor}`);
    expect(second.events.map(({ quarantine_id }) => quarantine_id)).toEqual([ids[0]]);
    expect(second.next_cursor).toBeNull();
    const count = async (query: string) => (await list(`tenant_id=paged&${query}`)).events.length;
    expect(await count('month=2026-05&state=held&held_for=unknown_tenant')).toBe(3);
    expect(await count('month=2026-06')).toBe(0);
    expect(await count('state=released')).toBe(0);
    expect(await count('held_for=malformed')).toBe(0);
  });

  test('takes what a gateway sent as tenant, also if it is not an id', async () => {
    await held('My Team', { detail: 'odd' });
    expect((await list(`tenant_id=${encodeURIComponent('My Team')}`)).events).toHaveLength(1);
  });

  test('has no event with another number', async () => {
    const path = '/api/v1/quarantined-usage/999999';
    expect((await api.call('get', path, { key: api.keys.operator })).status).toBe(404);
  });
});

describe('a release', () => {
  test('is recorded with its reason, and its events are then in the ledger', async () => {
    const id = await held('recorded');
    await seedTenant(api.db, 'recorded');
    const { status, body } = await post('release', { tenant_id: 'recorded', reason: 'was late' });
    expect([status, body]).toEqual([
      200,
      {
        ...{ released: 1, already_accepted: 0, still_held: [], is_complete: true },
        added: [{ currency: 'AUD', charge_cents: '1.25' }],
      },
    ]);
    const { events } = await list('tenant_id=recorded');
    expect(events).toMatchObject([
      {
        ...{ quarantine_id: id, state: 'released', remedy: null },
        decision: { actor: 'key:ops', reason: 'was late', assigned: null },
      },
    ]);
    const [action] = await listOperatorActions(
      api.db,
      { action: 'releaseQuarantinedUsage' },
      {
        after: null,
        limit: 1,
      },
    );
    expect(action).toMatchObject({ outcome: 'done', reason: 'was late' });
  });

  test('of events with wrong ids can give them the right ones', async () => {
    const id = await held('team-7');
    const { body } = await post('release', {
      ...{ quarantine_ids: [id], reason: 'no metadata' },
      assign: { tenant_id: 'acme', deployment_id: 'acme-a' },
    });
    expect(body).toMatchObject({ released: 1 });
    const { events } = await list('tenant_id=team-7');
    expect(events[0]?.decision).toMatchObject({
      assigned: { tenant_id: 'acme', deployment_id: 'acme-a' },
    });
  });

  test.each([
    [{ reason: 'x', quarantine_ids: [] }, '/quarantine_ids'],
    [{ reason: 'x', quarantine_ids: ['a'] }, '/quarantine_ids/0'],
    [{ reason: 'x', held_for: 'boredom' }, '/held_for'],
    [{ reason: 'x', assign: { currency: 'XXX' } }, '/assign/currency'],
    [{ reason: 'x', assign: { charge_cents: '1' } }, '/assign/charge_cents'],
    [{ tenant_id: 'acme' }, '/reason'],
    [{ reason: 'x', assign: { tenant_id: 'acme' } }, '/quarantine_ids'],
  ])('%j is refused', async (body, pointer) => {
    const answer = await post('release', body);
    expect(answer.status).toBe(422);
    expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
  });
});

test('a release with other ids and no filter leaves every event held', async () => {
  await held('bystander');
  const assign = { tenant_id: 'acme', deployment_id: 'acme-a' };
  const { status, body } = await post('release', { reason: 'x', assign });
  expect([status, (body as { detail: string }).detail]).toEqual([
    422,
    expect.stringContaining('must say which events it is for'),
  ]);
  expect((await list('tenant_id=bystander')).events[0]?.state).toBe('held');
});

test('a release as a currency with other decimals says why the event stays held', async () => {
  const fields = llmEvent({
    ...{ gateway_request_id: 'litellm:yen', tenant_id: 'yen', deployment_id: 'yen-a' },
    ...{ charge_cents: '120', currency: 'JPY' },
  });
  await seedTenant(api.db, 'yen');
  const id = await held('yen', { sourceId: 'litellm:yen', reason: 'wrong_currency', fields });
  const { body } = await post('release', {
    ...{ quarantine_ids: [id], reason: 'the key states the wrong currency' },
    assign: { currency: 'AUD' },
  });
  const example = expect.stringContaining('sent in JPY (0 decimals)') as string;
  expect(body).toMatchObject({
    ...{ released: 0, added: [] },
    still_held: [{ held_for: 'wrong_currency', events: 1, example }],
  });
  const [event] = (await list('tenant_id=yen')).events;
  expect([event?.state, event?.remedy]).toEqual(['held', expect.stringContaining('decimals')]);
});

describe('a dismissal', () => {
  test('is permanent, and needs to name its events or their reason', async () => {
    const id = await held('unwanted');
    expect((await post('dismiss', { reason: 'x' })).status).toBe(422);
    expect((await post('dismiss', { reason: 'x', tenant_id: 'unwanted' })).status).toBe(422);
    const done = await post('dismiss', { reason: 'a test', quarantine_ids: [id] });
    expect(done.body).toEqual({ dismissed: 1, already_accepted: 0, is_complete: true });
    const again = await post('dismiss', { reason: 'again', quarantine_ids: [id] });
    expect(again.body).toMatchObject({ dismissed: 0 });
    await seedTenant(api.db, 'unwanted');
    const released = await post('release', { reason: 'x', quarantine_ids: [id] });
    expect(released.body).toMatchObject({ released: 0, still_held: [] });
    expect((await list('tenant_id=unwanted')).events[0]?.decision).toMatchObject({
      reason: 'a test',
    });
  });
});

test("a month's status counts the held events, which are not part of its totals", async () => {
  await held('counted');
  const { body } = await api.call('get', '/api/v1/roll-ups/2026-05', { key: api.keys.operator });
  const { quarantined } = body as { quarantined: { held_for: string; events: number }[] };
  expect(quarantined.find(({ held_for }) => held_for === 'unknown_tenant')?.events).toBeGreaterThan(
    0,
  );
});

test('metrics have every reason', async () => {
  const text = await api.deps.metrics.render();
  expect(text).toMatch(/^quarantine_held_events\{.*held_for="unknown_tenant".*\} [1-9]/m);
  expect(text).toMatch(/^quarantine_held_events\{.*held_for="too_old".*\} 0$/m);
  expect(text).toMatch(/^quarantine_oldest_held_seconds\{.*held_for="too_old".*\} 0$/m);
});

describe('the pages', () => {
  test('list held events, and release all that the filter shows', async () => {
    await held('<b>page</b>');
    const { text } = await browser.get('/operator/quarantine');
    expect(text).toContain('&lt;b&gt;page&lt;/b&gt;');
    await held('paper');
    await seedTenant(api.db, 'paper');
    const filtered = await browser.get('/operator/quarantine?tenant_id=paper');
    expect(filtered.text).toContain('name="tenant_id" value="paper"');
    const done = await browser.post('/operator/quarantine/release', {
      ...{ tenant_id: 'paper', held_for: '', reason: 'was late' },
      ...{ as_tenant: '', as_deployment: '', as_currency: '' },
    });
    expect(done.status).toBe(200);
    expect(done.text).toContain('AUD 0.0125');
    const released = await browser.get('/operator/quarantine?state=released&tenant_id=paper');
    expect(released.text).toContain('By key:ops: was late');
    expect(released.text).not.toContain('Release all');
  });

  test('show an event with what to do, and release it with other ids', async () => {
    const id = await held('team-8');
    const path = `/operator/quarantine/${id}`;
    expect((await browser.get(path)).text).toContain('Create tenant team-8');
    const wrong = await browser.post('/operator/quarantine/release', {
      ...{ quarantine_id: String(id), reason: 'no metadata' },
      ...{ as_tenant: 'no id!', as_deployment: 'acme-a', as_currency: '' },
    });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('Tenant: expected an id');
    expect(wrong.text).toContain('value="no id!"');
    const done = await browser.post('/operator/quarantine/release', {
      ...{ quarantine_id: String(id), reason: 'no metadata' },
      ...{ as_tenant: 'acme', as_deployment: 'acme-a', as_currency: '' },
    });
    expect(done.status).toBe(200);
    expect((await browser.get(path)).text).toContain('Released as acme');
  });

  test('a form with other ids and no filter releases nothing, and keeps what was typed', async () => {
    await held('paper-4');
    const refused = await browser.post('/operator/quarantine/release', {
      ...{ held_for: '', tenant_id: '', reason: 'no metadata' },
      ...{ as_tenant: 'acme', as_deployment: 'acme-a', as_currency: '' },
    });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('must say which events it is for');
    expect(refused.text).toContain('value="acme-a"');
    expect((await list('tenant_id=paper-4')).events[0]?.state).toBe('held');
  });

  test('dismiss an event with a reason', async () => {
    const id = await held('paper-2');
    const sent = { quarantine_id: String(id), reason: '' };
    const wrong = await browser.post('/operator/quarantine/dismiss', sent);
    expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('Reason: ')]);
    const done = await browser.post('/operator/quarantine/dismiss', { ...sent, reason: 'a test' });
    expect(done.text).toContain('<dd>1</dd>');
    expect((await list('tenant_id=paper-2')).events[0]?.state).toBe('dismissed');
  });

  test('a form that names neither events nor a reason dismisses nothing', async () => {
    await held('paper-3');
    const answer = await browser.post('/operator/quarantine/dismiss', { reason: 'x' });
    expect(answer.status).toBe(422);
    expect((await list('tenant_id=paper-3')).events[0]?.state).toBe('held');
  });

  test('there is no page for an event that does not exist', async () => {
    expect((await browser.get('/operator/quarantine/999999')).status).toBe(404);
    expect((await browser.get('/operator/quarantine/x')).status).toBe(422);
  });
});
