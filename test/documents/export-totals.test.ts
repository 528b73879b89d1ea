import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { addUp, addUpXero, centsOf, readTables } from '../../dev/story-books.ts';
import { sql } from '../../src/db/sql.ts';
import { exportBooks } from '../../src/documents/export-books.ts';
import { exportMonth } from '../../src/documents/export-month.ts';
import type { KindMapping } from '../../src/domain/xero-accounts.ts';
import {
  assignTreatment,
  creditLine,
  recordItem,
  recordPayment,
  releaseMonth,
  setReview,
  voidInvoice,
} from '../_util/by-hand.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

/** What the files of an export say, added up, is what the database holds: nothing is missing, and nothing is twice. */

const TENANTS = Array.from({ length: 12 }, (_, n) => `tenant-${n + 10}`);
const [REVISED, ADJUSTED, CREDITED, VOIDED, REBUILT, CHARGED, EXEMPT] = TENANTS as [
  ...[string, string, string, string, string, string, string],
  ...string[],
];

const mapping: KindMapping = {
  account_code: '200',
  tax_types: { gst: 'GST on Income', exempt: 'GST Free Income' },
  untaxed_tax_type: 'BAS Excluded',
};
const XERO = {
  line_kinds: {
    plan_base: mapping,
    addon: mapping,
    overage: mapping,
    llm_usage: mapping,
    item: mapping,
    credit: mapping,
  },
  rounding: { account_code: '860', tax_type: 'BAS Excluded' },
};

let world: LedgerWorld;
let root: string;
beforeAll(async () => {
  world = await createLedgerWorld();
  root = mkdtempSync(join(tmpdir(), 'arcadia-totals-'));
  const { db } = world;
  await seedCatalogue(db);
  await setReview(db, true, XERO);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO tax_treatments (treatment_code, label, rate) VALUES ('exempt', 'GST', 0)`);
  for (const tenantId of TENANTS) await seedTenant(db, tenantId);
  for (const [index, tenantId] of TENANTS.entries()) await use(tenantId, String(101 + 7 * index));
  await assignTreatment(db, { tenant: EXEMPT, from: MONTH, code: 'exempt' });
  const item = { tenant: CHARGED, month: MONTH, description: 'Workshop', isTaxable: true };
  await recordItem(db, { ...item, id: 'workshop', cents: 12_345 });
  await recordItem(db, { ...item, id: 'fee', description: 'Fee', cents: 500, isTaxable: false });
  await recordItem(db, { ...item, id: 'outage', description: 'Outage', cents: -2_001 });
  await buildInvoices(world, TENANTS);
  await use(REVISED, '250');
  await forceInvoices(world, [REVISED]);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

/** Cents of LLM usage in the month. */
function use(tenantId: string, amount: string) {
  const deploymentId = `${tenantId}-a`;
  return seedUsage(world.db, { tenantId, deploymentId, kind: 'llm_usage', amount });
}

async function standingOf(tenantId: string) {
  const all = await invoicesOf(world.db, tenantId);
  const found = all.find(
    ({ supersededBy, number }) => supersededBy === null && !number.includes('-A'),
  );
  if (!found) throw new Error(`${tenantId} has no invoice`);
  return found;
}

const sums = z.object({
  documents: z.number(),
  subtotal: z.number(),
  tax: z.number(),
  total: z.number(),
});

/** Adds up what the database holds. @param condition on documents `i` */
function inDatabase(condition: ReturnType<typeof sql.fragment>) {
  return world.db.one(sql.type(sums)`
    SELECT count(*) AS documents, coalesce(sum(i.subtotal_cents), 0)::bigint AS subtotal,
      coalesce(sum(i.tax_cents), 0)::bigint AS tax, coalesce(sum(i.total_cents), 0)::bigint AS total
    FROM invoices i WHERE ${condition}`);
}
const LIVE = sql.fragment`i.kind = 'invoice' AND i.status = 'issued'`;
const NOTES = sql.fragment`i.kind = 'adjustment_note'`;
const OTHERS = sql.fragment`i.kind = 'invoice' AND i.status <> 'issued'`;

/** Exports everything, and compares each table with the database. */
async function expectExported(name: string): Promise<void> {
  const folder = join(root, name);
  const nothing = () => undefined;
  await exportMonth(world.db, MONTH, { folder, formats: ['csv'], onProgress: nothing });
  expect(addUp(readTables(folder, /^summary-/))).toEqual(await inDatabase(LIVE));
  expect(addUp(readTables(folder, /^adjustment-notes-/))).toEqual(await inDatabase(NOTES));
  expect(addUp(readTables(folder, /^superseded-and-void-/))).toEqual(await inDatabase(OTHERS));
  // A document's own file has a row per line, tax included.
  const lines = readTables(folder, new RegExp(`^tenant-.*\\.csv$`));
  const amounts = lines.reduce((total, { amount }) => total + centsOf(amount ?? ''), 0);
  expect(amounts).toBe((await inDatabase(sql.fragment`true`)).total);
}

/** Exports to Xero what is new. All such exports together have to be what the database holds by now. */
async function exportToXero(): Promise<void> {
  const onProgress = () => undefined;
  await exportBooks(world.db, MONTH, 'olga', { folder: join(root, 'xero'), onProgress });
}

async function expectBooked(): Promise<void> {
  const folder = join(root, 'xero');
  const { amount, numbers } = addUpXero(readTables(folder, /-\d+-of-\d+\.csv$/));
  const totals = readTables(folder, /-totals\.csv$/);
  const sum = (column: string) =>
    totals.reduce((cents, row) => cents + centsOf(row[column] ?? ''), 0);
  const held = await inDatabase(sql.fragment`${LIVE} OR ${NOTES}`);
  expect({ subtotal: sum('subtotal'), tax: sum('tax'), total: sum('total') }).toEqual({
    subtotal: held.subtotal,
    tax: held.tax,
    total: held.total,
  });
  expect(amount - sum('rounding_row')).toBe(held.subtotal);
  expect(sum('total_in_xero')).toBe(held.total);
  expect(new Set(totals.map(({ number }) => number)).size).toBe(totals.length);
  expect(numbers).toEqual(totals.map(({ number }) => number ?? '').sort());
}

describe('totals of exports', () => {
  test('of a month that waits for its release: documents for the operator, nothing for Xero', async () => {
    await expectExported('waiting');
    await exportToXero();
    expect(() => readTables(join(root, 'xero'), /csv$/)).toThrow('ENOENT');
  });

  test('of a released month', async () => {
    await releaseMonth(world.db, { month: MONTH, tenantIds: TENANTS, requestId: 'release' });
    await expectExported('released');
    await exportToXero();
    await expectBooked();
  });

  test('after payments, notes, credits, a void invoice and a revision', async () => {
    const { db } = world;
    for (const tenantId of [ADJUSTED, CREDITED]) {
      const { number } = await standingOf(tenantId);
      await recordPayment(db, { id: `pay-${tenantId}`, number, cents: 100 });
    }
    await use(ADJUSTED, '333.3');
    await use(REBUILT, '44.4');
    const results = await forceInvoices(world, [ADJUSTED, REBUILT]);
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['adjusted', 'rolled']);
    const { invoiceId: documentId } = await standingOf(CREDITED);
    const credit = { documentId, lineNo: 1, cents: 1234, requestId: 'credit' };
    expect(await creditLine(db, credit)).not.toBe(null);
    expect(await voidInvoice(db, (await standingOf(VOIDED)).invoiceId)).toBe('changed');
    await expectExported('corrected');
    await exportToXero();
    await expectBooked();
  });

  test('after another export of the same: nothing is booked twice', async () => {
    await exportToXero();
    await expectBooked();
  });
});
