import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createActivities } from '../../src/activities/create-activities.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { invoicesOf } from '../_util/books.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { release } from '../_util/releasing.ts';
import { seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { problemOf } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn } from './_pages.ts';

const noteSchema = z.object({
  adjustment_note_id: z.string(),
  number: z.string(),
  adjusts_invoice_id: z.string(),
  total_cents: z.number(),
  lines: z
    .array(z.object({ line_no: z.number(), kind: z.string(), amount_cents: z.number() }))
    .default([]),
});
const listSchema = z.object({
  adjustment_notes: z.array(noteSchema),
  next_cursor: z.string().nullable(),
});
const invoiceSchema = z.object({ invoice_id: z.string(), number: z.string() });

let api: TestApi;
let world: Parameters<typeof buildInvoices>[0];
beforeAll(async () => {
  api = await createTestApi();
  world = { activities: createActivities({ ...ACTIVITY_DEPS, db: api.db }) };
  await buildInvoices(world, ['acme', 'zeta']);
  await adjust('acme', '250');
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (path: string, key = api.keys.operator) => api.call('get', `/api/v1/${path}`, { key });
const use = (tenantId: string, amount: string, kind = 'llm_usage') =>
  seedUsage(api.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });

async function invoiceOf(tenantId: string): Promise<z.infer<typeof invoiceSchema>> {
  const { body } = await get(`invoices?tenant_id=${tenantId}&month=2026-05`);
  return z.object({ invoices: z.array(invoiceSchema) }).parse(body).invoices[0]!;
}
async function notesOf(tenantId: string) {
  return listSchema.parse((await get(`adjustment-notes?tenant_id=${tenantId}`)).body)
    .adjustment_notes;
}
async function readNote(id: string, key = api.keys.operator) {
  return noteSchema.parse((await get(`adjustment-notes/${id}`, key)).body);
}

/** Settles a tenant's invoice, so that forcing its month adjusts it. */
async function settle(tenantId: string): Promise<void> {
  await settleInvoice(api, { invoiceId: (await invoiceOf(tenantId)).invoice_id });
}

/** Settles a tenant's invoice, adds late usage and forces the tenant. @returns its last note */
async function adjust(tenantId: string, amount: string) {
  await settle(tenantId);
  await use(tenantId, amount);
  await forceInvoices(world, [tenantId], { reason: 'usage came late' });
  return (await notesOf(tenantId))[0]!;
}

async function seedAdjusted(tenantId: string) {
  await seedTenant(api.db, tenantId);
  await buildInvoices(world, [tenantId]);
  return adjust(tenantId, '100');
}

describe('an adjustment note', () => {
  test('is listed and read, with what it adjusts and why', async () => {
    const invoice = await invoiceOf('acme');
    const [note] = await notesOf('acme');
    const { status, body } = await get(`adjustment-notes/${note!.adjustment_note_id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      number: 'acme-A000001',
      tenant_id: 'acme',
      adjusts_invoice_id: invoice.invoice_id,
      adjusts_number: 'acme-000001',
      note_no: 1,
      origin: 'rerun',
      subtotal_cents: 250,
      tax_cents: 25,
      total_cents: 275,
      reason: 'usage came late',
      request: { actor: expect.any(String) as string },
      lines: [
        { kind: 'llm_usage', amount_cents: 250, meta: { before_cents: 0, after_cents: 250 } },
        { kind: 'tax', amount_cents: 25 },
      ],
    });
  });

  test('is named by its invoice, which stays and owes more', async () => {
    const { invoice_id } = await invoiceOf('acme');
    const [note] = await notesOf('acme');
    expect((await get(`invoices/${invoice_id}`)).body).toMatchObject({
      total_cents: 5500,
      notes_cents: 275,
      paid_cents: 1,
      balance_cents: 5774,
      payment_status: 'partly_paid',
      adjustment_notes: [{ id: note!.adjustment_note_id, number: note!.number, total_cents: 275 }],
    });
    expect((await get(`invoices/${invoice_id}.html`)).text).toContain(
      'adjusted by adjustment note acme-A000001',
    );
  });

  test('is no invoice, and an invoice is no note', async () => {
    const { invoice_id } = await invoiceOf('acme');
    const [note] = await notesOf('acme');
    const all = await get('invoices?include_superseded=true&limit=200');
    expect(JSON.stringify(all.body)).not.toContain('A000001"');
    for (const path of [
      `invoices/${note!.adjustment_note_id}`,
      `invoices/${note!.adjustment_note_id}.pdf`,
      `invoices/${note!.adjustment_note_id}/lines/1/usage`,
      `adjustment-notes/${invoice_id}`,
      `adjustment-notes/${invoice_id}.html`,
      `adjustment-notes/${invoice_id}/lines/1/usage`,
      'adjustment-notes/x',
    ]) {
      expect(problemOf(await get(path)), path).toMatchObject({ status: 404, problem: 'not-found' });
    }
  });

  test('has documents in all formats, with the same amounts', async () => {
    const [note] = await notesOf('acme');
    const path = `adjustment-notes/${note!.adjustment_note_id}`;
    const html = await get(`${path}.html`, api.keys.acme);
    expect(html.headers['content-disposition']).toBe('inline; filename="acme-A000001.html"');
    for (const said of ['<h1>Adjustment note</h1>', 'usage came late', 'acme-000001', '+2.75']) {
      expect(html.text).toContain(said);
    }
    const csv = await get(`${path}.csv`, api.keys.acme);
    expect(parse(csv.text, { columns: true })).toMatchObject([
      { document: 'adjustment_note', before: '0.00', after: '2.50', amount: '2.50' },
      { kind: 'tax', amount: '0.25' },
    ]);
    expect((await get(`${path}.pdf`, api.keys.acme)).headers).toMatchObject({
      'content-type': 'application/pdf',
    });
  });

  test('has the usage that it bills, and no other', async () => {
    const note = await seedAdjusted('metered');
    const path = `adjustment-notes/${note.adjustment_note_id}/lines/1/usage`;
    expect((await get(path)).body).toMatchObject({
      line: { number: 'metered-A000001', events: 1, exact_sum: '100' },
      events: [{ amount: '100' }],
    });
    expect((await get(`${path}.csv`)).text.trim().split('\n')).toHaveLength(2);
    expect(problemOf(await get(path.replace('lines/1', 'lines/2')))).toMatchObject({ status: 404 });
  });
});

test('a note that takes back usage shows the excluded event', async () => {
  await seedTenant(api.db, 'wronged');
  const eventId = await use('wronged', '700');
  await use('wronged', '30');
  await buildInvoices(world, ['wronged']);
  await settle('wronged');
  await excludeEvent(api.db, { source: 'llm', eventId, actor: 'test', reason: 'sent twice' });
  await forceInvoices(world, ['wronged']);
  const [note] = await notesOf('wronged');
  expect(note).toMatchObject({ total_cents: -770 });
  const path = `adjustment-notes/${note!.adjustment_note_id}/lines/1/usage`;
  expect((await get(path)).body).toMatchObject({
    line: { events: 0, excluded_events: 1, exact_sum: '-700' },
    events: [{ event_id: eventId, amount: '0', excluded: '700', is_excluded: true }],
  });
});

describe('the pages', () => {
  test('of an invoice has what is owed, its notes and its payments', async () => {
    const { invoice_id } = await invoiceOf('acme');
    const session = await signIn(api.app, api.keys.operator);
    const { text } = await session.get(`/operator/invoices/${invoice_id}`);
    const [note] = await notesOf('acme');
    for (const said of [
      '<dt>Due date</dt>',
      'AUD 57.74',
      'partly paid',
      'Payments for invoice acme-000001',
      `<a href="/operator/adjustment-notes/${note!.adjustment_note_id}">acme-A000001</a>`,
    ]) {
      expect(text).toContain(said);
    }
  });

  test('of a note have its lines, its documents and the usage behind it', async () => {
    const [note] = await notesOf('acme');
    const path = `/operator/adjustment-notes/${note!.adjustment_note_id}`;
    const session = await signIn(api.app, api.keys.operator);
    const { text } = await session.get(path);
    for (const said of [
      'Adjustment note acme-A000001',
      'usage came late',
      'Increasing adjustment: GST increases by AUD 0.25.',
      '+2.50',
      `${path}.pdf`,
    ]) {
      expect(text).toContain(said);
    }
    expect((await session.get(`${path}/lines/1`)).text).toContain('Sum before rounding');
    expect((await session.get(`${path}/lines/1/usage.csv`)).status).toBe(200);
    expect((await session.get(`${path}.html`)).text).toContain('<h1>Adjustment note</h1>');
    expect((await session.get(`/operator/adjustment-notes/x`)).status).toBe(404);
  });
});

describe('the list', () => {
  test('is filtered by tenant, month and invoice, and paged without gaps', async () => {
    await seedAdjusted('paged');
    await adjust('paged', '1');
    await adjust('paged', '2');
    const all = await notesOf('paged');
    expect(all.map(({ number }) => number).sort()).toEqual([
      'paged-A000001',
      'paged-A000002',
      'paged-A000003',
    ]);
    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await get(`adjustment-notes?tenant_id=paged&limit=2${more}`);
      const page = listSchema.parse(body);
      found.push(...page.adjustment_notes.map(({ number }) => number));
      cursor = page.next_cursor;
    }
    expect(found).toEqual(all.map(({ number }) => number));
    const countOf = async (query: string) =>
      listSchema.parse((await get(`adjustment-notes?${query}`)).body).adjustment_notes.length;
    const { invoice_id } = await invoiceOf('paged');
    expect(await countOf(`invoice_id=${invoice_id}`)).toBe(3);
    expect(await countOf('tenant_id=paged&month=2026-05')).toBe(3);
    expect(await countOf('tenant_id=paged&month=2026-04')).toBe(0);
  });

  test.each([
    ['tenant_id=nobody', 404],
    ['invoice_id=x', 422],
    ['cursor=x', 422],
    ['month=2026-13', 422],
    ['period=2026-05', 422],
  ])('rejects %s', async (query, status) => {
    expect(problemOf(await get(`adjustment-notes?${query}`))).toMatchObject({ status });
  });
});

describe('a tenant', () => {
  test('reads its own notes, without who asked for them', async () => {
    const { adjustment_note_id: id } = (await notesOf('acme'))[0]!;
    expect((await get('adjustment-notes', api.keys.acme)).body).toMatchObject({
      adjustment_notes: [{ number: 'acme-A000001', reason: 'usage came late', request: null }],
    });
    expect((await get(`adjustment-notes/${id}`, api.keys.acme)).body).toMatchObject({
      request: null,
    });
  });

  test('does not see notes of other tenants', async () => {
    const { adjustment_note_id: id } = (await notesOf('acme'))[0]!;
    expect((await get('adjustment-notes', api.keys.zeta)).body).toMatchObject({
      adjustment_notes: [],
    });
    for (const path of [`adjustment-notes/${id}`, `adjustment-notes/${id}.pdf`]) {
      expect(problemOf(await get(path, api.keys.zeta)), path).toMatchObject({ status: 404 });
    }
    expect((await get(`adjustment-notes/${id}`, api.keys.gateway)).status).toBe(403);
  });
});

test('before its month is released, a note does not exist for its tenant', async () => {
  await using other = await createTestApi({}, { seller: false });
  await seedSeller(other.db, { release: 'review' });
  const activities = createActivities({ ...ACTIVITY_DEPS, db: other.db });
  await buildInvoices({ activities }, ['acme']);
  const [invoice] = await invoicesOf(other.db, 'acme');
  await settleInvoice(other, invoice!);
  await seedUsage(other.db, {
    ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '250' },
  });
  await forceInvoices({ activities }, ['acme']);
  const read = async (key: string) =>
    listSchema.parse((await other.call('get', '/api/v1/adjustment-notes', { key })).body)
      .adjustment_notes;
  const [note] = await read(other.keys.operator);
  const path = `/api/v1/adjustment-notes/${note!.adjustment_note_id}`;
  expect(await read(other.keys.acme)).toEqual([]);
  expect((await other.call('get', path, { key: other.keys.acme })).status).toBe(404);
  expect((await other.call('get', `${path}.html`, { key: other.keys.acme })).status).toBe(404);
  await release(other.db, ['acme']);
  expect((await read(other.keys.acme)).map(({ number }) => number)).toEqual(['acme-A000001']);
  expect((await other.call('get', path, { key: other.keys.acme })).status).toBe(200);
});

test('the lines of an invoice and its notes add up to a fresh composition', async () => {
  const note = await seedAdjusted('summed');
  const { lines } = await readNote(note.adjustment_note_id);
  expect(lines.reduce((sum, { amount_cents }) => sum + amount_cents, 0)).toBe(note.total_cents);
});
