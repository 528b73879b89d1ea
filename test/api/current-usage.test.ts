import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey } from '../../src/db/access/api-keys.ts';
import { seedTenant, seedUsage } from '../_util/seed.ts';
import { createTestApi, llmEvent, sendUsage, type TestApi } from './_harness.ts';

const NOW = new Date('2026-05-17T00:00:00Z');
const PATH = '/api/v1/usage/current';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi({ now: () => NOW });
  const own = { tenantId: 'acme', deploymentId: 'acme-a' };
  await seedUsage(api.db, { ...own, kind: 'droplet_hours', amount: '500' });
  await seedUsage(api.db, { ...own, kind: 'snapshots', amount: '2' });
  await sendUsage(api, 'llm-usage', [
    llmEvent({ model: 'large-2', charge_cents: '12.5' }),
    llmEvent({ model: 'small', charge_cents: '0.25' }),
    llmEvent({ model: 'large-2', charge_cents: '0.75' }),
  ]);
});
afterAll(() => api[Symbol.asyncDispose]());

const get = (key: string, query = '') => api.call('get', `${PATH}${query}`, { key });

test('shows a tenant its usage, the invoice so far, and a linear projection', async () => {
  const { status, body } = await get(api.keys.acme);
  expect(status).toBe(200);
  expect(body).toEqual({
    tenant_id: 'acme',
    currency: 'AUD',
    as_of: '2026-05-17T00:00:00.000Z',
    period: {
      month: '2026-05',
      period_start: '2026-05-01',
      period_end: '2026-05-31',
      starts_at: '2026-05-01T00:00:00Z',
      ends_at: '2026-06-01T00:00:00Z',
      elapsed: '0.5161',
    },
    deployments: [
      {
        deployment_id: 'acme-a',
        kinds: [
          {
            resource_kind: 'droplet_hours',
            name: null,
            used: '500',
            allowance: '744',
            hard_cap_qty: null,
            overage: '0',
            projected_used: '968.75',
            projected_overage: '224.75',
          },
          expect.objectContaining({ resource_kind: 'llm_tokens', used: '0', allowance: '1000000' }),
          expect.objectContaining({ resource_kind: 'spaces_gb_month', used: '0' }),
          expect.objectContaining({ resource_kind: 'snapshots', used: '2', allowance: '3' }),
        ],
        llm: {
          requests: 3,
          exact_cents: '13.5',
          by_model: [
            { model: 'large-2', requests: 2, exact_cents: '13.25' },
            { model: 'small', requests: 1, exact_cents: '0.25' },
          ],
          projected_requests: '6',
          projected_exact_cents: '26.15625',
        },
      },
    ],
    llm: {
      requests: 3,
      exact_cents: '13.5',
      by_model: [
        { model: 'large-2', requests: 2, exact_cents: '13.25' },
        { model: 'small', requests: 1, exact_cents: '0.25' },
      ],
    },
    // April was never invoiced here.
    includes_earlier_months: false,
    invoice_so_far: {
      subtotal_cents: 5014,
      taxable_cents: 5014,
      tax_cents: 501,
      total_cents: 5515,
      tax: { treatment: 'gst', label: 'GST', rate: '0.10', note: null, seller_registered: true },
      lines: [
        expect.objectContaining({ line_no: 1, kind: 'plan_base', amount_cents: 5000 }),
        expect.objectContaining({ line_no: 2, kind: 'llm_usage', qty: '3', amount_cents: 14 }),
        expect.objectContaining({ line_no: 3, kind: 'tax', deployment_id: null }),
      ],
    },
    projection: {
      method: 'linear',
      // 5000, 224.75 hours at 2 cents, and 26.15625 cents.
      subtotal_cents: 5000 + 450 + 26,
      taxable_cents: 5476,
      tax_cents: 548,
      total_cents: 6024,
      tax: expect.any(Object) as object,
      lines: [
        expect.objectContaining({ kind: 'plan_base', amount_cents: 5000 }),
        expect.objectContaining({ kind: 'overage', qty: '224.75', amount_cents: 450 }),
        expect.objectContaining({ kind: 'llm_usage', qty: '6', amount_cents: 26 }),
        expect.objectContaining({ kind: 'tax', amount_cents: 548 }),
      ],
    },
    problem: null,
  });
});

describe('an operator', () => {
  test('sees the same of any tenant', async () => {
    const own = await get(api.keys.acme);
    expect((await get(api.keys.operator, '?tenant_id=acme')).body).toEqual(own.body);
  });

  test('has to name a tenant', async () => {
    const { status, body } = await get(api.keys.operator);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      type: 'urn:arcadia:problem:invalid-request',
      errors: [{ parameter: 'tenant_id', detail: 'is required with this key' }],
    });
  });

  test('gets 404 for a tenant that does not exist', async () => {
    const { status, body } = await get(api.keys.operator, '?tenant_id=nobody');
    expect(status).toBe(404);
    expect(body).toMatchObject({ detail: 'there is no tenant nobody' });
  });
});

describe("a tenant's key", () => {
  test('may name its own tenant', async () => {
    const { status, body } = await get(api.keys.zeta, '?tenant_id=zeta');
    expect(status).toBe(200);
    expect(body).toMatchObject({ tenant_id: 'zeta', llm: { requests: 0, exact_cents: '0' } });
  });

  test.each(['acme', 'nobody'])('gets 404 for the tenant %s', async (tenantId) => {
    const { status, body } = await get(api.keys.zeta, `?tenant_id=${tenantId}`);
    expect(status).toBe(404);
    expect(body).toMatchObject({ detail: `there is no tenant ${tenantId}` });
  });

  test('sees why there is no invoice', async () => {
    const tenantId = 'broken';
    await seedTenant(api.db, tenantId, [{ deploymentId: 'broken-a', planVersionId: null }]);
    const { plainKey } = await createKey(api.db, { label: tenantId, scope: 'tenant', tenantId });
    const { status, body } = await get(plainKey);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      invoice_so_far: null,
      projection: null,
      problem: { type: 'missing_plan_version', reason: expect.stringContaining('sub-broken-a') },
    });
  });
});

test.each(['gateway', 'metering'] as const)('is refused to the scope %s', async (scope) => {
  expect((await get(api.keys[scope], '?tenant_id=acme')).status).toBe(403);
});

test('rejects parameters that it does not know', async () => {
  expect((await get(api.keys.acme, '?period=2026-04')).status).toBe(422);
});
