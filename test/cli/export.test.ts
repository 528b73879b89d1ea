import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { readControlTotals } from '../../src/db/month-end/read-control-totals.ts';
import { exportMonth } from '../../src/documents/export-month.ts';
import { periodOf } from '../_util/utc.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

/** More than a page of them. */
const TENANTS = Array.from({ length: 60 }, (_, i) => `tenant-${String(i).padStart(2, '0')}`);

let world: LedgerWorld;
let folder: string;
beforeAll(async () => {
  world = await createLedgerWorld();
  folder = mkdtempSync(join(tmpdir(), 'arcadia-export-'));
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
  await buildInvoices(world, TENANTS);
  const [tenantId = ''] = TENANTS;
  const use = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '250' };
  await seedUsage(world.db, use);
  await forceInvoices(world, [tenantId]);
  await settleInvoice(world, (await invoicesOf(world.db, 'tenant-08'))[0]!);
  await seedUsage(world.db, { ...use, tenantId: 'tenant-08', deploymentId: 'tenant-08-a' });
  await forceInvoices(world, ['tenant-08']);
  const { invoiceId } = (await invoicesOf(world.db, 'tenant-09'))[0]!;
  await voidInvoice(world.db, { invoiceId, actor: 'test', reason: 'x' });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: world.testDatabase.appUrl });
const DOCUMENTS = ['--formats', 'html,pdf,csv'];
const exportTo = (name: string, ...more: string[]) =>
  cli(
    'month-end',
    'export',
    MONTH,
    '--out',
    join(folder, name),
    ...(more.length > 0 ? more : DOCUMENTS),
  );

/** What is in a folder: names, and digests of contents. */
function contentsOf(name: string): ReadonlyMap<string, string> {
  const path = join(folder, name);
  return new Map(
    readdirSync(path)
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(path, file)))
          .digest('hex'),
      ]),
  );
}

/** The rows of a CSV file in a folder. */
function readTable(name: string, file: string): Record<string, string>[] {
  return parse(readFileSync(join(folder, name, file), 'utf8'), { columns: true });
}

test('without a seller it says what is missing, and writes nothing', async () => {
  const { code, stderr } = await exportTo('none');
  expect(code).toBe(1);
  expect(stderr).toContain('No seller details exist yet: set them with `seller apply FILE`');
  expect([...contentsOf('none').keys()]).toEqual([]);
});

describe('with a seller', () => {
  beforeAll(async () => {
    expect(await cli('seller', 'apply', 'demo/seller.json')).toMatchObject({
      code: 0,
      stdout: 'Seller details version 1 is in force.\n',
    });
  });

  test('which is the same when it is applied again', async () => {
    expect((await cli('seller', 'apply', 'demo/seller.json')).stdout).toContain(
      'is already in force',
    );
    expect((await cli('seller', 'show')).stdout).toContain('Arcadia Cloud Pty Ltd');
    const wrong = join(folder, 'wrong.json');
    const seller = JSON.parse(readFileSync('demo/seller.json', 'utf8')) as object;
    writeFileSync(wrong, JSON.stringify({ ...seller, abn: '51 824 753 557' }));
    const { code, stderr } = await cli('seller', 'apply', wrong);
    expect([code, stderr]).toEqual([1, expect.stringContaining('abn: expected an ABN')]);
  });

  test('every invoice in every format, and tables that come to the control totals', async () => {
    const { code, stdout, stderr } = await exportTo('all');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('61 invoices, 1 adjustment note, 189 files');
    const invoices = await invoicesOf(world.db);
    const numbers = [...invoices.map(({ number }) => number), 'tenant-08-A000001'];
    const names = numbers.flatMap((number) =>
      ['csv', 'html', 'pdf'].map((format) => `${number}.${format}`),
    );
    const tables = [
      `summary-${MONTH}.csv`,
      `superseded-and-void-${MONTH}.csv`,
      `adjustment-notes-${MONTH}.csv`,
    ];
    expect([...contentsOf('all').keys()]).toEqual([...tables, ...names].sort());
    const isLive = ({ status }: { status: string }) => !['superseded', 'void'].includes(status);
    const shown = (rows: readonly Record<string, string>[]) =>
      rows.map((row) => [row.number, row.status, row.total?.replace('.', '')]);
    const stored = (some: typeof invoices) =>
      some.map(({ number, status, totalCents }) => [number, status, String(totalCents)]);
    const live = readTable('all', tables[0]!);
    const others = readTable('all', tables[1]!);
    expect(shown(live)).toEqual(stored(invoices.filter(isLive)));
    expect(shown(others)).toEqual(stored(invoices.filter((invoice) => !isLive(invoice))));
    expect(others.map(({ status }) => status)).toEqual(['superseded', 'void']);
    expect(others[0]).toMatchObject({ superseded_by: 'tenant-00-000002' });
    expect(readTable('all', tables[2]!)).toMatchObject([
      { number: 'tenant-08-A000001', adjusts: 'tenant-08-000001', subtotal: '2.50', total: '2.75' },
    ]);
    expect(live.find(({ number }) => number === 'tenant-08-000001')).toMatchObject({
      adjusted_by: 'tenant-08-A000001',
      total: '55.00',
    });
    expect(live[0]).toMatchObject({ replaces: 'tenant-00-000001', subtotal: '52.50' });

    const { invoices: totals } = await readControlTotals(world.db, periodOf(MONTH));
    for (const [kind, rows] of [
      ['invoice', live],
      ['adjustment_note', readTable('all', tables[2]!)],
    ] as const) {
      const counted = totals.filter((total) => total.kind === kind && isLive(total));
      expect(counted).toHaveLength(1);
      for (const column of ['subtotal', 'tax', 'total'] as const) {
        const sum = (amounts: readonly string[]) => amounts.reduce((a, b) => a + BigInt(b), 0n);
        expect(sum(rows.map((row) => row[column]!.replace('.', '')))).toBe(
          sum(counted.map((total) => total[`${column}_cents`])),
        );
      }
    }
  });

  test('nobody but its owner can read it, and no link leads it elsewhere', async () => {
    const target = join(folder, 'private');
    mkdirSync(target);
    writeFileSync(join(folder, 'precious'), 'precious');
    const names = [`summary-${MONTH}.csv`, 'tenant-07-000001.csv'];
    for (const name of names) {
      for (const link of [name, `${name}.${process.pid}.part`]) {
        symlinkSync(join(folder, 'precious'), join(target, link));
      }
    }
    await exportMonth(world.db, MONTH, {
      folder: target,
      formats: ['csv'],
      onProgress: () => undefined,
    });
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('precious');
    expect(readFileSync(join(target, names[1]!), 'utf8')).toContain('tenant-07-000001');
    for (const name of readdirSync(target).filter((name) => !name.endsWith('.part'))) {
      expect((lstatSync(join(target, name)).mode & 0o777).toString(8), name).toBe('600');
    }
    expect((lstatSync(join(folder, 'all')).mode & 0o777).toString(8)).toBe('700');
  });

  test('done again, the same bytes; and a change of status is in them', async () => {
    expect((await exportTo('again')).code).toBe(0);
    const first = contentsOf('again');
    expect(first).toEqual(contentsOf('all'));
    expect((await exportTo('again')).code).toBe(0);
    expect(contentsOf('again')).toEqual(first);

    const { invoiceId, number } = (await invoicesOf(world.db, 'tenant-07'))[0]!;
    await voidInvoice(world.db, { invoiceId, actor: 'test', reason: 'x' });
    expect((await exportTo('again')).code).toBe(0);
    const changed = [...contentsOf('again')].filter(([name, digest]) => first.get(name) !== digest);
    expect(changed.map(([name]) => name)).toEqual([
      `summary-${MONTH}.csv`,
      `superseded-and-void-${MONTH}.csv`,
      ...['csv', 'html', 'pdf'].map((format) => `${number}.${format}`),
    ]);
  });

  test('only the formats that are asked for', async () => {
    const { code, stdout } = await exportTo('pdfs', '--formats', 'pdf', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      month: MONTH,
      folder: join(folder, 'pdfs'),
      invoices: 61,
      adjustment_notes: 1,
      files: 65,
      xero: null,
    });
    const { code: misuse, stderr } = await exportTo('docs', '--formats', 'pdf,doc');
    expect([misuse, stderr]).toEqual([
      2,
      expect.stringContaining('formats separated by commas: html, pdf, csv, xero'),
    ]);
  });

  test('for Xero too, by default if the seller file has its accounts: once, and again by the id of the export', async () => {
    const all = cli('month-end', 'export', MONTH, '--out', join(folder, 'default'));
    // Of 60 tenants: the revision of one, the note of another, and nothing of the two whose invoices are void by now.
    expect((await all).stdout).toContain(
      `Xero: export 1: 59 documents and 0 reversals, 2 files in ${join(folder, 'default')}`,
    );
    const names = [`xero-${MONTH}-export-1-1-of-1.csv`, `xero-${MONTH}-export-1-totals.csv`];
    expect([...contentsOf('default').keys()].filter((name) => name.startsWith('xero'))).toEqual(
      names,
    );
    const rows = readTable('default', names[0]!);
    expect(rows[0]).toMatchObject({
      '*ContactName': 'tenant-00',
      '*InvoiceNumber': 'tenant-00-000002',
      '*AccountCode': '200',
      '*UnitAmount': '50.00',
    });
    const once = await exportTo('second', '--formats', 'xero', '--json');
    expect(JSON.parse(once.stdout)).toMatchObject({
      files: 3,
      xero: { written: [], waiting: { unreleased: 0, unsupported: 0 } },
    });
    const again = await exportTo('written-again', '--again', '1', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({
      export_id: 1,
      is_repeated: true,
      documents: 59,
      files: names,
    });
    const written = contentsOf('written-again');
    expect([...written.keys()]).toEqual(names);
    for (const [name, digest] of written) expect(contentsOf('default').get(name)).toBe(digest);
    const unknown = await exportTo('none', '--again', '2');
    expect([unknown.code, unknown.stderr]).toEqual([1, `${MONTH} has no export 2\n`]);
  });

  test('for Xero, without accounts in the seller file: by default not, and an error if asked for', async () => {
    const all = JSON.parse(readFileSync('demo/seller.json', 'utf8')) as object;
    const seller = Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'xero'));
    writeFileSync(join(folder, 'seller.json'), JSON.stringify(seller));
    expect((await cli('seller', 'apply', join(folder, 'seller.json'))).code).toBe(0);
    expect(
      (await cli('month-end', 'export', MONTH, '--out', join(folder, 'plain'))).stdout,
    ).not.toContain('Xero');
    const asked = await exportTo('asked', '--formats', 'xero');
    expect([asked.code, asked.stderr]).toEqual([
      1,
      'The seller file has no xero settings, which map lines to accounts in Xero\n' +
        '  → Add "xero" to the seller file, and apply it: `seller apply FILE`.\n',
    ]);
    // Of a mistyped kind, the path.
    writeFileSync(
      join(folder, 'seller.json'),
      JSON.stringify({ ...seller, xero: { line_kinds: { plan_bas: {} } } }),
    );
    const wrong = await cli('seller', 'apply', join(folder, 'seller.json'));
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('xero.line_kinds')]);
  });

  test('a folder that cannot be written, and a month without invoices, are refused', async () => {
    writeFileSync(join(folder, 'file'), '');
    const refused = await exportTo('file/below');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${join(folder, 'file/below')} can't be written: `);
    const empty = await cli('month-end', 'export', '2026-01', '--out', join(folder, 'empty'));
    expect([empty.code, empty.stderr]).toEqual([1, 'There are no invoices for 2026-01\n']);
    expect(readdirSync(folder)).not.toContain('empty');
  });

  test('an export that breaks off leaves no half a file', async () => {
    const target = join(folder, 'broken');
    const broken = exportMonth(world.db, MONTH, {
      folder: target,
      formats: ['csv'],
      onProgress: (done) => {
        if (done === 3) throw new Error('pulled the plug');
      },
    });
    await expect(broken).rejects.toThrow('pulled the plug');
    expect([...contentsOf('broken').keys()]).toEqual([
      'tenant-00-000001.csv',
      'tenant-00-000002.csv',
      'tenant-01-000001.csv',
    ]);
  });
});
