import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkItems } from '../../src/cli/doctor/check-items.ts';
import type { Database } from '../../src/db/pool.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

let testDatabase: TestDatabase;
let db: Database;
let close: () => Promise<void>;
const folder = mkdtempSync(join(tmpdir(), 'items-'));
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
  await seedCatalogue(db);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'tokyo', [], 'JPY');
});
afterAll(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: testDatabase.appUrl });
const add = (id: string, amount: string, ...more: string[]) =>
  cli(
    ...['items', 'add', id, '--tenant', 'acme', '--month', '2026-05', '--amount', amount],
    ...['--description', 'Workshop', ...more],
  );
function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('a charge and a credit are added, listed, and withdrawn', async () => {
  expect(await add('charge', '250.00', '--no-taxable')).toMatchObject({
    code: 0,
    stdout: 'Item charge of AUD 250.00 waits for the next invoice of 2026-05 or a later month.\n',
  });
  expect((await add('charge', '250', '--no-taxable')).stdout).toContain('already recorded');
  expect(await add('credit', '-40.5')).toMatchObject({ code: 0 });
  const { stdout } = await cli('items', 'list', '--tenant', 'acme', '--state', 'waiting');
  expect(stdout).toMatch(/credit +acme +2026-05 +Workshop +AUD -40\.50 +pending/);
  expect(stdout).toMatch(/charge +acme +2026-05 +Workshop +AUD 250\.00 +not taxable +pending/);

  const withdraw = () => cli('items', 'withdraw', 'charge', '--reason', 'cancelled');
  expect((await withdraw()).stdout).toBe('Item charge is withdrawn.\n');
  expect((await withdraw()).stdout).toContain('the first reason stays: cancelled');
  const listed = await cli('--json', 'items', 'list', '--state', 'withdrawn');
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { item_id: 'charge', withdrawal: { reason: 'cancelled' }, rest_cents: 0, waits_for: null },
  ]);
});

test.each([
  [['items', 'add', 'x', '--tenant', 'acme'], 'required option'],
  [['items', 'withdraw', 'nothing', '--reason', 'x'], 'There is no invoice item nothing'],
  [['items', 'list', '--tenant', 'nobody'], 'There is no tenant nobody'],
])('%j is refused', async (args, words) => {
  const refused = await cli(...args);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(words);
});

test.each([
  ['12.345', '--amount: expected an amount other than 0 in AUD, such as 1,234.50'],
  ['0', '--amount: expected an amount other than 0 in AUD'],
  ['1e3', '--amount: expected an amount other than 0 in AUD'],
  ['99,50', '--amount: write 99.50, not 99,50'],
])('an amount of %s is refused', async (amount, words) => {
  const refused = await add('wrong', amount);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(words)]);
});

test('the same id with another content is refused', async () => {
  await add('mine', '10');
  const { code, stderr } = await add('mine', '11');
  expect([code, stderr]).toEqual([1, expect.stringContaining('another content')]);
});

describe('a file', () => {
  const HEAD = 'item_id,tenant_id,month,description,amount_cents,taxable,currency';

  test('of CSV is imported line by line, and again without effect', async () => {
    const rows = [
      HEAD,
      'f1,acme,2026-05,"Credit, for May",-500,,AUD',
      'f2,tokyo,2026-05,Charge,700,false,',
      'f3,nobody,2026-05,Charge,700,,',
      'f4,acme,2026-05,Charge,7.5,,',
    ];
    const path = write('items.csv', `\uFEFF${rows.join('\r\n')}\r\n`);
    const { code, stdout } = await cli('items', 'import', path);
    expect(code).toBe(3);
    expect(stdout.split('\n')).toEqual([
      'Recorded 2, unchanged 0, conflicts 0, rejected 2.',
      '  line 4: rejected: /tenant_id: there is no tenant nobody',
      '  line 5: rejected: /amount_cents: expected a whole number of minor units within ±(2^53 − 1), but not 0',
      '',
    ]);
    const again = await cli('--json', 'items', 'import', path);
    expect(JSON.parse(again.stdout)).toMatchObject({
      counts: { recorded: 0, duplicate: 2, rejected: 2 },
    });
  });

  test('of JSON has a list, or an object with one', async () => {
    const item = {
      ...{ item_id: 'j1', tenant_id: 'acme', month: '2026-05', description: 'Charge' },
      amount_cents: 100,
    };
    const list = await cli('items', 'import', write('list.json', JSON.stringify([item])));
    expect(list).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Recorded 1') as unknown,
    });
    const other = JSON.stringify({ items: [{ ...item, amount_cents: 101 }] });
    const conflict = await cli('items', 'import', write('object.json', other));
    expect([conflict.code, conflict.stdout]).toEqual([
      3,
      expect.stringContaining('item 1: conflict: item_id "j1"'),
    ]);
  });

  test.each<[string, string, string | Buffer, string]>([
    ['without items', 'empty.json', '[]', 'has no items'],
    ['that is not JSON', 'broken.json', '{', 'is not JSON'],
    ['of JSON that is no list', 'thing.json', '{"a":1}', 'expected a list of items'],
    ['with a missing column', 'short.csv', 'item_id,month\n', 'tenant_id is missing'],
    ['with an unknown column', 'odd.csv', `${HEAD},price\n`, 'price is unknown'],
    ['with a column twice', 'twice.csv', `${HEAD},month\n`, 'month appears twice'],
    ['with too few cells', 'cells.csv', `${HEAD}\nx,acme\n`, 'line 2: expected 7 cells, found 2'],
    ['in Latin-1', 'latin.csv', Buffer.from(`${HEAD}\n\xe9`, 'latin1'), 'is not UTF-8'],
  ])('%s is refused whole', async (_what, name, content, words) => {
    const { code, stderr } = await cli('items', 'import', write(name, content));
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
  });
});

test('doctor counts the items of last month and earlier that wait', async () => {
  const [before] = await checkItems(db, new Date('2026-05-20T00:00:00Z'));
  expect(before).toMatchObject({
    ...{ state: 'ok', detail: 'no item of 2026-04 or earlier waits for an invoice' },
  });
  const [after] = await checkItems(db, new Date('2026-06-20T00:00:00Z'));
  expect(after?.detail).toMatch(/^\d items of 2026-05 or earlier wait for the next invoices/);
});
