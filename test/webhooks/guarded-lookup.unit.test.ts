import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { allowsPublicAnd } from '../../src/webhooks/addresses.ts';
import { guardedLookup } from '../../src/webhooks/guarded-lookup.ts';

const PUBLIC = { address: '93.184.215.14', family: 4 };
const PUBLIC_6 = { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 };
const PRIVATE = { address: '10.0.0.7', family: 4 };

/** What a connection gets for a name with these addresses. */
function look(addresses: LookupAddress[], all: boolean): Promise<unknown> {
  const guarded = guardedLookup(allowsPublicAnd([]), () => Promise.resolve(addresses));
  return new Promise((resolve, reject) => {
    guarded('receiver.example', { all }, (error, found) => {
      if (error) reject(error);
      else resolve(found);
    });
  });
}

test('a name with public addresses resolves to them', async () => {
  expect(await look([PUBLIC, PUBLIC_6], true)).toEqual([PUBLIC, PUBLIC_6]);
  expect(await look([PUBLIC, PUBLIC_6], false)).toBe(PUBLIC.address);
});

test.each([
  ['first', [PRIVATE, PUBLIC]],
  ['last', [PUBLIC, PUBLIC_6, PRIVATE]],
])('a name with one address that is not public is refused: the %s', async (_which, addresses) => {
  for (const all of [true, false]) {
    await expect(look(addresses, all)).rejects.toThrow(
      'receiver.example resolves to 10.0.0.7, which is not a public address',
    );
  }
});

test('a name without an address is refused', async () => {
  await expect(look([], true)).rejects.toThrow('receiver.example resolves to nothing');
});
