import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listLateUsage } from '../../src/audit/late-usage.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { applyTaxFile } from '../../src/catalogue/apply-tax.ts';
import { NO_TAX } from '../../src/catalogue/tax-file.ts';
import { creditLine, planCredit, type CreditRequest } from '../../src/db/invoices/credit.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import {
  expectSoundBooks,
  expectVerifiedWithoutRun,
  invoicesOf,
  linesOf,
  notesOf,
} from '../_util/books.ts';
import { acceptForce, buildInvoices, forceInvoices, nextRun } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

/** Credits on lines, with the rights of the API's process (docs/spec.md#credits). */

let world: LedgerWorld;
let api: Database;
beforeAll(async () => {
  world = await createLedgerWorld();
  api = await openDatabase({
    ...{ url: world.testDatabase.apiUrl, maxConnections: 10, applicationName: 'test' },
  });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  const { checks } = await verifyMonth(world.db, MONTH);
  expect(checks.filter(({ problems }) => problems > 0)).toEqual([]);
  await expectSoundBooks(world.db);
  await api.end();
  await world[Symbol.asyncDispose]();
});

let last = 0;
/** A tenant with an invoice: base 50.00 (line 1), overage 5.00 (line 2), LLM usage 12.35 (line 3), GST 6.74 (line 4). */
async function invoiced() {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(world.db, tenantId);
  await use(tenantId, 'llm_usage', '1234.567');
  await use(tenantId, 'llm_tokens', '1500000');
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(world.db, tenantId);
  return invoice!;
}
const use = (tenantId: string, kind: string, amount: string) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });

const credit = (documentId: string, fields: Partial<CreditRequest> = {}) =>
  creditLine(api, {
    documentId,
    lineNo: 3,
    amountCents: 500,
    reason: 'outage',
    requestId: `credit-${(last += 1)}`,
    actor: 'key:ops',
    ...fields,
  });

describe('a credit', () => {
  test('is an adjustment note with one line and the tax on it', async () => {
    const { tenantId, invoiceId } = await invoiced();
    const given = await credit(invoiceId, { requestId: 'first' });
    const [note, ...others] = await notesOf(world.db, tenantId);
    expect(given).toEqual({ outcome: 'credited', noteId: note!.invoiceId, isNew: true });
    expect(others).toEqual([]);
    expect(note).toMatchObject({
      ...{ number: `${tenantId}-A000001`, revision: 1, adjustsInvoiceId: invoiceId },
      ...{ subtotalCents: -500, taxCents: -50, totalCents: -550 },
      ...{ requestId: 'first', actor: 'key:ops', reason: 'outage' },
    });
    expect(await linesOf(world.db, note!.invoiceId)).toMatchObject([
      {
        ...{ lineNo: 1, kind: 'credit', description: 'Credit: LLM usage', qty: '1' },
        ...{ deploymentId: `${tenantId}-a`, amountCents: -500 },
        meta: { credited_number: `${tenantId}-000001`, credited_line_no: 3 },
      },
      { lineNo: 2, kind: 'tax', amountCents: -50 },
    ]);
  });

  test('is planned without writing anything', async () => {
    const { tenantId, invoiceId } = await invoiced();
    expect(
      await planCredit(api, { documentId: invoiceId, lineNo: 3, amountCents: 500 }),
    ).toMatchObject({
      ...{ outcome: 'possible', leftCents: 1235, currency: 'AUD' },
      note: { totalCents: -550 },
    });
    expect(await notesOf(world.db, tenantId)).toEqual([]);
  });

  test('is at most what is left of its line, down to nothing', async () => {
    const { invoiceId, number } = await invoiced();
    expect(await credit(invoiceId, { amountCents: 1236 })).toEqual({
      outcome: 'refused',
      reason:
        `only AUD 12.35 is left to credit on line 3 of ${number}, after reruns and earlier credits: ` +
        'AUD 12.36 is too much',
    });
    expect(await credit(invoiceId)).toMatchObject({ outcome: 'credited' });
    expect(await credit(invoiceId, { amountCents: 736 })).toMatchObject({ outcome: 'refused' });
    expect(await credit(invoiceId, { amountCents: 735 })).toMatchObject({ outcome: 'credited' });
    expect(await credit(invoiceId, { amountCents: 1 })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/^nothing is left to credit/),
    });
    // The other lines are untouched.
    expect(await credit(invoiceId, { lineNo: 1, amountCents: 5000 })).toMatchObject({
      outcome: 'credited',
    });
  });

  test('settles the invoice: a rerun then issues a note, and composes without the credit', async () => {
    const { tenantId, invoiceId } = await invoiced();
    await credit(invoiceId, { lineNo: 2, amountCents: 400 });
    await use(tenantId, 'llm_tokens', '100000');
    expect(await forceInvoices(world, [tenantId])).toMatchObject([{ outcome: 'adjusted' }]);
    const [, rerun] = await notesOf(world.db, tenantId);
    expect(await linesOf(world.db, rerun!.invoiceId)).toMatchObject([
      { kind: 'overage', amountCents: 100, meta: { before_cents: 500, after_cents: 600 } },
      { kind: 'tax', amountCents: 10 },
    ]);
    // Of 6.00, 4.00 is credited, whichever of the documents is named.
    const onNote = { lineNo: 1, amountCents: 201 };
    expect(await credit(rerun!.invoiceId, onNote)).toMatchObject({ outcome: 'refused' });
    expect(await credit(rerun!.invoiceId, { ...onNote, amountCents: 200 })).toMatchObject({
      outcome: 'credited',
    });
    expect(await credit(invoiceId, { lineNo: 2, amountCents: 1 })).toMatchObject({
      outcome: 'refused',
    });
  });

  test.each<[what: string, Partial<CreditRequest>, outcome: string, reason: RegExp]>([
    ['of a line that does not exist', { lineNo: 9 }, 'unknown', /has no line 9$/],
    ['of tax', { lineNo: 4 }, 'refused', /is tax, which follows from the other lines/],
    ['of no document', { documentId: crypto.randomUUID() }, 'unknown', /no such invoice/],
  ])('%s is refused', async (_what, fields, outcome, reason) => {
    const { invoiceId } = await invoiced();
    expect(await credit(invoiceId, fields)).toEqual({
      outcome,
      reason: expect.stringMatching(reason),
    });
  });

  test('of a credit is refused', async () => {
    const { tenantId, invoiceId } = await invoiced();
    await credit(invoiceId);
    const [note] = await notesOf(world.db, tenantId);
    expect(await credit(note!.invoiceId, { lineNo: 1 })).toMatchObject({
      outcome: 'refused',
      reason: `line 1 of ${note!.number} is a credit itself`,
    });
  });

  test('of a superseded invoice names the one that replaced it', async () => {
    const { tenantId, invoiceId, number } = await invoiced();
    await forceInvoices(world, [tenantId]);
    expect(await credit(invoiceId)).toEqual({
      outcome: 'refused',
      reason: `invoice ${number} was replaced by ${tenantId}-000002: credit that one`,
    });
  });

  test('of a void invoice is refused', async () => {
    const { invoiceId } = await invoiced();
    await voidInvoice(world.db, { invoiceId, actor: 'a', reason: 'r' });
    expect(await credit(invoiceId)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('is void'),
    });
  });

  test('waits for a rerun if the tax of the month has changed', async () => {
    const { tenantId, invoiceId } = await invoiced();
    await applyTaxFile(world.db, {
      ...NO_TAX,
      treatments: [{ code: `free-${tenantId}`, label: 'GST', rate: '0', note: 'export' }],
      assignments: [{ tenant_id: tenantId, from: MONTH, treatment: `free-${tenantId}` }],
    });
    expect(await credit(invoiceId)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('the tax of 2026-05 has changed'),
    });
    await forceInvoices(world, [tenantId]);
    const live = (await invoicesOf(world.db, tenantId)).at(-1)!;
    await credit(live.invoiceId);
    expect(await notesOf(world.db, tenantId)).toMatchObject([{ taxCents: 0, totalCents: -500 }]);
  });
});

describe('a change of tax data that charges the same', () => {
  test('as another treatment of the same rate lets credits be given', async () => {
    const { tenantId, invoiceId } = await invoiced();
    await applyTaxFile(world.db, {
      ...NO_TAX,
      treatments: [{ code: `same-${tenantId}`, label: 'VAT', rate: '0.1', note: 'renamed' }],
      assignments: [{ tenant_id: tenantId, from: MONTH, treatment: `same-${tenantId}` }],
    });
    expect(await credit(invoiceId)).toMatchObject({ outcome: 'credited' });
    expect(await notesOf(world.db, tenantId)).toMatchObject([{ taxCents: -50, totalCents: -550 }]);
  });

  test('as a registration of the seller does not matter at 0 %', async () => {
    // A month of its own: the registration is everybody's.
    const month = '2025-08';
    const tenantId = `tenant-${(last += 1)}`;
    await seedTenant(world.db, tenantId);
    await applyTaxFile(world.db, {
      ...NO_TAX,
      treatments: [{ code: `free-${tenantId}`, label: 'GST', rate: '0', note: 'export' }],
      assignments: [{ tenant_id: tenantId, from: month, treatment: `free-${tenantId}` }],
    });
    await buildInvoices(world, [tenantId], { month });
    await applyTaxFile(world.db, {
      ...NO_TAX,
      gst_registrations: [
        { from: month, registered: false },
        { from: '2025-09', registered: true },
      ],
    });
    const [invoice] = await invoicesOf(world.db, tenantId);
    expect(await credit(invoice!.invoiceId, { lineNo: 1 })).toMatchObject({
      outcome: 'credited',
    });
    expect(await notesOf(world.db, tenantId)).toMatchObject([{ taxCents: 0, totalCents: -500 }]);
    await expectVerifiedWithoutRun(world.db, month);
  });
});

describe('a request id', () => {
  test('gives one credit, however often it is sent', async () => {
    const { tenantId, invoiceId } = await invoiced();
    const once = { requestId: `once-${tenantId}` };
    const first = await credit(invoiceId, once);
    expect(await credit(invoiceId, once)).toEqual({ ...first, isNew: false });
    // The sender makes no difference.
    expect(await credit(invoiceId, { ...once, actor: 'cli:kim' })).toEqual({
      ...first,
      isNew: false,
    });
    const together = await Promise.all(Array.from({ length: 5 }, () => credit(invoiceId, once)));
    expect(new Set(together.map((each) => each.outcome))).toEqual(new Set(['credited']));
    expect(await notesOf(world.db, tenantId)).toHaveLength(1);
  });

  test.each<[string, Partial<CreditRequest>]>([
    ['amount', { amountCents: 501 }],
    ['line', { lineNo: 1 }],
    ['reason', { reason: 'another' }],
  ])('with another %s is a conflict', async (_what, other) => {
    const { tenantId, invoiceId } = await invoiced();
    const once = { requestId: `same-${tenantId}` };
    await credit(invoiceId, once);
    expect(await credit(invoiceId, { ...once, ...other })).toEqual({ outcome: 'conflict' });
  });

  test('of a rerun can not be used for a credit, and the other way round', async () => {
    const { tenantId } = await invoiced();
    const requestId = `rerun-${tenantId}`;
    await forceInvoices(world, [tenantId], { requestId });
    const live = (await invoicesOf(world.db, tenantId)).at(-1)!;
    expect(await credit(live.invoiceId, { requestId })).toEqual({ outcome: 'conflict' });
  });
});

describe('at the same time', () => {
  test('two credits on one line never give more than was left', async () => {
    const { tenantId, invoiceId } = await invoiced();
    const results = await Promise.all(
      [700, 700, 700].map((amountCents) => credit(invoiceId, { amountCents })),
    );
    expect(results.map(({ outcome }) => outcome).sort()).toEqual([
      'credited',
      'refused',
      'refused',
    ]);
    expect(await notesOf(world.db, tenantId)).toMatchObject([{ subtotalCents: -700 }]);
  });

  test('credits of several tenants and lines get numbers without a gap', async () => {
    const all = [await invoiced(), await invoiced()];
    const results = await Promise.all(
      all.flatMap(({ invoiceId }) =>
        [1, 2, 3, 1, 2, 3].map((lineNo) => credit(invoiceId, { lineNo, amountCents: 10 })),
      ),
    );
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['credited']));
    for (const { tenantId } of all) {
      const notes = await notesOf(world.db, tenantId);
      expect(notes.map(({ number }) => number)).toEqual(
        [1, 2, 3, 4, 5, 6].map((seq) => `${tenantId}-A00000${seq}`),
      );
      // 60 cents without tax: whatever the order, the tax is that of 66.75.
      expect(notes.reduce((sum, { taxCents }) => sum + taxCents, 0)).toBe(668 - 674);
    }
  });

  test('a credit and payments: all of them count, whatever the order', async () => {
    const { number, invoiceId, totalCents } = await invoiced();
    const results = await Promise.all([
      credit(invoiceId),
      pay(api, number, 1000),
      credit(invoiceId, { amountCents: 100 }),
      pay(api, number, 2000),
    ]);
    expect(results).toMatchObject([
      { outcome: 'credited' },
      { status: 'recorded' },
      { outcome: 'credited' },
      { status: 'recorded' },
    ]);
    const last = await pay(api, number, 1);
    const credited = 660;
    expect(last).toMatchObject({ balanceCents: totalCents - credited - 3001 });
  });

  test('a credit and a void: one of them is refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { tenantId, invoiceId } = await invoiced();
      const [credited, voided] = await Promise.all([
        credit(invoiceId),
        voidInvoice(world.db, { invoiceId, actor: 'a', reason: 'r' }).catch(
          (error: unknown) => error,
        ),
      ]);
      const [invoice] = await invoicesOf(world.db, tenantId);
      const isVoid = invoice!.status === 'void';
      expect(credited.outcome).toBe(isVoid ? 'refused' : 'credited');
      expect(await notesOf(world.db, tenantId)).toHaveLength(isVoid ? 0 : 1);
      if (!isVoid) expect(voided).not.toMatchObject({ outcome: 'voided' });
    }
  });

  test('a credit while a revision is being built: the run issues a note of the difference', async () => {
    const { tenantId, invoiceId } = await invoiced();
    await use(tenantId, 'llm_usage', '100');
    await acceptForce(world, { tenantIds: [tenantId] });
    const run = nextRun();
    await buildInvoices(world, [tenantId], { run, stopAfter: 'pullLlmUsage' });
    expect(await credit(invoiceId)).toMatchObject({ outcome: 'credited' });
    expect(await buildInvoices(world, [tenantId], { run })).toMatchObject([
      { outcome: 'adjusted' },
    ]);

    expect((await invoicesOf(world.db, tenantId)).map(({ status }) => status)).toEqual(['issued']);
    const notes = await notesOf(world.db, tenantId);
    expect(notes.map(({ subtotalCents }) => subtotalCents)).toEqual([-500, 100]);
    const late = await listLateUsage(world.db, MONTH, { bounds: NO_BOUNDS });
    expect(late.filter((entry) => entry.tenant_id === tenantId)).toEqual([]);
  });

  test('a credit while a rerun issues: either a revision or a note, and the books add up', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { tenantId, invoiceId } = await invoiced();
      await use(tenantId, 'llm_usage', '100');
      const [credited, [forced]] = await Promise.all([
        credit(invoiceId),
        forceInvoices(world, [tenantId]),
      ]);
      const revisions = await invoicesOf(world.db, tenantId);
      const notes = await notesOf(world.db, tenantId);
      if (credited.outcome === 'credited') {
        expect(forced).toMatchObject({ outcome: 'adjusted' });
        expect([revisions.length, notes.length]).toEqual([1, 2]);
      } else {
        expect(credited).toMatchObject({ reason: expect.stringContaining('was replaced by') });
        expect(forced).toMatchObject({ outcome: 'rolled' });
        expect([revisions.length, notes.length]).toEqual([2, 0]);
      }
    }
  });
});
