import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createKey,
  listKeys,
  recordKeyUse,
  revokeKey,
  type ListedApiKey,
} from '../../src/db/access/api-keys.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { rotateKey } from '../../src/db/access/rotate-key.ts';
import { sql } from '../../src/db/sql.ts';
import { createKeyUse } from '../../src/api/http/authenticate.ts';
import { until } from '../_util/until.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
/** Tests advance this clock. */
let clock = Date.now();
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date(clock) });
});
afterAll(() => api[Symbol.asyncDispose]());

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const later = (ms: number) => new Date(clock + ms);
const instant = (at: string | null) => (at === null ? null : Date.parse(at));

const call = (key: string) => api.call('get', '/api/v1/invoices', { key });
const newKey = (expiresAt: Date | null = null) =>
  createKey(api.db, { scope: 'tenant', tenantId: 'acme', label: "Acme's portal", expiresAt });

async function listed(keyId: string): Promise<ListedApiKey> {
  return (await listKeys(api.db)).find((key) => key.keyId === keyId)!;
}

const rotate = (keyId: string, overlapMs = 7 * DAY_MS, expiresAt?: Date) =>
  rotateKey(api.db, { keyId, overlapMs, expiresAt, now: new Date(clock), canSign: false });

async function rotated(...args: Parameters<typeof rotate>) {
  const rotation = await rotate(...args);
  if (rotation.outcome !== 'rotated') throw new Error(JSON.stringify(rotation));
  return rotation;
}

test('a cached key works until its expiry, to the millisecond', async () => {
  const { plainKey } = await newKey(later(1000));
  expect((await call(plainKey)).status).toBe(200);
  clock += 999;
  expect((await call(plainKey)).status).toBe(200);
  clock += 1;
  const expired = await call(plainKey);
  expect(expired.status).toBe(401);
  expect(expired.body).toMatchObject({
    type: 'urn:arcadia:problem:unauthenticated',
    detail: 'the API key has expired',
  });
  expect(expired.headers['www-authenticate']).toMatch(/^Bearer/);
  clock += 5_001;
  expect((await call(plainKey)).status).toBe(401);
});

test('the answer to a revoked or expired key does not reveal that it was valid', async () => {
  const { keyId, plainKey } = await newKey(later(1));
  await revokeKey(api.db, keyId);
  clock += 1;
  expect((await call(plainKey)).body).toMatchObject({
    detail: 'the API key is unknown or revoked',
  });
});

test('after a rotation both keys work, later only the new one', async () => {
  const { keyId, plainKey } = await newKey();
  const { successor, predecessor, signingSecretId } = await rotated(keyId);
  expect(successor).toMatchObject({ scope: 'tenant', tenantId: 'acme', label: "Acme's portal" });
  expect(successor.expiresAt).toBeNull();
  expect(signingSecretId).toBeNull();
  expect(instant(predecessor.expiresAt)).toBe(clock + 7 * DAY_MS);
  expect(await listed(keyId)).toMatchObject({ replacedByKeyId: successor.keyId });
  expect(await listed(successor.keyId)).toMatchObject({ replacesKeyId: keyId });
  clock += 7 * DAY_MS - 1;
  expect((await call(plainKey)).status).toBe(200);
  expect((await call(successor.plainKey)).status).toBe(200);
  clock += 1;
  expect((await call(plainKey)).status).toBe(401);
  expect((await call(successor.plainKey)).status).toBe(200);
});

test('a rotation never extends an expiry', async () => {
  const end = later(DAY_MS);
  const { keyId } = await newKey(end);
  const { predecessor } = await rotated(keyId);
  expect(instant(predecessor.expiresAt)).toBe(end.getTime());
});

test("a successor gets its predecessor's lifetime by default", async () => {
  const start = instant((await listed((await newKey()).keyId)).createdAt)!;
  clock = Math.max(clock, start);
  const { keyId, expiresAt } = await newKey(later(90 * DAY_MS));
  const { createdAt } = await listed(keyId);
  const { successor } = await rotated(keyId);
  const lifetime = instant(expiresAt)! - instant(createdAt)!;
  expect(instant(successor.expiresAt)! - clock).toBe(lifetime);
  const told = await rotated(successor.keyId, 0, later(DAY_MS));
  expect(instant(told.successor.expiresAt)).toBe(clock + DAY_MS);
  expect(instant(told.predecessor.expiresAt)).toBe(clock);
});

test('refuses to rotate keys, with the reason', async () => {
  const refused = async (keyId: string) => {
    const rotation = await rotate(keyId);
    return rotation.outcome === 'refused' ? rotation.reason : rotation.outcome;
  };
  expect(await refused('no such key')).toBe('unknown');

  const revoked = await newKey();
  await revokeKey(api.db, revoked.keyId);
  expect(await refused(revoked.keyId)).toBe(`key ${revoked.keyId} is revoked: create a new one`);

  const expired = await newKey(later(1));
  clock += 1;
  expect(await refused(expired.keyId)).toBe(`key ${expired.keyId} has expired: create a new one`);

  // Concurrent rotations create one successor.
  const once = await newKey();
  const rush = await Promise.all([rotate(once.keyId), rotate(once.keyId), rotate(once.keyId)]);
  expect(rush.map(({ outcome }) => outcome).sort()).toEqual(['refused', 'refused', 'rotated']);
  const { replacedByKeyId } = await listed(once.keyId);
  expect(await refused(once.keyId)).toBe(
    `key ${once.keyId} was rotated before: rotate ${replacedByKeyId}`,
  );
});

test('the database rejects changes of an expiry', async () => {
  const { keyId } = await newKey(later(DAY_MS));
  await revokeKey(api.db, keyId);
  for (const change of [
    sql.fragment`expires_at = NULL`,
    sql.fragment`expires_at = expires_at + interval '1 second'`,
    sql.fragment`revoked_at = NULL`,
    sql.fragment`revoked_at = now() + interval '1 day'`,
  ]) {
    await expect(
      api.db.query(sql.typeAlias('nothing')`UPDATE api_keys SET ${change} WHERE key_id = ${keyId}`),
    ).rejects.toThrow('cannot be undone: create a new key');
  }
});

test('the last use of a key is recorded to the minute', async () => {
  const { keyId, plainKey } = await newKey();
  expect((await listed(keyId)).lastUsedAt).toBeNull();
  const first = clock;
  await call(plainKey);
  const lastUsed = async (at: number) =>
    (await until(
      () => listed(keyId),
      ({ lastUsedAt }) => instant(lastUsedAt) === at,
    )) as unknown;
  await lastUsed(first);
  clock += MINUTE_MS - 1;
  await call(plainKey);
  // Another process that has recorded nothing yet does not write earlier.
  await recordKeyUse(api.db, keyId, new Date(clock));
  expect(instant((await listed(keyId)).lastUsedAt)).toBe(first);
  clock += 1;
  await call(plainKey);
  await lastUsed(clock);
});

test('a failure to record a use fails no request', async () => {
  const lines: string[] = [];
  const closed = await openDatabase({
    url: api.superuserUrl,
    maxConnections: 1,
    applicationName: 'test-closed',
  });
  await closed.end();
  const noteUse = createKeyUse(
    closed,
    pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
    () => new Date(clock),
  );
  const { keyId, ...key } = await newKey();
  noteUse({ keyId, ...key });
  await until(
    () => Promise.resolve(lines.join('')),
    (text) => text.includes('could not record the use of an API key'),
  );
  expect(lines.join('')).not.toContain(key.plainKey);
});
