import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text as streamToText } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { z } from 'zod';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { createKey, findByHash, hashApiKey } from '../../src/db/access/api-keys.ts';
import {
  createSigningSecret,
  insertSigningSecret,
  revokeSigningSecret,
} from '../../src/db/access/signing-secrets.ts';
import { rotateKey } from '../../src/db/access/rotate-key.ts';
import { mustSign } from '../../src/api/http/require-signature.ts';
import { deriveSecret, formatSecret } from '../../src/lib/signing/sign.ts';
import { sql } from '../../src/db/sql.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { createTestApi, llmEvent, type TestApi } from './_harness.ts';

const PATH = '/api/v1/integrations/llm-usage';
const [NEW_MASTER, OLD_MASTER] = ['new-'.repeat(8), 'old-'.repeat(8)] as const;
const CONFIG = {
  ...API_CONFIG,
  signingMasterSecrets: [NEW_MASTER, OLD_MASTER],
};

let api: TestApi;
/** Tests advance this clock; it starts at a full second. */
let clock = Math.floor(Date.now() / 1000) * 1000;
beforeAll(async () => {
  api = await createTestApi({ now: () => new Date(clock), config: CONFIG });
});
afterAll(() => api[Symbol.asyncDispose]());

/** A key that has to sign; each test has its own. */
let key: { readonly keyId: string; readonly plainKey: string };
let secretId: string;
beforeEach(async () => {
  key = await createKey(api.db, { scope: 'gateway', label: 'signing gateway' });
  secretId = await insertSigningSecret(api.db, key.keyId);
});

/** The reference implementation, not ours. */
function sign(
  body: string,
  { id = 'msg_1', at = clock, secret = secretId, master = NEW_MASTER } = {},
) {
  const webhook = new Webhook(formatSecret(deriveSecret(master, secret)));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': webhook.sign(id, new Date(at), body),
  };
}

const post = (raw: string, headers: Readonly<Record<string, string>>) =>
  api.call('post', PATH, { key: key.plainKey, raw, headers });

const stored = () =>
  api.db.oneFirst(sql.type(z.object({ count: z.number() }))`SELECT count(*) FROM llm_usage_events`);

async function expectRefused(
  raw: string,
  headers: Readonly<Record<string, string>>,
  kind: string,
): Promise<void> {
  const before = await stored();
  const { status, body } = await post(raw, headers);
  expect({ status, body }).toMatchObject({
    status: 401,
    body: {
      type: 'urn:arcadia:problem:invalid-signature',
      detail: expect.stringMatching(new RegExp(`^${kind}: `)),
    },
  });
  expect(await stored()).toBe(before);
}

test('a signed event is accepted, and a replay stores nothing twice', async () => {
  const before = await stored();
  const body = JSON.stringify(llmEvent());
  const headers = sign(body);
  expect((await post(body, headers)).status).toBe(201);
  const replayed = await post(body, headers);
  expect(replayed).toMatchObject({ status: 200, body: { status: 'duplicate' } });
  expect(await stored()).toBe(before + 1);
  // After the tolerance a replay is rejected.
  clock += 301_000;
  await expectRefused(body, headers, 'too old');
});

test('a key that has to sign cannot stream, and nothing is read', async () => {
  const before = await stored();
  const body = `${JSON.stringify(llmEvent())}\n`;
  const headers = { ...sign(body), 'Content-Type': 'application/x-ndjson' };
  expect(await post(body, headers)).toMatchObject({
    status: 403,
    body: { detail: expect.stringContaining('send batches') as string },
  });
  expect(await stored()).toBe(before);
});

test.each([-300, -299, 299, 300])('a timestamp %i seconds off is accepted', async (seconds) => {
  const body = JSON.stringify(llmEvent());
  expect((await post(body, sign(body, { at: clock + seconds * 1000 }))).status).toBe(201);
});

test.each([
  [-301, 'too old'],
  [301, 'too new'],
])('a timestamp %i seconds off is %s', async (seconds, kind) => {
  const body = JSON.stringify(llmEvent());
  await expectRefused(body, sign(body, { at: clock + seconds * 1000 }), kind);
});

test('rejects a tampered body, id or timestamp', async () => {
  const body = JSON.stringify(llmEvent({ charge_cents: '1.25' }));
  const right = sign(body);
  await expectRefused(body.replace('1.25', '0.25'), right, 'wrong');
  await expectRefused(`${body} `, right, 'wrong');
  await expectRefused(body, { ...right, 'webhook-id': 'msg_2' }, 'wrong');
  const later = String(clock / 1000 + 1);
  await expectRefused(body, { ...right, 'webhook-timestamp': later }, 'wrong');
  expect((await post(body, right)).status).toBe(201);
});

test('rejects a missing or malformed signature', async () => {
  const body = JSON.stringify(llmEvent());
  await expectRefused(body, {}, 'missing');
  await expectRefused(body, { ...sign(body), 'webhook-timestamp': 'soon' }, 'malformed');
  const v1a = sign(body)['webhook-signature'].replace('v1,', 'v1a,');
  await expectRefused(body, { ...sign(body), 'webhook-signature': v1a }, 'malformed');
});

test('checks the signature before the JSON', async () => {
  await expectRefused('{not json', sign('{}'), 'wrong');
  expect((await post('{not json', sign('{not json'))).status).toBe(400);
});

test('checks the signature before the charset', async () => {
  const body = JSON.stringify(llmEvent());
  const latin1 = { 'Content-Type': 'application/json; charset=latin1' };
  await expectRefused(body, { ...sign('{}'), ...latin1 }, 'wrong');
  expect((await post(body, { ...sign(body), ...latin1 })).status).toBe(415);
});

test('a request without a body is signed over zero bytes', async () => {
  await expectRefused('', {}, 'missing');
  expect((await post('', sign(''))).status).toBe(422);
  // Without a length, where the parser reads nothing.
  const head = (headers: Readonly<Record<string, string>>) =>
    Object.entries({ Authorization: `Bearer ${key.plainKey}`, ...headers });
  expect(await postNothing(head({}))).toMatch(/^HTTP\/1.1 401 [^]*invalid-signature/);
  expect(await postNothing(head(sign('')))).toMatch(/^HTTP\/1.1 422 /);
});

async function postNothing(headers: readonly (readonly [string, string])[]): Promise<string> {
  const server = api.app.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n`);
    return await streamToText(socket);
  } finally {
    server.close();
  }
}

test('a compressed body is signed uncompressed', async () => {
  const body = JSON.stringify(llmEvent());
  const send = (headers: Readonly<Record<string, string>>) => {
    const pending = request(api.app)
      .post(PATH)
      .set({ ...headers, Authorization: `Bearer ${key.plainKey}` })
      .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' });
    pending.write(gzipSync(body));
    return pending;
  };
  expect((await send(sign(body))).status).toBe(201);
  expect((await send(sign(gzipSync(body).toString('latin1')))).status).toBe(401);
});

test('accepts each live secret, rejects a revoked one, and without secrets needs no signature', async () => {
  const second = await insertSigningSecret(api.db, key.keyId);
  const send = async (secret: string) => {
    const body = JSON.stringify(llmEvent());
    return (await post(body, sign(body, { secret }))).status;
  };
  expect([await send(secretId), await send(second)]).toEqual([201, 201]);
  expect(await revokeSigningSecret(api.db, secretId)).toEqual({ keyId: key.keyId, liveSecrets: 1 });
  clock += 5_001;
  expect([await send(secretId), await send(second)]).toEqual([401, 201]);
  expect(await revokeSigningSecret(api.db, second)).toEqual({ keyId: key.keyId, liveSecrets: 0 });
  clock += 5_001;
  expect((await post(JSON.stringify(llmEvent()), {})).status).toBe(201);
});

test("rejects another key's secret", async () => {
  const other = await createKey(api.db, { scope: 'gateway', label: 'other' });
  const secret = await insertSigningSecret(api.db, other.keyId);
  const body = JSON.stringify(llmEvent());
  await expectRefused(body, sign(body, { secret }), 'wrong');
});

test('accepts the previous master secret after a change', async () => {
  const body = JSON.stringify(llmEvent());
  expect((await post(body, sign(body, { master: OLD_MASTER }))).status).toBe(201);
  await expectRefused(body, sign(body, { master: 'gone'.repeat(8) }), 'wrong');
});

test('rejects signed requests if signatures cannot be checked, and logs why', async () => {
  const lines: string[] = [];
  await using blind = await createTestApi({
    config: { ...CONFIG, signingMasterSecrets: [] },
    logger: pino({ level: 'error' }, { write: (line: string) => lines.push(line) }),
  });
  const signing = await createKey(blind.db, { scope: 'gateway', label: 'x' });
  await insertSigningSecret(blind.db, signing.keyId);
  const body = JSON.stringify(llmEvent());
  const response = await blind.call('post', PATH, {
    key: signing.plainKey,
    raw: body,
    headers: sign(body),
  });
  expect(response.status).toBe(503);
  expect(response.headers['retry-after']).toBe('60');
  expect(response.body).toMatchObject({ type: 'urn:arcadia:problem:signatures-unavailable' });
  expect(lines.join('')).toContain(
    `key ${signing.keyId} must sign, but SIGNING_MASTER_SECRETS is not set`,
  );
  // Keys that need not sign still work.
  expect((await blind.call('post', PATH, { key: blind.keys.gateway, raw: body })).status).toBe(201);
});

test('neither secrets nor signatures appear in logs or answers', async () => {
  const lines: string[] = [];
  await using watched = await createTestApi({
    config: CONFIG,
    now: () => new Date(clock),
    logger: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
  });
  const signing = await createKey(watched.db, { scope: 'gateway', label: 'x' });
  const secret = await insertSigningSecret(watched.db, signing.keyId);
  const body = JSON.stringify(llmEvent());
  const headers = sign(body, { secret });
  const call = (raw: string) => watched.call('post', PATH, { key: signing.plainKey, raw, headers });
  const answers = [await call(body), await call(`${body} `)];
  expect(answers.map(({ status }) => status)).toEqual([201, 401]);
  const said = lines.join('') + answers.map(({ text }) => text).join('');
  expect(lines.length).toBeGreaterThan(1);
  for (const canary of [
    signing.plainKey,
    formatSecret(deriveSecret(NEW_MASTER, secret)),
    NEW_MASTER,
    headers['webhook-signature'].slice(3),
  ]) {
    expect(said).not.toContain(canary);
  }
});

test("only senders' keys may have secrets, at most three", async () => {
  const create = (keyId: string) => createSigningSecret(api.db, keyId, new Date(clock));
  expect((await create(key.keyId)).outcome).toBe('created');
  // At most three, even if requested concurrently.
  const rush = await Promise.all([create(key.keyId), create(key.keyId), create(key.keyId)]);
  expect(rush.map(({ outcome }) => outcome).sort()).toEqual(['created', 'refused', 'refused']);
  expect(await create(key.keyId)).toEqual({
    outcome: 'refused',
    reason: `key ${key.keyId} has 3 live signing secrets: revoke one first`,
  });
  expect(await create('no such key')).toEqual({ outcome: 'unknown' });
  const operator = await createKey(api.db, { scope: 'operator', label: 'x' });
  expect(await create(operator.keyId)).toEqual({
    outcome: 'refused',
    reason: 'only keys of the scopes gateway and metering sign, not operator',
  });
  expect(await revokeSigningSecret(api.db, 'no such secret')).toBeNull();
});

test('the successor of a signing key has to sign', async () => {
  const options = { keyId: key.keyId, overlapMs: 1000, now: new Date(clock) };
  expect(await rotateKey(api.db, { ...options, canSign: false })).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('SIGNING_MASTER_SECRETS'),
  });
  const rotation = await rotateKey(api.db, { ...options, canSign: true });
  if (rotation.outcome !== 'rotated') throw new Error(rotation.outcome);
  const { successor, signingSecretId } = rotation;
  const found = await findByHash(api.db, hashApiKey(successor.plainKey));
  expect(found?.signingSecretIds).toEqual([signingSecretId]);
  expect(found && mustSign(found)).toBe(true);
  const body = JSON.stringify(llmEvent());
  const call = (headers: Readonly<Record<string, string>>) =>
    api.call('post', PATH, { key: successor.plainKey, raw: body, headers });
  expect((await call({})).status).toBe(401);
  expect((await call(sign(body, { secret: signingSecretId! }))).status).toBe(201);
});
