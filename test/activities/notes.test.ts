import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { applyTaxFile } from '../../src/catalogue/apply-tax.ts';
import { NO_TAX } from '../../src/catalogue/tax-file.ts';
import { showNote } from '../../src/db/invoices/note-views.ts';
import { showRequest } from '../../src/db/month-end/request-views.ts';
import { sql } from '../../src/db/sql.ts';
import { DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import {
  expectSoundBooks,
  expectVerifiedWithoutRun,
  invoicesOf,
  linesOf,
  notesOf,
  outcomesOf,
} from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { endLife, LONG_AGO, seedLives, seedPlan } from '../_util/lives.ts';
import { MONTH, seedCatalogue } from '../_util/seed.ts';
import * as settled from './_settled.ts';

/** Forced reruns of settled invoices, on the real PostgreSQL (docs/spec.md#adjustment-notes). */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: DEFAULT_BOUNDS });
  await seedCatalogue(world.db);
  await seedPlan(world.db, 'capped', {
    proration: 'daily',
    basePriceCents: 1000,
    items: [
      {
        ...{ resourceKind: 'hours', overageUnit: 'hour' },
        ...{ includedQty: '10', overagePriceCents: 5, hardCapQty: '20' },
      },
    ],
  });
});
afterAll(async () => {
  // Whatever the tests did to the months, their books add up.
  await expectVerifiedWithoutRun(world.db, MONTH);
  await expectVerifiedWithoutRun(world.db, '2026-06');
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const newTenant = (planVersionId?: string, currency?: string) =>
  settled.newTenant(world, planVersionId, currency);
const use = (tenantId: string, kind: string, amount: string, month?: string) =>
  settled.use(world, tenantId, kind, amount, month);
const settledTenant = (charges?: readonly string[], planVersionId?: string) =>
  settled.settledTenant(world, charges, planVersionId);
const force = (tenantId: string, terms = {}) => forceInvoices(world, [tenantId], terms);

async function textsOf(documentId: string) {
  const lines = await linesOf(world.db, documentId);
  return lines.map(({ description, qty, amountCents }) => `${description}: ${qty}, ${amountCents}`);
}

/** Which document holds how many events of a tenant. */
function heldBy(tenantId: string) {
  const held = z.object({ number: z.string().nullable(), events: z.number() });
  return world.db.any(sql.type(held)`
    SELECT i.number, sum(b.event_count)::int AS events
    FROM usage_buckets b LEFT JOIN invoices i ON i.invoice_id = b.sealed_for
    WHERE b.tenant_id = ${tenantId} GROUP BY i.number ORDER BY i.number
  `);
}

/** An exclusion as an operator makes it. */
const exclude = (eventId: string, source: 'llm' | 'metered' = 'llm') =>
  excludeEvent(world.db, { source, eventId, actor: 'olga', reason: 'wrong' });

describe('forcing a settled invoice', () => {
  test('issues the difference as an adjustment note, and the invoice stays', async () => {
    const { tenantId, invoice } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    await use(tenantId, 'llm_tokens', '1500000');

    const results = await force(tenantId, { requestId: 'late-usage' });

    const [note] = await notesOf(world.db, tenantId);
    expect(results).toEqual([
      {
        ...{ tenantId, outcome: 'adjusted', invoiceId: invoice.invoiceId },
        ...{ noteId: note?.invoiceId, totalCents: 770 },
      },
    ]);
    expect(note).toMatchObject({
      ...{ number: `${tenantId}-A000001`, revision: 1, status: 'issued' },
      ...{ adjustsInvoiceId: invoice.invoiceId, replacesInvoiceId: null },
      ...{ subtotalCents: 700, taxCents: 70, totalCents: 770 },
      ...{ requestId: 'late-usage', reason: 'a test' },
    });
    expect(await textsOf(note!.invoiceId)).toEqual([
      'llm_tokens overage: 500000, 500',
      'LLM usage: 1, 200',
      'GST (10%): 1, 70',
    ]);
    expect(await linesOf(world.db, note!.invoiceId)).toMatchObject([
      { meta: { used: '1500000', before_cents: 0, after_cents: 500 } },
      { meta: { exact_cents: '323.4', before_cents: 123, after_cents: 323 } },
      {},
    ]);
    expect(await invoicesOf(world.db, tenantId)).toEqual([invoice]);
    expect(await heldBy(tenantId)).toEqual([
      { number: invoice.number, events: 2 },
      { number: note!.number, events: 2 },
    ]);
  });

  test('is the outcome of the tenant and of the request', async () => {
    const { tenantId, invoice } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    await force(tenantId, { requestId: `served-${tenantId}` });

    const [note] = await notesOf(world.db, tenantId);
    expect(await outcomesOf(world.db, MONTH)).toContainEqual(
      expect.objectContaining({ tenantId, outcome: 'adjusted', invoiceId: invoice.invoiceId }),
    );
    expect(await showRequest(world.db, MONTH, `served-${tenantId}`)).toMatchObject({
      tenants: [
        {
          outcome: 'adjusted',
          number: note!.number,
          total_cents: 220,
          invoice_id: note!.invoiceId,
        },
      ],
    });
    expect(await buildInvoices(world, [tenantId])).toMatchObject([{ outcome: 'skipped' }]);
    expect(await notesOf(world.db, tenantId)).toHaveLength(1);
  });

  test('again issues only what is new since the last note', async () => {
    const { tenantId } = await settledTenant(['100.4']);
    await use(tenantId, 'llm_usage', '50.4');
    await force(tenantId);
    await use(tenantId, 'llm_usage', '0.2');
    await force(tenantId);

    const notes = await notesOf(world.db, tenantId);
    expect(notes.map(({ number }) => number)).toEqual([
      `${tenantId}-A000001`,
      `${tenantId}-A000002`,
    ]);
    // 100.4 + 50.4 = 150.8, which is 151; with 0.2 it still is.
    expect(await textsOf(notes[0]!.invoiceId)).toEqual(['LLM usage: 1, 51', 'GST (10%): 1, 5']);
    expect(await textsOf(notes[1]!.invoiceId)).toEqual(['LLM usage: 1, 0']);
  });

  test('changes nothing if there is no difference, even without onlyIfChanged', async () => {
    const { tenantId, invoice } = await settledTenant();
    expect(await force(tenantId)).toEqual([
      {
        ...{ tenantId, outcome: 'unchanged', invoiceId: invoice.invoiceId },
        totalCents: invoice.totalCents,
      },
    ]);
    await use(tenantId, 'llm_usage', '200');
    await force(tenantId);
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await notesOf(world.db, tenantId)).toHaveLength(1);
  });

  test('takes back excluded events, all of them if need be', async () => {
    const { tenantId, events } = await settledTenant(['100', '23.4']);
    await exclude(events[0]!);
    await force(tenantId);
    await exclude(events[1]!);
    await force(tenantId);

    const [first, second] = await notesOf(world.db, tenantId);
    expect(first).toMatchObject({ subtotalCents: -100, taxCents: -10, totalCents: -110 });
    expect(await textsOf(first!.invoiceId)).toEqual(['LLM usage: -1, -100', 'GST (10%): 1, -10']);
    expect(await textsOf(second!.invoiceId)).toEqual(['LLM usage: -1, -23', 'GST (10%): 1, -2']);
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
  });

  test('takes back an event that an earlier note charged', async () => {
    const { tenantId } = await settledTenant(['100']);
    const event = await use(tenantId, 'llm_usage', '50');
    await force(tenantId);
    await exclude(event);
    await force(tenantId);

    const [, second] = await notesOf(world.db, tenantId);
    expect(await textsOf(second!.invoiceId)).toEqual(['LLM usage: -1, -50', 'GST (10%): 1, -5']);
  });

  test('has a line of 0 for a new event that costs what an excluded one did', async () => {
    const { tenantId, events } = await settledTenant(['100']);
    await exclude(events[0]!);
    await use(tenantId, 'llm_usage', '100');

    expect(await force(tenantId)).toMatchObject([{ outcome: 'adjusted', totalCents: 0 }]);

    const [note] = await notesOf(world.db, tenantId);
    expect(await textsOf(note!.invoiceId)).toEqual(['LLM usage: 0, 0']);
  });

  test('has a line of 0 for usage beyond the cap', async () => {
    const { tenantId } = await settledTenant([], 'capped-v1');
    await use(tenantId, 'hours', '25');
    await force(tenantId);
    await use(tenantId, 'hours', '3');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'adjusted', totalCents: 0 }]);

    const [first, second] = await notesOf(world.db, tenantId);
    expect(await textsOf(first!.invoiceId)).toEqual(['hours overage: 10, 50', 'GST (10%): 1, 5']);
    expect(await linesOf(world.db, second!.invoiceId)).toMatchObject([
      { qty: '0', amountCents: 0, meta: { used: '28', capped: true } },
    ]);
  });

  test('leaves usage that changes nothing with the document that was composed last', async () => {
    const { tenantId, invoice } = await settledTenant();
    await use(tenantId, 'droplet_hours', '10');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await heldBy(tenantId)).toEqual([{ number: invoice.number, events: 3 }]);

    await use(tenantId, 'llm_usage', '200');
    await force(tenantId);
    await use(tenantId, 'droplet_hours', '5');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
    expect(await heldBy(tenantId)).toEqual([
      { number: invoice.number, events: 3 },
      { number: `${tenantId}-A000001`, events: 2 },
    ]);
  });

  test('follows the subscriptions as they are now', async () => {
    const tenantId = settled.newTenantId();
    await seedLives(world.db, tenantId, `${tenantId}-a`, [
      { id: `${tenantId}-s`, plan: 'studio-v1' },
    ]);
    await use(tenantId, 'droplet_hours', '800');
    await buildInvoices(world, [tenantId]);
    await settleInvoice(world, (await invoicesOf(world.db, tenantId))[0]!);
    await endLife(world.db, `${tenantId}-s`, `${MONTH}-20T00:00:00Z`);
    await force(tenantId);
    await endLife(world.db, `${tenantId}-s`, '2026-01-01T00:00:00Z');
    await force(tenantId);

    const [first, second] = await notesOf(world.db, tenantId);
    // 744 × 19 ÷ 31 = 456 hours are included: 344 beyond, 288 more than before.
    expect(await textsOf(first!.invoiceId)).toEqual([
      'Plan base: 0, -1935',
      'droplet_hours overage: 288, 576',
      'GST (10%): 1, -136',
    ]);
    expect(await textsOf(second!.invoiceId)).toEqual([
      'Plan base: -1, -3065',
      'droplet_hours overage: -344, -688',
      'GST (10%): 1, -375',
    ]);
  });

  test('makes a note of 0 for late usage that only changed subscriptions explain', async () => {
    const { tenantId } = await settledTenant();
    await world.db.query(sql.typeAlias('nothing')`
      INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty,
        price_cents, starts_at)
      VALUES (${`sub-${tenantId}-a`}, 1, 'gift', 'droplet_hours', 100, 0, ${LONG_AGO})`);
    await force(tenantId);
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscription_addons SET ends_at = ${`${MONTH}-31T00:00:00Z`}
      WHERE subscription_id = ${`sub-${tenantId}-a`}`);
    await use(tenantId, 'droplet_hours', '10');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'adjusted', totalCents: 0 }]);

    const notes = await notesOf(world.db, tenantId);
    expect(await Promise.all(notes.map(({ invoiceId }) => textsOf(invoiceId)))).toEqual([
      ['Addon: gift: 1, 0'],
      [],
    ]);
  });

  test('leaves late LLM usage of earlier months to the next invoice', async () => {
    const { tenantId } = await settledTenant();
    await use(tenantId, 'llm_usage', '70', '2026-04');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
    await buildInvoices(world, [tenantId], { month: '2026-06' });
    const [, june] = await invoicesOf(world.db, tenantId);
    expect(await textsOf(june!.invoiceId)).toContain('LLM usage, late for 2026-04: 1, 70');
  });
});

describe('bounds', () => {
  test('compare what the tenant is charged in all', async () => {
    const { tenantId } = await settledTenant();
    await use(tenantId, 'llm_usage', '60000');
    expect(await force(tenantId)).toMatchObject([
      {
        outcome: 'parked',
        failure: {
          type: 'out_of_bounds',
          reason: expect.stringContaining(
            `the total would be AUD 716.35, more than 10 times the AUD 56.35 of ${tenantId}-000001`,
          ),
        },
      },
    ]);
    expect(await notesOf(world.db, tenantId)).toEqual([]);

    expect(await force(tenantId, { acceptBounds: true })).toMatchObject([
      { outcome: 'adjusted', totalCents: 66000 },
    ]);
    // Ten times the sum is no longer too much.
    await use(tenantId, 'llm_usage', '60000');
    expect(await force(tenantId)).toMatchObject([{ outcome: 'adjusted', totalCents: 66000 }]);
  });

  test('of the next month start from the invoice and its notes', async () => {
    const { tenantId } = await settledTenant([]);
    await use(tenantId, 'llm_usage', '40000');
    await force(tenantId);
    await use(tenantId, 'llm_usage', '300000', '2026-06');
    // AUD 3,355 is within 10 times 55 + 440, but not within 10 times 55.
    expect(await buildInvoices(world, [tenantId], { month: '2026-06' })).toMatchObject([
      { outcome: 'rolled' },
    ]);
  });
});

describe('the tax of a note', () => {
  test('is all that a changed treatment alone makes', async () => {
    const { tenantId } = await settledTenant();
    await applyTaxFile(world.db, {
      ...NO_TAX,
      treatments: [{ code: 'free', label: 'GST', rate: '0', note: 'export' }],
      assignments: [{ tenant_id: tenantId, treatment: 'free', from: MONTH }],
    });
    expect(await force(tenantId)).toMatchObject([{ outcome: 'adjusted', totalCents: -512 }]);
    const [note] = await notesOf(world.db, tenantId);
    expect(await textsOf(note!.invoiceId)).toEqual(['GST (0%): 1, -512']);
    expect(await force(tenantId)).toMatchObject([{ outcome: 'unchanged' }]);
  });

  test("is converted by the invoice's exchange rate, whatever was recorded since", async () => {
    const rate = { from: 'USD', to: 'AUD', month: MONTH };
    const recordRate = (value: string) =>
      applyTaxFile(world.db, {
        ...NO_TAX,
        exchange_rates: [{ ...rate, rate: value, source: `at ${value}`, replace: value === '2' }],
      });
    await recordRate('1.5');
    const tenantId = await newTenant('yankee-v1', 'USD');
    await buildInvoices(world, [tenantId]);
    await settleInvoice(world, (await invoicesOf(world.db, tenantId))[0]!);
    await recordRate('2');
    await use(tenantId, 'llm_usage', '1000');
    await force(tenantId);

    const [note] = await notesOf(world.db, tenantId);
    expect(await showNote(world.db, note!.invoiceId)).toMatchObject({
      ...{ currency: 'USD', tax_cents: 100 },
      tax: { aud: { rate: '1.5', source: 'at 1.5', tax_cents: 150 } },
    });
  });
});

describe('a note without tax', () => {
  test('in another currency is verified, although it keeps no exchange rate', async () => {
    await applyTaxFile(world.db, {
      ...NO_TAX,
      exchange_rates: [{ from: 'USD', to: 'AUD', month: '2026-06', rate: '1.5', source: 'RBA' }],
    });
    const tenantId = await newTenant('yankee-v1', 'USD');
    await buildInvoices(world, [tenantId], { month: '2026-06' });
    await settleInvoice(world, (await invoicesOf(world.db, tenantId))[0]!);
    await use(tenantId, 'llm_usage', '0.2', '2026-06');
    await forceInvoices(world, [tenantId], {}, '2026-06');

    const [note] = await notesOf(world.db, tenantId);
    expect(note).toMatchObject({ subtotalCents: 0, taxCents: 0 });
    await expectVerifiedWithoutRun(world.db, '2026-06');
  });
});

describe('the preview of a settled invoice', () => {
  async function previewOf(tenantId: string): Promise<TenantPreview | undefined> {
    let found: TenantPreview | undefined;
    await previewMonth(world.db, MONTH, {
      bounds: DEFAULT_BOUNDS,
      tenantIds: [tenantId],
      onTenant: (preview) => (found = preview),
    });
    return found;
  }

  test('shows what the invoice and its notes would charge together', async () => {
    const { tenantId, invoice } = await settledTenant(['100.4']);
    await use(tenantId, 'llm_usage', '50.4');
    await force(tenantId);
    const standing = { number: invoice.number, isSettled: true };
    expect(await previewOf(tenantId)).toMatchObject({
      preview: { subtotalCents: 5151, taxCents: 515, totalCents: 5666 },
      standing: { ...standing, totalCents: 5666, changes: [] },
    });

    await use(tenantId, 'llm_usage', '10');
    expect(await previewOf(tenantId)).toMatchObject({
      preview: { totalCents: 5677 },
      standing: {
        ...standing,
        totalCents: 5666,
        changes: [
          { before: { amountCents: 151, qty: '2' }, after: { amountCents: 161, qty: '3' } },
          { before: { amountCents: 515 }, after: { amountCents: 516 } },
        ],
      },
    });
    expect(await force(tenantId)).toMatchObject([{ totalCents: 11 }]);
  });
});

describe('the database', () => {
  test('refuses to replace or void an invoice that a note adjusts, and to change a note', async () => {
    const { tenantId, invoice } = await settledTenant();
    await use(tenantId, 'llm_usage', '200');
    await force(tenantId);
    const [note] = await notesOf(world.db, tenantId);
    const refused = (statement: string, id: string) =>
      expect(
        asSuperuser(world.testDatabase.superuserUrl, (client) => client.query(statement, [id])),
      ).rejects.toThrow();
    await refused(`UPDATE invoices SET status = 'void' WHERE invoice_id = $1`, invoice.invoiceId);
    await refused(`UPDATE invoices SET status = 'void' WHERE invoice_id = $1`, note!.invoiceId);
    await refused(
      `UPDATE invoices SET superseded_by = invoice_id, superseded_at = now() WHERE invoice_id = $1`,
      note!.invoiceId,
    );
  });
});
