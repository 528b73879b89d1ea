import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createKey,
  findByHash,
  hashApiKey,
  listKeys,
  revokeKey,
} from '../../src/db/access/api-keys.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { API_CONFIG } from '../_util/api-config.ts';

let api: TestApi;
/** Tests advance this clock instead of waiting for the API's caches. */
let clock = Date.now();
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date(clock) });
});
afterAll(() => api[Symbol.asyncDispose]());

test('checks the key before reading the body', async () => {
  const { status } = await api.call('post', '/api/v1/quote', { raw: '{not json' });
  expect(status).toBe(401);
});

test('a revoked key stops working within 5 seconds', async () => {
  const { keyId, plainKey } = await createKey(api.db, { label: 'gone', scope: 'operator' });
  const call = () => api.call('get', '/api/v1/invoices', { key: plainKey });
  expect((await call()).status).toBe(200);
  expect(await revokeKey(api.db, keyId)).toBe(true);
  clock += 5_001;
  expect((await call()).status).toBe(401);
});

test('stores only hashes of keys, and lists keys without them', async () => {
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

test('limits requests per key', async () => {
  await using limited = await createTestApi({
    config: { ...API_CONFIG, requestsPerMinute: 2 },
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
