import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInvoiceId, showInvoice } from '../../src/db/invoices/invoice-views.ts';
import { createTestApi, type TestApi } from './_harness.ts';

interface Page {
  readonly invoices: readonly { invoice_id: string; period_start: string; status: string }[];
  readonly next_cursor: string | null;
}

let api: TestApi;
let superuser: pg.Client;
let superseded: string;
let live: string;

beforeAll(async () => {
  api = await createTestApi();
  superuser = new pg.Client({ connectionString: api.superuserUrl });
  await superuser.connect();
  for (const month of ['2026-01', '2026-02', '2026-03']) {
    await issue('acme', month);
    await issue('zeta', month);
  }
  superseded = await issue('acme', '2026-04');
  live = await reissue(superseded, 'acme', '2026-04');
});
afterAll(async () => {
  await superuser.end();
  await api[Symbol.asyncDispose]();
});

const list = async (query: string, key: string = api.keys.operator) => {
  const response = await api.call('get', `/api/v1/invoices${query}`, { key });
  return { status: response.status, body: response.body as unknown, page: response.body as Page };
};
const show = (id: string, key: string = api.keys.operator) =>
  api.call('get', `/api/v1/invoices/${id}`, { key });

let lastSeq = 0;

/** An invoice like the worker's, without a run. */
async function issue(
  tenantId: string,
  month: string,
  replaces: string | null = null,
): Promise<string> {
  lastSeq += 1;
  const { rows } = await superuser.query<{ id: string }>(
    `INSERT INTO invoice_drafts (tenant_id, period_start, state, closed_at, owner, owner_started_at)
     VALUES ($1, $2::date, 'issued', now(), 'test', now()) RETURNING draft_id AS id`,
    [tenantId, `${month}-01`],
  );
  const id = rows[0]?.id ?? '';
  await superuser.query(
    `WITH header AS (
       INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq,
         number, currency, subtotal_cents, plan_base_cents, taxable_cents, tax_cents, total_cents, buyer_name,
         tax_treatment, tax_label, tax_rate, seller_registered, payment_days, replaces_invoice_id,
         request_id, actor, reason)
       SELECT $1::uuid, $2::text, $3::date, ($3::date + interval '1 month - 1 day')::date,
         CASE WHEN $5::uuid IS NULL THEN 1 ELSE 2 END, $4::bigint, $2::text || '-' || $4, 'AUD', 1000, 1000, 1000, 100, 1100,
         $2, 'gst', 'GST', 0.10, true, 14, $5::uuid, r.id, r.actor, r.reason
       FROM (SELECT CASE WHEN $5::uuid IS NOT NULL THEN 'again-1' END AS id,
         CASE WHEN $5::uuid IS NOT NULL THEN 'key:ops' END AS actor,
         CASE WHEN $5::uuid IS NOT NULL THEN 'late meters' END AS reason) r
     ), released AS (
       INSERT INTO releases (tenant_id, period_start, actor, reason)
       VALUES ($2, $3::date, 'test', 'issued') ON CONFLICT DO NOTHING
     )
     INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, kind, description, qty, unit,
       unit_price_cents, amount_cents, meta)
     VALUES ($1::uuid, 1, $2::text || '-a', 'plan_base', 'Plan base', 1.50, 'month', 1000, 1000, '{"version":1}'),
       ($1::uuid, 2, NULL, 'tax', 'GST (10%)', 1, 'invoice', NULL, 100, '{"rate":"0.10"}')`,
    [id, tenantId, `${month}-01`, lastSeq, replaces],
  );
  return id;
}

async function reissue(oldId: string, tenantId: string, month: string): Promise<string> {
  await superuser.query('BEGIN');
  const next = crypto.randomUUID();
  await superuser.query(
    `UPDATE invoices SET status = 'superseded', superseded_by = $2, superseded_at = now()
     WHERE invoice_id = $1`,
    [oldId, next],
  );
  // The draft's id becomes the invoice's id, so use the one that the old invoice refers to.
  await superuser.query(
    `ALTER TABLE invoice_drafts ALTER COLUMN draft_id SET DEFAULT '${next}'::uuid`,
  );
  const id = await issue(tenantId, month, oldId);
  await superuser.query(
    'ALTER TABLE invoice_drafts ALTER COLUMN draft_id SET DEFAULT gen_random_uuid()',
  );
  await superuser.query('COMMIT');
  return id;
}

describe('the list', () => {
  test('has the newest month first, and superseded invoices only on request', async () => {
    const { page } = await list('');
    expect(page.invoices.map(({ period_start }) => period_start)).toEqual(
      ['04', '03', '03', '02', '02', '01', '01'].map((month) => `2026-${month}-01`),
    );
    expect(page.next_cursor).toBeNull();
    expect((await list('?status=superseded')).page.invoices).toMatchObject([
      { invoice_id: superseded, superseded_by: live },
    ]);
    expect((await list('?include_superseded=true&month=2026-04')).page.invoices).toHaveLength(2);
  });

  test('can be filtered', async () => {
    expect((await list('?tenant_id=acme&month=2026-02')).page.invoices).toMatchObject([
      { tenant_id: 'acme', period_start: '2026-02-01', number: expect.any(String) as string },
    ]);
    expect((await list('?status=void')).page.invoices).toEqual([]);
    const unknown = await api.call('get', '/api/v1/invoices?tenant_id=nobody', {
      key: api.keys.operator,
    });
    expect([unknown.status, unknown.body]).toEqual([
      404,
      expect.objectContaining({ detail: 'there is no tenant nobody' }),
    ]);
  });

  test('can be paged with every invoice once', async () => {
    const whole = (await list('?include_superseded=true')).page.invoices;
    const paged: unknown[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { page } = await list(`?include_superseded=true&limit=3${query}`);
      expect(page.invoices.length).toBeLessThanOrEqual(3);
      paged.push(...page.invoices);
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(paged).toEqual(whole);
  });

  test('shows a tenant its own invoices, and 404 for others', async () => {
    const { page } = await list('', api.keys.zeta);
    expect(page.invoices).toHaveLength(3);
    expect(page.invoices).toEqual(
      page.invoices.map((invoice) => ({ ...invoice, tenant_id: 'zeta' })),
    );
    expect((await list('?tenant_id=zeta', api.keys.zeta)).page.invoices).toHaveLength(3);
    expect((await list('?tenant_id=acme', api.keys.zeta)).status).toBe(404);
  });

  test("never leads a tenant to another tenant's invoices by a cursor", async () => {
    const { page } = await list('?limit=1');
    const next = await list(`?cursor=${page.next_cursor ?? ''}`, api.keys.zeta);
    expect(next.page.invoices).toHaveLength(3);
  });

  test.each([
    ['cursor=nonsense', 'cursor'],
    [`cursor=202613${'0'.repeat(32)}`, 'cursor'],
    [`cursor=202605${'0'.repeat(33)}`, 'cursor'],
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['status=draft', 'status'],
    ['month=2026-13', 'month'],
    ['month=2026-05-01', 'month'],
    ['tenant_id=%27%3B--', 'tenant_id'],
    ['__proto__=x', '__proto__'],
    ['page=2', 'page'],
  ])('rejects ?%s', async (query, parameter) => {
    const response = await list(`?${query}`);
    expect(response.status).toBe(422);
    expect(response.body).toMatchObject({ errors: [{ parameter }] });
  });
});

describe('one invoice', () => {
  test('has its lines, with quantities without trailing zeros', async () => {
    const response = await show(live);
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      invoice_id: live,
      tenant_id: 'acme',
      revision: 2,
      status: 'issued',
      total_cents: 1100,
      replaces_invoice_id: superseded,
      re_run: { request_id: 'again-1', actor: 'key:ops', reason: 'late meters' },
      lines: [
        { line_no: 1, kind: 'plan_base', qty: '1.5', amount_cents: 1000, meta: { version: 1 } },
        { line_no: 2, kind: 'tax', deployment_id: null, amount_cents: 100 },
      ],
    });
  });

  test('that was superseded remains readable', async () => {
    expect((await show(superseded)).body).toMatchObject({
      status: 'superseded',
      superseded_by: live,
      re_run: null,
    });
  });

  test('is visible to its tenant and operators, and its requester only to operators', async () => {
    const own = await show(live, api.keys.acme);
    expect(own.status).toBe(200);
    expect(own.body).toMatchObject({ re_run: null, replaces_invoice_id: superseded });
    expect((await show(live, api.keys.zeta)).status).toBe(404);
  });

  test.each(['nonsense', '00000000-0000-4000-8000-000000000000'])('%s: 404', async (id) => {
    const response = await show(id);
    expect(response.status).toBe(404);
    expect(response.body).toMatchObject({ type: 'urn:arcadia:problem:not-found' });
  });

  test('can be found by its number', async () => {
    const invoice = await showInvoice(api.db, live);
    expect(await findInvoiceId(api.db, invoice?.number ?? '')).toBe(live);
    expect(await findInvoiceId(api.db, 'none')).toBeNull();
  });
});
