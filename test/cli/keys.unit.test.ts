import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { durationArgument } from '../../src/cli/arguments.ts';
import { expiryOf, endingKeys } from '../../src/cli/key-lifecycle.ts';
import { keyState, type ListedApiKey } from '../../src/db/access/api-keys.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(NOW.getTime() + days * DAY_MS).toISOString();

describe('a duration', () => {
  test.each([
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['90d', 90 * DAY_MS],
    ['2w', 14 * DAY_MS],
    ['0d', 0],
    ['99999d', 99_999 * DAY_MS],
  ])('%s', (text, ms) => {
    expect(durationArgument(text)).toBe(ms);
  });

  test.each(['', '90', 'd', '-1d', '1.5h', '90 d', '90days', '1y', '1s', '1e3d', '100000d', '٣d'])(
    'not %j',
    (text) => {
      expect(() => durationArgument(text)).toThrow(InvalidArgumentError);
    },
  );
});

test('an expiry is given as a duration or as an instant, and lies ahead', () => {
  expect(expiryOf({}, NOW)).toBeUndefined();
  expect(expiryOf({ expiresIn: DAY_MS }, NOW)).toEqual(new Date(inDays(1)));
  expect(expiryOf({ expiresAt: new Date(inDays(2)) }, NOW)).toEqual(new Date(inDays(2)));
  expect(() => expiryOf({ expiresIn: 0 }, NOW)).toThrow('is in the past');
  expect(() => expiryOf({ expiresAt: NOW }, NOW)).toThrow(
    'The expiry 2026-06-01T00:00:00.000Z is in the past',
  );
});

function key(fields: Partial<ListedApiKey>): ListedApiKey {
  return {
    keyId: 'k',
    scope: 'gateway',
    tenantId: null,
    currency: null,
    label: 'x',
    expiresAt: null,
    createdAt: inDays(-100),
    revokedAt: null,
    lastUsedAt: null,
    replacesKeyId: null,
    replacedByKeyId: null,
    signingSecretIds: [],
    ...fields,
  };
}

test.each([
  ['live', null, null],
  ['live', inDays(14.01), null],
  ['expiring', inDays(14), null],
  ['expiring', inDays(0.01), null],
  ['expired', inDays(0), null],
  ['revoked', inDays(5), inDays(-1)],
  ['revoked', null, inDays(-1)],
] as const)('%s: expires at %s, revoked at %s', (state, expiresAt, revokedAt) => {
  expect(keyState({ expiresAt, revokedAt }, NOW)).toBe(state);
});

test('an end is worth a word until a successor is in use', () => {
  const old = key({ keyId: 'old', expiresAt: inDays(5) });
  const ids = (...keys: ListedApiKey[]) => endingKeys(keys, NOW).map(({ keyId }) => keyId);
  expect(ids(old)).toEqual(['old']);
  const replaced = { ...old, replacedByKeyId: 'new' };
  const successor = key({ keyId: 'new', replacesKeyId: 'old' });
  expect(ids(replaced, successor)).toEqual(['old']);
  expect(ids(replaced, { ...successor, lastUsedAt: inDays(-1) })).toEqual([]);
  expect(ids(key({}), key({ expiresAt: inDays(-1) }), { ...old, revokedAt: inDays(0) })).toEqual(
    [],
  );
});
