import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey, findByHash, hashApiKey, listKeys, revokeKey } from '../../src/db/api-keys.ts';
import { createTestApi, llmEvent, meteredRecord, type TestApi } from './_harness.ts';

let api: TestApi;
/** Moved on by tests, so that they need not wait for what the API remembers. */
let clock = Date.now();
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date(clock) });
});
afterAll(() => api[Symbol.asyncDispose]());

/** Of no invoice. */
const ID = crypto.randomUUID();
const EXCLUSION = { source: 'llm', event_id: 'no-such-event', reason: 'x' };

const ROUTES = [
  ['post', '/api/v1/integrations/llm-usage', ['gateway'], () => llmEvent()],
  ['post', '/api/v1/integrations/metered-usage', ['metering'], () => meteredRecord()],
  ['post', '/api/v1/quote', ['operator', 'acme'], () => ({ plan_code: 'studio' })],
  ['get', '/api/v1/invoices', ['operator', 'acme'], undefined],
  ['get', `/api/v1/invoices/${crypto.randomUUID()}`, ['operator', 'acme'], undefined],
  ['post', '/api/v1/roll-ups', ['operator'], () => ({ month: '2026-05' })],
  ['get', '/api/v1/roll-ups/2026-05', ['operator'], undefined],
  ['get', '/api/v1/roll-ups/2026-05/late-usage', ['operator'], undefined],
  ['get', `/api/v1/invoices/${ID}/difference`, ['operator', 'acme'], undefined],
  ['get', `/api/v1/invoices/${ID}/lines/1/usage`, ['operator', 'acme'], undefined],
  ['get', `/api/v1/invoices/${ID}/lines/1/usage.csv`, ['operator', 'acme'], undefined],
  ['post', `/api/v1/invoices/${ID}/pay`, ['operator'], () => ({})],
  ['post', `/api/v1/invoices/${ID}/void`, ['operator'], () => ({ reason: 'x' })],
  ['post', '/api/v1/usage-exclusions', ['operator'], () => EXCLUSION],
  ['get', '/api/v1/usage-exclusions?month=2026-05', ['operator'], undefined],
  ['get', '/api/v1/operator-actions', ['operator'], undefined],
] as const;
const KEYS = ['gateway', 'metering', 'operator', 'acme'] as const;

describe.each(ROUTES)('%s %s', (method, path, allowed, body) => {
  test.each(KEYS)('with the key %s', async (name) => {
    const { status } = await api.call(method, path, { key: api.keys[name], body: body?.() });
    if ((allowed as readonly string[]).includes(name)) {
      expect([200, 201, 202, 404]).toContain(status);
    } else {
      expect(status).toBe(403);
    }
  });

  test.each([
    ['none', undefined],
    ['an unknown one', `Bearer arc_operator_${'x'.repeat(43)}`],
    ['a malformed one', 'Bearer nonsense'],
    ['another scheme', 'Basic b3BzOm9wcw=='],
  ])('without a key of ours (%s)', async (_name, authorization) => {
    const response = await api.call(method, path, {
      body: body?.(),
      headers: authorization === undefined ? {} : { Authorization: authorization },
    });
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(response.body).toMatchObject({ type: 'urn:arcadia:problem:unauthenticated' });
  });
});

test('a key is looked at before the body is read', async () => {
  const { status } = await api.call('post', '/api/v1/quote', { raw: '{not json' });
  expect(status).toBe(401);
});

test('a revoked key stops working within seconds', async () => {
  const { keyId, plainKey } = await createKey(api.db, { label: 'gone', scope: 'operator' });
  const call = () => api.call('get', '/api/v1/invoices', { key: plainKey });
  expect((await call()).status).toBe(200);
  expect(await revokeKey(api.db, keyId)).toBe(true);
  clock += 5_001;
  expect((await call()).status).toBe(401);
});

test('keys are kept as hashes only, and listed without them', async () => {
  const { keyId, plainKey } = await createKey(api.db, {
    label: 'for acme',
    scope: 'tenant',
    tenantId: 'acme',
  });
  expect(plainKey).toMatch(/^arc_tenant_[\w-]{43}$/);
  expect(await findByHash(api.db, hashApiKey(plainKey))).toMatchObject({ keyId, tenantId: 'acme' });
  const listed = await listKeys(api.db);
  expect(listed).toContainEqual(
    expect.objectContaining({ keyId, label: 'for acme', revokedAt: null }),
  );
  expect(JSON.stringify(listed)).not.toContain(plainKey);
  expect(await revokeKey(api.db, 'no such key')).toBe(false);
});

test('requests are limited by key', async () => {
  await using limited = await createTestApi({
    config: { trustedProxies: 0, requestsPerMinute: 2, signingMasterSecrets: [] },
  });
  const call = (key: string) => limited.call('get', '/api/v1/invoices', { key });
  expect((await call(limited.keys.acme)).headers['ratelimit-policy']).toBeDefined();
  expect((await call(limited.keys.acme)).status).toBe(200);
  const third = await call(limited.keys.acme);
  expect(third.status).toBe(429);
  expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
  expect(third.body).toMatchObject({ type: 'urn:arcadia:problem:rate-limited' });
  expect((await call(limited.keys.zeta)).status).toBe(200);
});
