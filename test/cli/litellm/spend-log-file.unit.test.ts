import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSpendLog } from '../../../src/cli/litellm/spend-log-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-spend-log-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(text: string) {
  const path = join(folder, 'log.json');
  writeFileSync(path, text);
  const options = { findMetadata: () => ({}), onProgress: () => undefined };
  return Array.fromAsync(readSpendLog(path, options), ({ number, event, reason }) =>
    event === null ? { number, reason } : { number, event: JSON.parse(event) as object },
  );
}

const event = (id: string) => `{"id": "${id}", "litellm_call_id": "c", "response_cost": 1}`;

test.each([
  ['lines', (objects: readonly string[]) => objects.join('\n')],
  ['an array', (objects: readonly string[]) => `[${objects.join(',')}]`],
])(
  'of %s, one object that is not JSON is unreadable, and the others are read',
  async (_what, layOut) => {
    const bad = '{"id": "b", "litellm_call_id": "c", "response_cost": NaN}';
    const page = `{"data": [${event('c')}, ${event('d')}]}`;
    expect(await read(layOut([event('a'), bad, page, '{"a" 1}', event('e')]))).toEqual([
      { number: 1, event: expect.objectContaining({ id: 'a' }) },
      { number: 2, reason: expect.stringMatching(/^not JSON: .*NaN/) },
      { number: 3, event: expect.objectContaining({ id: 'c' }) },
      { number: 4, event: expect.objectContaining({ id: 'd' }) },
      { number: 5, reason: expect.stringMatching(/^not JSON: /) },
      { number: 6, event: expect.objectContaining({ id: 'e' }) },
    ]);
  },
);

test('of a page, one row that is not JSON is unreadable, and the others are read', async () => {
  const bad = '{"id": "b", "litellm_call_id": "c", "response_cost": NaN, "metadata": {"a": [1]}}';
  const page = `{ "data": [${event('a')}, ${bad}, ${event('c')}],\n "total": 3, "page": 1}`;
  expect(await read(`${page}\n${event('d')}`)).toEqual([
    { number: 1, event: expect.objectContaining({ id: 'a' }) },
    { number: 2, reason: expect.stringMatching(/^not JSON: .*NaN/) },
    { number: 3, event: expect.objectContaining({ id: 'c' }) },
    { number: 4, event: expect.objectContaining({ id: 'd' }) },
  ]);
});

test('of a page, a list of anything but objects is unreadable', async () => {
  expect(await read(`{"data": [${event('a')}, NaN, ${event('c')}]}`)).toEqual([
    { number: 1, event: expect.objectContaining({ id: 'a' }) },
    { number: 2, reason: expect.stringContaining('found N') },
  ]);
});

test('a line that is cut off, and an object that is nested too deeply, cost no other', async () => {
  const deep = `{"id": "b", "x": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`;
  const lines = [event('a'), event('b').slice(0, 30), event('c'), deep, event('d')];
  expect(await read(lines.join('\n'))).toEqual([
    { number: 1, event: expect.objectContaining({ id: 'a' }) },
    { number: 2, reason: expect.stringMatching(/^not JSON: /) },
    { number: 3, event: expect.objectContaining({ id: 'c' }) },
    { number: 4, reason: expect.stringMatching(/^not JSON: /) },
    { number: 5, event: expect.objectContaining({ id: 'd' }) },
  ]);
});

test('a file that breaks off within an object is named, with the place', async () => {
  const cut = event('b').slice(0, -1);
  await expect(read(`${event('a')}\n${cut}`)).rejects.toThrow(/after request 1: .*ends within/);
});
