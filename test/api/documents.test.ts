import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createActivities } from '../../src/activities/create-activities.ts';
import { readSeller, insertSeller } from '../../src/db/catalogue/seller-details.ts';
import { sql } from '../../src/db/sql.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { release } from '../_util/releasing.ts';
import { seedSeller, seedTenant, seedUsage } from '../_util/seed.ts';
import { ADDON, createTenant, operatorOf, problemOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

const countSchema = z.object({ count: z.number() });

let api: TestApi;
let operator: Operator;
let world: Parameters<typeof buildInvoices>[0];
beforeAll(async () => {
  api = await createTestApi();
  operator = operatorOf(api);
  world = worldOf(api);
  await nameBuyer('acme', 'Acme Holdings Pty Ltd', '53 004 085 616');
  await buildInvoices(world, ['acme', 'zeta']);
});
afterAll(() => api[Symbol.asyncDispose]());

/** The month end's steps, on the API's database. */
function worldOf({ db }: TestApi): Parameters<typeof buildInvoices>[0] {
  return { activities: createActivities({ ...ACTIVITY_DEPS, db }) };
}
const nameBuyer = (tenantId: string, legal_name: string, abn: string) =>
  operator.put(`tenants/${tenantId}`, {
    name: tenantId,
    currency: 'AUD',
    buyer: { legal_name, abn },
  });
const read = (id: string, format: string, key = api.keys.operator) =>
  api.call('get', `/api/v1/invoices/${id}.${format}`, { key });
async function idOf(tenantId: string): Promise<string> {
  const [invoice] = await invoicesOf(api.db, tenantId);
  return invoice!.invoiceId;
}
/** The PDF's bytes. */
async function readPdf(id: string, key = api.keys.operator): Promise<Buffer> {
  const { body } = await request(api.app)
    .get(`/api/v1/invoices/${id}.pdf`)
    .set('Authorization', `Bearer ${key}`)
    .buffer(true)
    .parse((response, done) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done(null, Buffer.concat(chunks)));
    });
  return body as Buffer;
}

test('an overage without a unit has none anywhere from the catalogue to the documents', async () => {
  const created = await operator.put('plans/seats/versions/1', {
    currency: 'AUD',
    base_price_cents: 0,
    proration: 'daily',
    items: [{ resource_kind: 'seats', overage_price_cents: 7, overage_unit: null }],
  });
  expect(created.status).toBe(201);
  await seedTenant(api.db, 'seated', [{ deploymentId: 'seated-a', planVersionId: 'seats-v1' }]);
  await seedUsage(api.db, {
    tenantId: 'seated',
    deploymentId: 'seated-a',
    kind: 'seats',
    amount: '3000',
  });
  await buildInvoices(world, ['seated']);
  const id = await idOf('seated');
  const { body } = await api.call('get', `/api/v1/invoices/${id}`, { key: api.keys.operator });
  expect(body).toMatchObject({
    lines: [{}, { kind: 'overage', qty: '3000', unit: null, amount_cents: 21_000 }, {}],
  });
  const rows = parse((await read(id, 'csv')).text, { columns: true, bom: true });
  expect(rows).toMatchObject([{}, { kind: 'overage', qty: '3000', unit: '' }, {}]);
  expect((await read(id, 'html')).text).toContain('0.07 each');
  await expectSoundBooks(api.db);
});

test('a document has the names of the catalogue as they were when the addon was attached', async () => {
  const id = await createTenant(operator, 'named', { starts_at: '2026-05-20' });
  await operator.post(`subscriptions/${id}/addons`, { code: 'more', starts_at: '2026-05-20' });
  await operator.put('addons/more', { ...ADDON, name: 'Renamed' });
  await seedUsage(api.db, {
    ...{ tenantId: 'named', deploymentId: 'named', kind: 'gb', amount: '100' },
  });
  await buildInvoices(world, ['named']);
  const rows = parse<Record<string, string>>((await read(await idOf('named'), 'csv')).text, {
    columns: true,
  });
  expect(rows.map(({ description, details }) => [description, details])).toEqual([
    ['Plan: Team', '20–31 May, 12 of 31 days'],
    [
      'Addon: More storage',
      '20–31 May, 12 of 31 days. Raises the monthly allowance of Storage by 50',
    ],
    [
      'Storage overage',
      'Used 100 GB, of which 58.064516129032 included. ' +
        'Included: 38.71 (Team: 100 × 12 of 31 days) + 19.35 (More storage: 50 × 12 of 31 days)',
    ],
    ['GST (10%)', ''],
  ]);
});

describe('cached documents', () => {
  const get = (id: string, format: string, headers: Record<string, string> = {}) =>
    request(api.app)
      .get(`/api/v1/invoices/${id}.${format}`)
      .set({ Authorization: `Bearer ${api.keys.operator}`, ...headers });
  const tamper = (id: string) =>
    asSuperuser(api.superuserUrl, async (client) => {
      await client.query(`SET session_replication_role = replica`);
      await client.query(
        `UPDATE invoice_lines SET description = 'tampered' WHERE invoice_id = $1`,
        [id],
      );
    });

  test.each(['html', 'pdf', 'csv'])(
    '%s answers 304 to its ETag until the invoice changes',
    async (format) => {
      const tenantId = `kept-${format}`;
      await seedTenant(api.db, tenantId);
      await buildInvoices(world, [tenantId]);
      const id = await idOf(tenantId);
      const first = await get(id, format);
      const { etag = '' } = first.headers as { etag?: string };
      expect(etag).toMatch(/^"[\w-]{43}"$/);
      const again = await get(id, format, { 'If-None-Match': `"other", ${etag}` });
      expect(again.status).toBe(304);
      expect(again.headers).toMatchObject({ etag, 'cache-control': 'no-store' });
      expect(again.headers).not.toHaveProperty('content-length');

      const body = { reason: 'a mistake' };
      const voided = await api.call('post', `/api/v1/invoices/${id}/void`, {
        ...{ key: api.keys.operator, body },
      });
      expect(voided.status).toBe(200);
      const later = await get(id, format, { 'If-None-Match': etag });
      expect(later.status).toBe(200);
      expect(later.headers.etag).not.toBe(etag);
    },
  );

  test('change with an adjustment note, but not with a payment', async () => {
    await seedTenant(api.db, 'adjusted');
    await buildInvoices(world, ['adjusted']);
    const id = await idOf('adjusted');
    const { etag = '' } = (await get(id, 'html')).headers as { etag?: string };
    await settleInvoice(api, { invoiceId: id });
    expect((await get(id, 'html', { 'If-None-Match': etag })).status).toBe(304);
    const late = { tenantId: 'adjusted', deploymentId: 'adjusted-a', kind: 'llm_usage' };
    await seedUsage(api.db, { ...late, amount: '100' });
    await forceInvoices(world, ['adjusted']);
    const later = await get(id, 'html', { 'If-None-Match': etag });
    expect(later.status).toBe(200);
    expect(later.text).toContain('adjusted-A000001');
  });

  test('change with the release, which sets the due date', async () => {
    await using other = await createTestApi({}, { seller: false });
    await seedSeller(other.db, { release: 'review', payment_days: 30 });
    await buildInvoices(worldOf(other), ['acme']);
    const [invoice] = await invoicesOf(other.db, 'acme');
    const show = (key: string) =>
      other.call('get', `/api/v1/invoices/${invoice!.invoiceId}.html`, { key });
    const before = await show(other.keys.operator);
    expect(before.text).toContain('Payable within 30\u00a0days of release');
    expect((await show(other.keys.acme)).status).toBe(404);
    await release(other.db, ['acme']);
    const after = await show(other.keys.acme);
    expect(after.text).toMatch(/Payable by \d+\u00a0\w+ \d{4}/);
    expect((await show(other.keys.operator)).headers.etag).toBe(after.headers.etag);
  });

  test('an invoice is rendered once and its lines are read once', async () => {
    await seedTenant(api.db, 'once');
    await buildInvoices(world, ['once']);
    const id = await idOf('once');
    const [first] = await Promise.all([get(id, 'csv'), get(id, 'csv'), get(id, 'csv')]);
    // Only a superuser can do this; reading the lines again would show it.
    await tamper(id);
    expect((await get(id, 'csv')).text).toBe(first.text);
  });

  test('are never served to another tenant', async () => {
    const id = await idOf('acme');
    expect((await read(id, 'csv', api.keys.acme)).status).toBe(200);
    expect((await read(id, 'csv', api.keys.zeta)).status).toBe(404);
  });
});

describe('an invoice document', () => {
  test('is HTML with a policy that only allows its own style', async () => {
    const response = await read(await idOf('acme'), 'html', api.keys.acme);
    expect(response.status).toBe(200);
    expect(response.type).toBe('text/html');
    expect(response.headers['content-disposition']).toBe('inline; filename="acme-000001.html"');
    expect(response.headers['cache-control']).toBe('no-store');
    for (const said of ['Tax invoice', 'ABN 51 824 753 556', 'ABN 53 004 085 616', '55.00']) {
      expect(response.text).toContain(said);
    }
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(response.text) ?? [];
    const digest = createHash('sha256').update(style).digest('base64');
    expect(response.headers['content-security-policy']).toContain(`style-src 'sha256-${digest}'`);
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('is a PDF with the same bytes for every reader', async () => {
    const id = await idOf('acme');
    const pdf = await readPdf(id);
    expect(pdf.subarray(0, 8).toString()).toBe('%PDF-1.7');
    expect(pdf.subarray(-6).toString()).toContain('%%EOF');
    expect((await readPdf(id, api.keys.acme)).equals(pdf)).toBe(true);
    expect((await read(id, 'pdf')).headers).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': String(pdf.length),
      'content-disposition': 'inline; filename="acme-000001.pdf"',
    });
  });

  test('is a CSV with the same lines as the JSON', async () => {
    const id = await idOf('acme');
    const response = await read(id, 'csv', api.keys.acme);
    expect(response.headers['content-disposition']).toBe('attachment; filename="acme-000001.csv"');
    expect(parse(response.text, { columns: true })).toMatchObject([
      { number: 'acme-000001', kind: 'plan_base', unit_price: '50.00', amount: '50.00' },
      { kind: 'tax', amount: '5.00', buyer_name: 'Acme Holdings Pty Ltd' },
    ]);
    const json = await api.call('get', `/api/v1/invoices/${id}`, { key: api.keys.acme });
    expect(json.body).toMatchObject({ number: 'acme-000001', total_cents: 5500 });
  });

  test.each(['html', 'pdf', 'csv'])('is not found as %s by another tenant', async (format) => {
    const id = await idOf('acme');
    const foreign = await read(id, format, api.keys.zeta);
    expect(problemOf(foreign)).toMatchObject({ status: 404, problem: 'not-found' });
    for (const unknown of [crypto.randomUUID(), 'x', '%20']) {
      const { body } = await read(unknown, format, api.keys.zeta);
      expect({ ...body, request_id: '' }).toEqual({ ...foreign.body, request_id: '' });
    }
    expect((await read(await idOf('zeta'), format, api.keys.zeta)).status).toBe(200);
    expect((await read(id, format, api.keys.gateway)).status).toBe(403);
  });
});

test('an issued document never changes, and the next revision has the new details', async () => {
  const tenantId = 'mover';
  await seedTenant(api.db, tenantId);
  await nameBuyer(tenantId, 'Before Pty Ltd', '53 004 085 616');
  await buildInvoices(world, [tenantId]);
  const [first] = await invoicesOf(api.db, tenantId);
  const before = await readPdf(first!.invoiceId);
  const html = (await read(first!.invoiceId, 'html')).text;

  await nameBuyer(tenantId, 'After Pty Ltd', '83 914 571 673');
  const seller = (await readSeller(api.db))!;
  const moved = { ...seller, address: ['1 New Street'] };
  await api.db.transaction((tx) => insertSeller(tx, seller.version + 1, moved));
  await operator.put(`tenants/${tenantId}`, { name: 'Renamed', currency: 'AUD' });
  expect((await readPdf(first!.invoiceId)).equals(before)).toBe(true);
  expect((await read(first!.invoiceId, 'html')).text).toBe(html);

  await seedUsage(api.db, {
    tenantId,
    deploymentId: `${tenantId}-a`,
    kind: 'llm_usage',
    amount: '100',
  });
  await forceInvoices(world, [tenantId]);
  const [old, next] = await invoicesOf(api.db, tenantId);
  const superseded = (await read(old!.invoiceId, 'html')).text;
  expect(superseded).toContain(`Superseded by ${next!.number}`);
  expect(superseded).toContain('Before Pty Ltd');
  const revision = (await read(next!.invoiceId, 'html', api.keys.operator)).text;
  for (const said of [`${old!.number} (this is revision 2)`, 'After Pty Ltd', '1 New Street']) {
    expect(revision).toContain(said);
  }
});

test('a tenant without details has its name at the time of issue', async () => {
  await seedTenant(api.db, 'plain');
  await buildInvoices(world, ['plain']);
  await operator.put('tenants/plain', { name: 'Another name', currency: 'AUD' });
  await nameBuyer('plain', 'Later Pty Ltd', '53 004 085 616');
  const { text } = await read(await idOf('plain'), 'html');
  expect(text).toContain('<strong>plain</strong>');
  expect(text).not.toContain('Later');
});

describe("a buyer's details", () => {
  test('are stored with the tenant and returned', async () => {
    const buyer = {
      legal_name: 'Fed Pty Ltd',
      abn: '53 004 085 616',
      address: ['1 Road', 'Perth WA 6000'],
      contact: null,
      email: 'a@fed.example',
    };
    const tenant = { name: 'Fed', currency: 'AUD' };
    expect((await operator.put('tenants/fed', { ...tenant, buyer })).status).toBe(201);
    const stored = {
      tenant_id: 'fed',
      ...tenant,
      buyer: { ...buyer, abn: '53004085616' },
      tax: [],
    };
    expect((await operator.get('tenants/fed')).body).toEqual(stored);
    // Omitting them keeps them, and what was read can be sent back.
    await operator.put('tenants/fed', { ...tenant, name: 'Fed 2' });
    const body = { name: 'Fed 2', currency: 'AUD', buyer: stored.buyer };
    expect((await operator.put('tenants/fed', body)).body).toEqual({ ...stored, name: 'Fed 2' });
    const versions = await api.db.any(sql.type(countSchema)`
      SELECT count(*) AS count FROM buyer_details WHERE tenant_id = 'fed'`);
    expect(versions).toEqual([{ count: 1 }]);
  });

  test.each(['53 004 085 617', '53 004 085', 'ABN 53 004 085 616', '53004085616000'])(
    'reject an invalid ABN: %s',
    async (abn) => {
      const buyer = { legal_name: 'Wrong', abn };
      const refused = await operator.put('tenants/wrong', { name: 'W', currency: 'AUD', buyer });
      expect(problemOf(refused)).toMatchObject({ status: 422, places: ['/buyer/abn'] });
    },
  );
});

test('there are no documents without seller details', async () => {
  await using other = await createTestApi({}, { seller: false });
  await buildInvoices(worldOf(other), ['acme']);
  const [invoice] = await invoicesOf(other.db, 'acme');
  const path = `/api/v1/invoices/${invoice!.invoiceId}.pdf`;
  const refused = await other.call('get', path, { key: other.keys.acme });
  expect(problemOf(refused)).toMatchObject({ status: 409, problem: 'seller-unknown' });
});
