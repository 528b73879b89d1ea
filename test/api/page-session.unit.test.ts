import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { localPath } from '../../src/api/pages/sign-in-pages.ts';
import { SESSION_SECONDS, createSessions, haveSameKey } from '../../src/api/pages/session.ts';

const SECRET = 's'.repeat(32);
const KEY_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const HERE = { isSecure: false };
const HTTPS = { isSecure: true };
const at = (seconds: number) => () => new Date(Date.UTC(2026, 5, 1) + seconds * 1000);

const cookieOf = (header: string) => header.split(';')[0]!;
const open = async (secret: string | null = SECRET, terms = HERE) =>
  cookieOf((await createSessions(secret, at(0)).open(KEY_ID, terms)).setCookie);

describe('a session', () => {
  test('belongs to its key for 8 hours', async () => {
    const cookie = await open();
    const read = (seconds: number) => createSessions(SECRET, at(seconds)).read(cookie, HERE);
    expect(await read(0)).toMatchObject({ keyId: KEY_ID });
    expect(await read(SESSION_SECONDS - 1)).toMatchObject({ keyId: KEY_ID });
    expect(await read(SESSION_SECONDS + 1)).toBeNull();
  });

  test('has its own form token', async () => {
    const sessions = createSessions(SECRET, at(0));
    const tokens = await Promise.all(
      [await open(), await open()].map(async (cookie) => await sessions.read(cookie, HERE)),
    );
    expect(new Set(tokens.map((session) => session?.formToken)).size).toBe(2);
  });

  test('knows form tokens of other sessions of its key', async () => {
    const sessions = createSessions(SECRET, at(0));
    const OTHER_KEY = '3f2504e0-4f89-41d3-9a0c-0305e82c3302';
    const [one, again, other] = await Promise.all(
      [KEY_ID, KEY_ID, OTHER_KEY].map(async (keyId) => {
        const { session, setCookie } = await sessions.open(keyId, HERE);
        expect(await sessions.read(cookieOf(setCookie), HERE)).toEqual(session);
        return session.formToken;
      }),
    );
    expect(haveSameKey(one!, again!)).toBe(true);
    expect(haveSameKey(one!, other!)).toBe(false);
    expect(haveSameKey('', one!)).toBe(false);
  });

  test('is rejected with another secret or none', async () => {
    const sessions = createSessions(SECRET, at(0));
    const payload = { sub: KEY_ID, jti: KEY_ID, exp: at(60)().getTime() / 1000 };
    const none = new UnsecuredJWT(payload).encode();
    const endless = await new SignJWT({ sub: KEY_ID, jti: KEY_ID })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(SECRET));
    const other = await open('o'.repeat(32));
    for (const cookie of [
      other,
      await open(null),
      `arcadia_session=${none}`,
      `arcadia_session=${endless}`,
      'arcadia_session=x',
      'arcadia_session=',
      undefined,
    ]) {
      expect(await sessions.read(cookie, HERE), cookie).toBeNull();
    }
  });

  test('is bound to this host over HTTPS', async () => {
    const sessions = createSessions(SECRET, at(0));
    const { setCookie: secure } = await sessions.open(KEY_ID, HTTPS);
    expect(secure).toMatch(/^__Host-arcadia_session=/);
    expect(secure.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      `Max-Age=${SESSION_SECONDS}`,
      'Path=/',
      'SameSite=Strict',
      'Secure',
    ]);
    expect(await sessions.read(cookieOf(secure), HTTPS)).not.toBeNull();
    // Over HTTPS, a cookie that the network could have set is ignored.
    expect(await sessions.read(await open(), HTTPS)).toBeNull();
  });
});

describe('after sign-in, leads to', () => {
  test.each([
    '/operator/months',
    '/operator/months/2026-05/invoices?order=tenant&cursor=x',
    '/operator',
    '/quote?plan_code=studio',
    '/tenant',
    '/tenant/usage/2026-05',
  ])('%s', (then) => {
    expect(localPath(then)).toBe(then);
  });

  test.each([
    '',
    '/',
    '//evil.example/operator',
    String.raw`/\evil.example/operator`,
    'https://evil.example/operator',
    'https:evil.example/operator',
    'javascript:alert(1)//operator',
    '/operatorx',
    '/api/v1/invoices',
    '/operator/../api/v1/invoices',
    'http://[',
  ])('the start page for %j', (then) => {
    expect(localPath(then)).toBeNull();
  });
});
