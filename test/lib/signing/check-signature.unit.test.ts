import { expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { checkSignature } from '../../../src/lib/signing/check-signature.ts';
import {
  deriveSecret,
  formatSecret,
  parseSecret,
  signedHeaders,
} from '../../../src/lib/signing/sign.ts';

const BODY = '{"n":1}';
const AT = new Date('2026-06-01T00:00:00Z');
const secretOf = (id: string) => deriveSecret('m'.repeat(32), id);
const SECRET = secretOf('a');

/** Signed by the reference implementation instead of ours. */
function signed(secret = SECRET, { id = 'msg_1', at = AT, body = BODY } = {}) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(formatSecret(secret)).sign(id, at, body),
  };
}

function check(
  headers: Readonly<Record<string, string | undefined>>,
  { body = BODY, secrets = [SECRET], now = AT } = {},
) {
  return checkSignature({ headers, body: Buffer.from(body) }, secrets, now)?.kind ?? 'right';
}

test('accepts signatures of the reference implementation and signs the same way', () => {
  expect(check(signed())).toBe('right');
  const ours = signedHeaders(formatSecret(SECRET), { id: 'msg_1', at: AT, body: BODY });
  expect(ours).toEqual(signed());
  const text = '{"text":"Grüße 🧾"}';
  expect(check(signed(SECRET, { body: text }), { body: text })).toBe('right');
  expect(check(signed(SECRET, { body: '' }), { body: '' })).toBe('right');
});

test.each([
  [-301, 'too old'],
  [-300, 'right'],
  [-299, 'right'],
  [299, 'right'],
  [300, 'right'],
  [301, 'too new'],
])('a timestamp %i seconds from our clock is %s', (seconds, expected) => {
  const at = new Date(AT.getTime() + seconds * 1000);
  expect(check(signed(SECRET, { at }))).toBe(expected);
});

test('compares whole seconds', () => {
  const at = new Date(AT.getTime() - 300_000);
  expect(check(signed(SECRET, { at }), { now: new Date(AT.getTime() + 999) })).toBe('right');
  expect(check(signed(SECRET, { at }), { now: new Date(AT.getTime() + 1000) })).toBe('too old');
});

test('rejects any change to the id, timestamp or body', () => {
  const right = signed();
  expect(check(right, { body: '{"n":2}' })).toBe('wrong');
  expect(check({ ...right, 'webhook-id': 'msg_2' })).toBe('wrong');
  const later = String(AT.getTime() / 1000 + 1);
  expect(check({ ...right, 'webhook-timestamp': later })).toBe('wrong');
  expect(check(right, { secrets: [secretOf('b')] })).toBe('wrong');
  expect(check(right, { secrets: [] })).toBe('wrong');
});

test('accepts any live secret and any of several signatures', () => {
  const [a, b] = [secretOf('a'), secretOf('b')];
  expect(check(signed(b), { secrets: [a, b] })).toBe('right');
  const [oldOne, newOne] = [signed(secretOf('revoked')), signed(a)];
  const both = `${oldOne['webhook-signature']} ${newOne['webhook-signature']}`;
  expect(check({ ...newOne, 'webhook-signature': both })).toBe('right');
});

test('ignores signatures of other versions', () => {
  const right = signed();
  const v1a = right['webhook-signature'].replace('v1,', 'v1a,');
  expect(check({ ...right, 'webhook-signature': v1a })).toBe('malformed');
  const both = `${v1a} ${right['webhook-signature']}`;
  expect(check({ ...right, 'webhook-signature': both })).toBe('right');
});

test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
  'rejects a request without %s',
  (name) => {
    const complaint = checkSignature(
      { headers: { ...signed(), [name]: undefined }, body: Buffer.from(BODY) },
      [SECRET],
      AT,
    );
    expect(complaint).toEqual({ kind: 'missing', detail: `this key has to sign: send ${name}` });
  },
);

test.each([
  ['webhook-id', ''],
  ['webhook-id', 'a b'],
  // `a.1` with `2` would have the same signature as `a` with `1.2`.
  ['webhook-id', 'msg.1'],
  ['webhook-id', 'x'.repeat(201)],
  ['webhook-timestamp', ''],
  ['webhook-timestamp', 'now'],
  ['webhook-timestamp', '-1'],
  ['webhook-timestamp', '1780272000.5'],
  ['webhook-timestamp', '01780272000'],
  ['webhook-timestamp', '1e9'],
  ['webhook-timestamp', '9'.repeat(12)],
  ['webhook-signature', ''],
  ['webhook-signature', 'v1,'],
  ['webhook-signature', 'v1,c2hvcnQ='],
  ['webhook-signature', `v1,${'!'.repeat(43)}=`],
  ['webhook-signature', 'x'.repeat(1000)],
])('rejects a malformed %s: %j', (name, value) => {
  expect(check({ ...signed(), [name]: value })).toBe('malformed');
});

test('compares whole entries of the signature list', () => {
  const right = signed();
  for (const entry of [`x${right['webhook-signature']}`, `${right['webhook-signature']}x`]) {
    expect(check({ ...right, 'webhook-signature': entry })).toBe('malformed');
  }
});

test('an error says what to fix without revealing the expected signature', () => {
  const complain = (headers: Readonly<Record<string, string | undefined>>, now = AT) =>
    checkSignature({ headers, body: Buffer.from(BODY) }, [SECRET], now)?.detail;
  const right = signed();
  const hours = (count: number) => new Date(AT.getTime() + count * 3_600_000);
  expect(complain({})).toBe(
    'this key has to sign: send webhook-id, webhook-timestamp, webhook-signature',
  );
  expect(complain({ ...right, 'webhook-id': 'a b' })).toMatch(/^webhook-id: .*no full stop$/);
  expect(complain({ ...right, 'webhook-timestamp': 'now' })).toMatch(
    /^webhook-timestamp: .*digits$/,
  );
  expect(complain({ ...right, 'webhook-signature': 'v1,' })).toMatch(
    /^webhook-signature: .*base64$/,
  );
  expect(complain(right, hours(1))).toBe('webhook-timestamp: more than 300 seconds ago');
  expect(complain(right, hours(-1))).toBe('webhook-timestamp: more than 300 seconds ahead');
  const wrong = complain({ ...right, 'webhook-id': 'other' });
  expect(wrong).toBe('the signature is not that of this id, timestamp and body');
});

test('reads secrets of any length, with or without padding', () => {
  for (const length of [24, 25, 26, 64]) {
    const bytes = Buffer.alloc(length, 7);
    expect(parseSecret(`whsec_${bytes.toString('base64')}`)).toEqual(bytes);
  }
});

test('derives the same secret for the same id and master secret, and another one otherwise', () => {
  const secret = deriveSecret('m'.repeat(32), 'id');
  expect(secret).toHaveLength(32);
  expect(deriveSecret('m'.repeat(32), 'id')).toEqual(secret);
  expect(deriveSecret('m'.repeat(32), 'other')).not.toEqual(secret);
  expect(deriveSecret('n'.repeat(32), 'id')).not.toEqual(secret);
  expect(formatSecret(secret)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(parseSecret(formatSecret(secret))).toEqual(secret);
  for (const text of ['', 'whsec_', 'whsec_a', 'whsec_####', formatSecret(secret).slice(6)]) {
    expect(() => parseSecret(text)).toThrow('a signing secret is whsec_ followed by base64');
  }
});

test('the derivation of secrets never changes, because senders store them', () => {
  // printf 'arcadia signing secret v1:id' | openssl dgst -sha256 -hmac "$(printf 'm%.0s' {1..32})" -binary | base64
  expect(formatSecret(deriveSecret('m'.repeat(32), 'id'))).toBe(
    'whsec_YgvTIZ2RioGtH0ItkUAsZXICxPOWOd9F2oO7D1/dH38=',
  );
});
