import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { insertExchangeRates } from '../../src/db/tax/tax-data.ts';
import { inExportTurn, listExports, recordExport } from '../../src/db/invoices/book-exports.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { sql } from '../../src/db/sql.ts';
import {
  exportBooks,
  exportBooksAgain,
  MissingMappingsError,
  NoXeroSettingsError,
  type BooksExported,
} from '../../src/documents/export-books.ts';
import { toAmount } from '../../src/domain/format.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { BOOKED_KINDS, taxInXero, type XeroSettings } from '../../src/domain/xero-accounts.ts';
import { centsOf } from '../../dev/story-books.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { pay } from '../_util/payments.ts';
import { until } from '../_util/until.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';

/** One more than a file of Xero may have. */
const TENANTS = Array.from({ length: 501 }, (_, i) => `tenant-${String(i).padStart(3, '0')}`);
const [FIRST = '', SECOND = '', THIRD = ''] = TENANTS;
const ROUNDING = { account_code: '860', tax_type: 'BAS Excluded' };
const SETTINGS: XeroSettings = {
  line_kinds: Object.fromEntries(
    BOOKED_KINDS.map((kind, index) => [
      kind,
      {
        account_code: String(200 + index),
        tax_types: { gst: 'GST on Income' },
        untaxed_tax_type: 'BAS Excluded',
      },
    ]),
  ),
  rounding: ROUNDING,
};

let world: LedgerWorld;
let root: string;
beforeAll(async () => {
  world = await createLedgerWorld();
  root = mkdtempSync(join(tmpdir(), 'arcadia-books-'));
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
  await use(FIRST, 'llm_usage', '5.4');
  await use(FIRST, 'llm_tokens', '1500000');
  await buildInvoices(world, TENANTS);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });
const exportTo = (name: string, month = MONTH): Promise<BooksExported> =>
  exportBooks(world.db, month, 'test', { folder: join(root, name), onProgress: () => undefined });
const filesIn = (name: string) =>
  new Map(
    readdirSync(join(root, name))
      .sort()
      .map((file) => [file, readFileSync(join(root, name, file), 'utf8')]),
  );
type Row = Record<string, string>;
const isRows = (name: string) => /-\d+-of-\d+\.csv$/.test(name);
function rowsIn(name: string): readonly Row[] {
  return [...filesIn(name)].flatMap(([file, text]) =>
    isRows(file) ? parse<Row>(text, { columns: true, bom: false }) : [],
  );
}
const numbersIn = (name: string) => [...new Set(rowsIn(name).map((row) => row['*InvoiceNumber']))];
const amountOf = (row: Row) => centsOf(row['*UnitAmount'] ?? '');
const sumOf = (rows: readonly Row[]) => rows.reduce((sum, row) => sum + amountOf(row), 0);
async function voidLast(tenantId: string): Promise<void> {
  const invoiceId = (await invoicesOf(world.db, tenantId)).at(-1)!.invoiceId;
  await voidInvoice(world.db, { invoiceId, actor: 'test', reason: 'a mistake' });
}

/** What the books have to contain, by kind of line: documents in force that were issued for the month. */
function bookedByKind() {
  return world.db.any(sql.type(z.object({ kind: z.string(), cents: z.number() }))`
    SELECT l.kind, sum(l.amount_cents)::bigint AS cents
    FROM invoices i JOIN invoice_lines l USING (invoice_id)
    WHERE i.period_start = ${`${MONTH}-01`} AND i.status = 'issued'
    GROUP BY l.kind ORDER BY l.kind
  `);
}

test('without settings, and with incomplete ones, nothing is recorded and the error says what is missing', async () => {
  await seedSeller(world.db);
  await expect(exportTo('none')).rejects.toThrow(NoXeroSettingsError);
  const onlyBase = { ...SETTINGS, line_kinds: { plan_base: SETTINGS.line_kinds.plan_base! } };
  await seedSeller(world.db, { xero: onlyBase }, 2);
  const refused = await exportTo('none').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(MissingMappingsError);
  expect((refused as MissingMappingsError).missing).toEqual([
    `xero.line_kinds.llm_usage is missing: line 3 of ${FIRST}-000001 needs it`,
    `xero.line_kinds.overage is missing: line 2 of ${FIRST}-000001 needs it`,
  ]);
  expect(await listExports(world.db, MONTH)).toEqual([]);
  expect(readdirSync(root)).toEqual([]);
});

describe('with settings', () => {
  beforeAll(() => seedSeller(world.db, { xero: SETTINGS }, 3));

  test('every document is in one file of at most 500 invoices, and their rows are those of the database', async () => {
    const { written, waiting } = await exportTo('first');
    expect(waiting).toEqual({ unreleased: 0, unsupported: 0 });
    expect(written).toEqual([
      {
        exportId: 1,
        isRepeated: false,
        documents: 501,
        reversals: 0,
        files: ['1-of-2', '2-of-2', 'totals'].map((part) => `xero-${MONTH}-export-1-${part}.csv`),
        differing: 0,
      },
    ]);
    const perFile = [...filesIn('first')]
      .filter(([name]) => isRows(name))
      .map(([, text]) => {
        const rows = parse<Row>(text, { columns: true });
        return new Set(rows.map((row) => row['*InvoiceNumber'])).size;
      });
    expect(perFile).toEqual([500, 1]);
    expect(
      rowsIn('first').filter((row) => row['*InvoiceNumber'] === `${FIRST}-000001`),
    ).toMatchObject([
      { '*AccountCode': '200', '*UnitAmount': '50.00' },
      { '*AccountCode': '202', '*UnitAmount': '5.00' },
      { '*AccountCode': '203', '*UnitAmount': '0.05' },
    ]);
    expect(rowsIn('first').every((row) => row['*Quantity'] === '1')).toBe(true);
  });

  test('a second export has only what is new: revisions, with the reversal of what they replace', async () => {
    expect((await exportTo('nothing')).written).toEqual([]);
    expect(readdirSync(root)).not.toContain('nothing');

    await use(SECOND, 'llm_usage', '7');
    await forceInvoices(world, [SECOND]);
    await use(SECOND, 'llm_usage', '8');
    // The first revision is superseded before anything is exported: the books never hear of it.
    await forceInvoices(world, [SECOND]);
    const { written } = await exportTo('second');
    expect(written).toMatchObject([{ exportId: 2, documents: 1, reversals: 1 }]);
    expect(numbersIn('second')).toEqual([`${SECOND}-000001-R`, `${SECOND}-000003`]);
    expect(rowsIn('second').map((row) => row.Reference)).toEqual([
      `Reverses ${SECOND}-000001, replaced by ${SECOND}-000002`,
      ...Array<string>(2).fill(`2026-05, replaces ${SECOND}-000002`),
    ]);
  });

  test('an exported invoice that was voided is reversed once, and its next revision is exported', async () => {
    await voidLast(THIRD);
    expect((await exportTo('third')).written).toMatchObject([{ documents: 0, reversals: 1 }]);
    expect(rowsIn('third')).toMatchObject([
      { '*InvoiceNumber': `${THIRD}-000001-R`, '*UnitAmount': '-50.00' },
    ]);
    await forceInvoices(world, [THIRD]);
    expect((await exportTo('fourth')).written).toMatchObject([{ documents: 1, reversals: 0 }]);
    expect(numbersIn('fourth')).toEqual([`${THIRD}-000002`]);
  });

  test('an export that was interrupted is completed by the next one, and no document is lost or repeated', async () => {
    await use(FIRST, 'llm_usage', '1');
    await forceInvoices(world, [FIRST]);
    const dies = exportBooks(world.db, MONTH, 'test', {
      folder: join(root, 'fifth'),
      onProgress: () => {
        throw new Error('pulled the plug');
      },
    });
    await expect(dies).rejects.toThrow('pulled the plug');
    expect((await listExports(world.db, MONTH)).at(-1)).toMatchObject({
      exportId: 5,
      isWritten: false,
    });

    await voidLast(SECOND);
    const { written } = await exportTo('fifth');
    expect(written).toMatchObject([
      { exportId: 5, isRepeated: true, documents: 1, reversals: 1 },
      { exportId: 6, isRepeated: false, documents: 0, reversals: 1 },
    ]);
    expect((await exportTo('nothing')).written).toEqual([]);
  });

  test('two exports at the same time have each document once', async () => {
    await forceInvoices(world, [SECOND]);
    const both = await Promise.all([exportTo('left'), exportTo('right')]);
    expect(both.flatMap(({ written }) => written)).toMatchObject([
      { exportId: 7, documents: 1, reversals: 0 },
    ]);
  });

  test('an adjustment note is exported as a document of its own, with signed amounts', async () => {
    await pay(world.db, `${THIRD}-000002`, 5500);
    const eventId = await use(THIRD, 'llm_usage', '1000');
    expect(await forceInvoices(world, [THIRD])).toMatchObject([{ outcome: 'adjusted' }]);
    await excludeEvent(world.db, { source: 'llm', eventId, actor: 'test', reason: 'sent twice' });
    expect(await forceInvoices(world, [THIRD])).toMatchObject([{ outcome: 'adjusted' }]);
    expect((await exportTo('notes')).written).toMatchObject([{ documents: 2, reversals: 0 }]);
    expect(rowsIn('notes')).toMatchObject([
      {
        '*InvoiceNumber': `${THIRD}-A000001`,
        Reference: `2026-05, adjusts ${THIRD}-000002`,
        '*UnitAmount': '10.00',
      },
      { '*InvoiceNumber': `${THIRD}-A000002`, '*UnitAmount': '-10.00' },
    ]);
  });

  test('all exports together are what the database has, in total and per account', () => {
    return expectBooksAgree([
      'first',
      'second',
      'third',
      'fourth',
      'fifth',
      'left',
      'right',
      'notes',
    ]);
  });

  test('an export can be written again, with the same bytes, whatever has happened since', async () => {
    await seedSeller(world.db, { xero: { ...SETTINGS, rounding: null } }, 4);
    for (const [name, exportId] of [
      ['first', 1],
      ['second', 2],
    ] as const) {
      const folder = join(root, `again-${name}`);
      const target = { folder, onProgress: () => undefined };
      expect(await exportBooksAgain(world.db, MONTH, exportId, target)).toMatchObject({
        exportId,
        isRepeated: true,
      });
      expect(filesIn(`again-${name}`)).toEqual(filesIn(name));
    }
    const target = { folder: root, onProgress: () => undefined };
    expect(await exportBooksAgain(world.db, MONTH, 99, target)).toBeNull();
    expect(await exportBooksAgain(world.db, '2026-04', 1, target)).toBeNull();
  });
});

test('documents wait until their month is released', async () => {
  await seedSeller(world.db, { xero: SETTINGS, release: 'review' }, 5);
  await buildInvoices(world, [FIRST, SECOND], { month: '2026-04' });
  expect(await exportTo('review', '2026-04')).toEqual({
    written: [],
    waiting: { unreleased: 2, unsupported: 0 },
  });
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO releases (tenant_id, period_start, actor, reason)
    VALUES (${FIRST}, '2026-04-01', 'test', 'looked at')`);
  expect(await exportTo('review', '2026-04')).toMatchObject({
    written: [{ documents: 1, reversals: 0 }],
    waiting: { unreleased: 1, unsupported: 0 },
  });
  expect(numbersIn('review')).toEqual([`${FIRST}-000003`]);
});

test('invoices are locked in the order of their ids, as payments lock them', async () => {
  const month = '2026-01';
  const tenantIds = TENANTS.slice(0, 5);
  await seedSeller(world.db, { xero: SETTINGS }, 6);
  await buildInvoices(world, tenantIds, { month });
  await exportTo('january', month);
  await forceInvoices(world, tenantIds, {}, month);
  const invoices = sql.fragment`invoices WHERE period_start = ${`${month}-01`}`;
  const { pending } = await world.db.transaction(async (tx) => {
    const query = sql.typeAlias('nothing');
    await tx.query(query`SELECT FROM ${invoices} ORDER BY invoice_id LIMIT 1 FOR UPDATE`);
    const pending = inExportTurn(world.db, (other) =>
      recordExport(other, month, { actor: 'test', sellerVersion: 6 }),
    );
    const waiting = sql.type(z.object({ count: z.number() }))`
      SELECT count(*) AS count FROM pg_locks
      WHERE NOT granted AND transactionid = pg_current_xact_id()::xid`;
    await until(
      () => tx.oneFirst(waiting),
      (count) => count === 1,
    );
    // It waits for the first one, so it holds none of the others: they can be locked without waiting.
    await tx.query(query`SELECT FROM ${invoices} ORDER BY invoice_id FOR UPDATE NOWAIT`);
    return { pending };
  });
  expect(await pending).not.toBeNull();
});

test('a reversal cancels its document in every account, whatever the seller file says by then', async () => {
  const month = '2026-03';
  await seedSeller(world.db, { xero: { ...SETTINGS, rounding: null } }, 7);
  // 0.05 of usage and 0.05 of overage: 0.01 of tax each in Xero, and 0.01 together here.
  await use(THIRD, 'llm_usage', '5', month);
  await use(THIRD, 'llm_tokens', '1005000', month);
  await buildInvoices(world, [THIRD], { month });
  expect((await exportTo('march', month)).written).toMatchObject([{ documents: 1, differing: 1 }]);

  // Another account, no mapping of overage any more, and an account for rounding.
  const { plan_base, llm_usage } = SETTINGS.line_kinds;
  const line_kinds = {
    plan_base: plan_base!,
    llm_usage: { ...llm_usage!, account_code: '230' },
  };
  const changed = { line_kinds, rounding: ROUNDING };
  await seedSeller(world.db, { xero: changed }, 8);
  const { invoiceId } = (await invoicesOf(world.db, THIRD)).find((each) => each.month === month)!;
  await voidInvoice(world.db, { invoiceId, actor: 'test', reason: 'a mistake' });
  expect((await exportTo('march-reversal', month)).written).toMatchObject([
    { documents: 0, reversals: 1, differing: 1 },
  ]);
  const booked = (name: string, sign: number) =>
    rowsIn(name).map((row) => [row['*AccountCode'], row['*TaxType'], amountOf(row) * sign]);
  expect(booked('march', 1)).toHaveLength(3);
  expect(booked('march-reversal', -1)).toEqual(booked('march', 1));
});

test('currencies that do not have two decimals are counted, and not exported', async () => {
  const month = '2026-02';
  await world.db.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('yen'), ('dinar')`);
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
    VALUES ('yen', 1, 'JPY', 105, 'daily'), ('dinar', 1, 'KWD', 105, 'daily')`);
  await seedTenant(world.db, 'tokyo', [{ deploymentId: 'tokyo', planVersionId: 'yen-v1' }], 'JPY');
  await seedTenant(world.db, 'kuwait', [{ deploymentId: 'kwd', planVersionId: 'dinar-v1' }], 'KWD');
  await world.db.transaction((tx) =>
    insertExchangeRates(
      tx,
      ['JPY', 'KWD'].map((from) => ({
        ...{ from, to: 'AUD', month, entry: 1, rate: '1.25', source: 'made up' },
      })),
    ),
  );
  const built = await buildInvoices(world, ['tokyo', 'kuwait'], { month });
  expect(built).toMatchObject([{ outcome: 'rolled' }, { outcome: 'rolled' }]);
  expect(await exportTo('february', month)).toEqual({
    written: [],
    waiting: { unreleased: 0, unsupported: 2 },
  });
});

/** Compares the files in these folders with the database, as Xero adds them up. */
async function expectBooksAgree(folders: readonly string[]): Promise<void> {
  const rows = folders.flatMap((name) => (readdirSync(root).includes(name) ? rowsIn(name) : []));
  const booked = await bookedByKind();
  for (const { kind, cents } of booked) {
    if (kind === 'tax') continue;
    const mapping = SETTINGS.line_kinds[kind as keyof XeroSettings['line_kinds']];
    const account = rows.filter((row) => row['*AccountCode'] === mapping?.account_code);
    expect([kind, sumOf(account)]).toEqual([kind, cents]);
  }
  const [{ total }] = (await world.db.any(sql.type(z.object({ total: z.number() }))`
    SELECT sum(total_cents)::bigint AS total FROM invoices
    WHERE period_start = ${`${MONTH}-01`} AND status = 'issued'
  `)) as [{ total: number }];
  const taxed = rows.filter((row) => row['*TaxType'] === 'GST on Income');
  expect(toAmount(sumOf(rows) + taxInXero(taxed.map(amountOf), '0.10'), 'AUD')).toBe(
    toAmount(total, 'AUD'),
  );
  // No document is in two exports.
  const perDocument = Map.groupBy(rows, (row) => row['*InvoiceNumber']);
  for (const [number, all] of perDocument) {
    const places = folders.filter(
      (name) => readdirSync(root).includes(name) && numbersIn(name).includes(number),
    );
    expect([number, places.length, all.length > 0]).toEqual([number, 1, true]);
  }
}
