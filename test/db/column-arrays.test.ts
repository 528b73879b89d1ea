import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { columnArray, sql } from '../../src/db/sql.ts';
import type { Database } from '../../src/db/pool.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';

let opened: OpenTestDatabase;
let db: Database;

beforeAll(async () => {
  opened = await openTestDatabase('appUrl', 1);
  ({ db } = opened);
});
afterAll(() => opened.close());

function readTexts(values: readonly (string | null)[]) {
  const texts = z.object({ texts: z.array(z.string().nullable()) });
  return db.oneFirst(sql.type(texts)`SELECT ${columnArray(values)}::text[] AS texts`);
}

test('PostgreSQL reads back every written text', async () => {
  const values = [
    ...['', ' ', 'null', 'NULL', '{}', '{a,b}', 'a,b', "it's", '"', '\\', '\\"', 'a\\nb'],
    ...['a\nb', '\t', '\u0001', '\u007f', '\u2028', 'é', '漢字', '😀'],
    null,
  ];
  // Each alone as well, because one that needs escaping changes how all are written.
  for (const value of values) expect(await readTexts([value])).toEqual([value]);
  expect(await readTexts(values)).toEqual(values);
  expect(await readTexts([])).toEqual([]);
});

test('round-trips any text that PostgreSQL can store', async () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
      expect(await readTexts(values)).toEqual(values);
    }),
  );
});

test('round-trips numbers', async () => {
  const values = [0, -1, Number.MAX_SAFE_INTEGER, null];
  const texts = z.object({ texts: z.array(z.string().nullable()) });
  const read = await db.oneFirst(
    sql.type(texts)`SELECT ${columnArray(values)}::bigint[]::text[] AS texts`,
  );
  expect(read).toEqual(['0', '-1', '9007199254740991', null]);
});
