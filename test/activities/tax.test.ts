import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { applyTaxFile } from '../../src/catalogue/apply-tax.ts';
import { NO_TAX, type TaxFile } from '../../src/catalogue/tax-file.ts';
import { showInvoice } from '../../src/db/invoices/invoice-views.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import {
  expectSoundBooks,
  invoicesOf,
  outcomesOf,
  expectVerifiedWithoutRun,
} from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';

const GST = { treatment: 'gst', label: 'GST', rate: '0.10', note: null };
const FREE = {
  code: 'free',
  label: 'GST',
  rate: '0',
  note: 'GST-free: supplied outside Australia.',
};
const OTHER = { code: 'fiji-vat', label: 'VAT', rate: '0.125', note: null };
const RATE = { from: 'USD', to: 'AUD', rate: '1.5321', source: 'RBA, average of the month' };

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
  await record({ treatments: [FREE, OTHER] });
});
afterAll(async () => {
  await expectVerifiedWithoutRun(world.db, MONTH);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

function record(file: Partial<TaxFile>) {
  return applyTaxFile(world.db, { ...NO_TAX, ...file });
}

let lastTenant = 0;
async function newTenant(currency = 'AUD', tax?: { treatment: string; from: string }) {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  const planVersionId = currency === 'USD' ? 'yankee-v1' : 'studio-v1';
  await seedTenant(
    world.db,
    tenantId,
    [{ deploymentId: `${tenantId}-a`, planVersionId }],
    currency,
  );
  if (tax) await record({ assignments: [{ tenant_id: tenantId, ...tax }] });
  return tenantId;
}

/** Totals, tax and the description of the tax line of a tenant's live invoice. */
async function liveOf(tenantId: string, month = MONTH) {
  const live = (await invoicesOf(world.db, tenantId)).find(
    (one) => one.month === month && one.status === 'issued',
  );
  const invoice = live ? await showInvoice(world.db, live.invoiceId, tenantId) : null;
  return {
    amounts: [invoice?.subtotal_cents, invoice?.tax_cents, invoice?.total_cents],
    tax: invoice?.tax,
    line: invoice?.lines.find(({ kind }) => kind === 'tax')?.description,
  };
}

async function previewOf(tenantId: string, month = MONTH): Promise<TenantPreview> {
  const previews: TenantPreview[] = [];
  await previewMonth(world.db, month, {
    ...{ bounds: NO_BOUNDS, tenantIds: [tenantId], onTenant: (one) => previews.push(one) },
  });
  return previews[0]!;
}

test('without any record a tenant pays GST of 10 %, and the invoice keeps that', async () => {
  const tenantId = await newTenant();
  await buildInvoices(world, [tenantId]);
  expect(await liveOf(tenantId)).toEqual({
    amounts: [5000, 500, 5500],
    tax: { ...GST, seller_registered: true, aud: null },
    line: 'GST (10%)',
  });
});

test('a GST-free tenant pays no tax, needs no exchange rate, and the invoice keeps the reason', async () => {
  const tenantId = await newTenant('USD', { treatment: 'free', from: '2026-01' });
  await buildInvoices(world, [tenantId]);
  expect(await liveOf(tenantId)).toEqual({
    amounts: [900, 0, 900],
    tax: {
      ...{ treatment: 'free', label: 'GST', rate: '0', note: FREE.note },
      ...{ seller_registered: true, aud: null },
    },
    line: undefined,
  });
});

test('another treatment taxes by its own rate and label, from its first month on', async () => {
  const tenantId = await newTenant('AUD', { treatment: 'fiji-vat', from: '2026-05' });
  await buildInvoices(world, [tenantId], { month: '2026-04' });
  await buildInvoices(world, [tenantId]);
  expect(await liveOf(tenantId, '2026-04')).toMatchObject({ line: 'GST (10%)' });
  expect(await liveOf(tenantId)).toMatchObject({
    amounts: [5000, 625, 5625],
    tax: { treatment: 'fiji-vat', rate: '0.125' },
    line: 'VAT (12.5%)',
  });
  expect((await previewOf(tenantId)).standing?.changes).toEqual([]);
});

test('a seller that is not registered charges no tax from that month on', async () => {
  const tenantId = await newTenant();
  await record({
    gst_registrations: [
      { from: '2025-01', registered: false },
      { from: '2025-02', registered: true },
    ],
  });
  await buildInvoices(world, [tenantId], { month: '2025-01' });
  await buildInvoices(world, [tenantId], { month: '2025-02' });
  expect(await liveOf(tenantId, '2025-01')).toEqual({
    amounts: [5000, 0, 5000],
    tax: { ...GST, seller_registered: false, aud: null },
    line: undefined,
  });
  expect(await liveOf(tenantId, '2025-02')).toMatchObject({ amounts: [5000, 500, 5500] });
});

describe('an invoice in another currency', () => {
  test('without an exchange rate parks its tenant, which is retried once it is recorded', async () => {
    const tenantId = await newTenant('USD');
    const month = '2025-06';
    const [parked] = await buildInvoices(world, [tenantId], { month });
    expect(parked).toMatchObject({
      outcome: 'parked',
      failure: {
        type: 'missing_exchange_rate',
        reason: expect.stringContaining(`exchange-rates add USD AUD ${month}`) as unknown,
      },
    });
    expect((await previewOf(tenantId, month)).preview.parked?.type).toBe('missing_exchange_rate');
    expect(await outcomesOf(world.db, month)).toMatchObject([{ tenantId, outcome: 'parked' }]);

    const { warnings } = await record({ exchange_rates: [{ ...RATE, month }] });
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/USD to AUD of 2025-06: 1\. Retry them \(month-end start 2025-06\)/),
    ]);
    expect(await buildInvoices(world, [tenantId], { month })).toMatchObject([
      { outcome: 'rolled' },
    ]);
    expect(await liveOf(tenantId, month)).toMatchObject({
      amounts: [900, 90, 990],
      // 0.90 × 1.5321 = 1.37889
      tax: { ...GST, aud: { rate: '1.5321', source: RATE.source, tax_cents: 138 } },
    });
  });

  test('keeps its rate when the rate is corrected, until it is forced', async () => {
    const tenantId = await newTenant('USD');
    const month = '2025-07';
    await record({ exchange_rates: [{ ...RATE, month, rate: '15.321' }] });
    await buildInvoices(world, [tenantId], { month });
    const { warnings } = await record({ exchange_rates: [{ ...RATE, month, replace: true }] });
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('1 invoice of 2025-07 in USD keep another exchange rate'),
    ]);
    expect(await liveOf(tenantId, month)).toMatchObject({ tax: { aud: { tax_cents: 1379 } } });
    // No line changes, but the invoice does.
    const [result] = await forceInvoices(world, [tenantId], { onlyIfChanged: true }, month);
    expect(result).toMatchObject({ outcome: 'rolled' });
    expect(await liveOf(tenantId, month)).toMatchObject({ tax: { aud: { tax_cents: 138 } } });
    const [again] = await forceInvoices(world, [tenantId], { onlyIfChanged: true }, month);
    expect(again).toMatchObject({ outcome: 'unchanged' });
  });
});

describe('a treatment that changes for months that are already invoiced', () => {
  test('gives a warning with the months and the action, and a forced revision follows it', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId], { month: '2026-04' });
    await buildInvoices(world, [tenantId]);

    const { warnings } = await record({
      assignments: [{ tenant_id: tenantId, treatment: 'free', from: '2026-04' }],
    });
    expect(warnings).toEqual([
      {
        path: ['assignments', 0, 'from'],
        message:
          `tenant ${tenantId} has tax treatment free from 2026-04 on, but its issued invoices of 2026-04, 2026-05 are ` +
          `taxed by another: check them (month-end preview 2026-04 --tenant ${tenantId} --lines) and force a rerun ` +
          `of each month (month-end force 2026-04 --tenant ${tenantId} --reason REASON)`,
      },
    ]);
    expect(await liveOf(tenantId)).toMatchObject({ amounts: [5000, 500, 5500] });
    expect((await previewOf(tenantId)).standing?.changes).toMatchObject([{ change: 'removed' }]);

    await forceInvoices(world, [tenantId]);
    expect(await liveOf(tenantId)).toMatchObject({
      amounts: [5000, 0, 5000],
      tax: { treatment: 'free', note: FREE.note },
    });
    // The month that was not forced keeps its tax, and the superseded invoice its own.
    expect(await liveOf(tenantId, '2026-04')).toMatchObject({ amounts: [5000, 500, 5500] });
    const [, superseded] = await invoicesOf(world.db, tenantId);
    expect((await showInvoice(world.db, superseded!.invoiceId))?.tax).toMatchObject(GST);
  });

  test('is a change even if no line changes', async () => {
    const tenantId = await newTenant('AUD', { treatment: 'free', from: '2026-05' });
    await buildInvoices(world, [tenantId]);
    await record({
      treatments: [{ ...FREE, code: 'free-2', note: 'GST-free: an export.' }],
      assignments: [{ tenant_id: tenantId, treatment: 'free-2', from: '2026-05', replace: true }],
    });
    const { preview, standing } = await previewOf(tenantId);
    expect(standing).toMatchObject({ changes: [], tax: { treatment: { code: 'free' } } });
    expect(preview).toMatchObject({ tax: { treatment: { code: 'free-2' } } });
    const [result] = await forceInvoices(world, [tenantId], { onlyIfChanged: true });
    expect(result).toMatchObject({ outcome: 'rolled' });
    expect(await liveOf(tenantId)).toMatchObject({ tax: { note: 'GST-free: an export.' } });
  });

  test('gives no warning for months that a later treatment governs, or that are not invoiced', async () => {
    const tenantId = await newTenant('AUD', { treatment: 'free', from: '2026-05' });
    await buildInvoices(world, [tenantId]);
    const assign = (treatment: string, from: string) =>
      record({ assignments: [{ tenant_id: tenantId, treatment, from }] });
    expect((await assign('fiji-vat', '2026-01')).warnings).toEqual([]);
    expect((await assign('gst', '2026-06')).warnings).toEqual([]);
  });
});

test('an assignment waits for an invoice that is being issued, so that it can warn about it', async () => {
  const tenantId = await newTenant();
  await buildInvoices(world, [tenantId]);
  const { assigned } = await asSuperuser(world.testDatabase.superuserUrl, async (client) => {
    // As month end does while it issues an invoice.
    await client.query('BEGIN');
    await client.query('SELECT FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE', [tenantId]);
    const assigned = record({
      assignments: [{ tenant_id: tenantId, treatment: 'free', from: MONTH }],
    });
    await untilLockIsWaitedFor(world.testDatabase.superuserUrl);
    await client.query('COMMIT');
    // In an object, because a promise would be awaited before the connection ends.
    return { assigned };
  });
  expect((await assigned).warnings).toHaveLength(1);
});
