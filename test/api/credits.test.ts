import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { seedTenant, seedUsage } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let world: Parameters<typeof buildInvoices>[0];
beforeAll(async () => {
  api = await createTestApi();
  const deps = { ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS };
  world = { activities: createActivities(deps) };
});
afterAll(() => api[Symbol.asyncDispose]());

let last = 0;
/** A tenant whose invoice has a base (line 1) and LLM usage of 12.35 (line 2). */
async function invoiced() {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(api.db, tenantId);
  const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '1234.567' };
  await seedUsage(api.db, usage);
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(api.db, tenantId);
  return { tenantId, id: invoice!.invoiceId, number: invoice!.number };
}
const credit = (id: string, fields: object = {}, key = api.keys.operator) =>
  api.call('post', `/api/v1/invoices/${id}/credits`, {
    key,
    body: {
      request_id: 'r1',
      line_no: 2,
      amount_cents: 500,
      reason: 'outage of 12 May',
      ...fields,
    },
  });

test('answers with the adjustment note, and with the same one again for the same request', async () => {
  const { tenantId, id, number } = await invoiced();
  const given = await credit(id);
  expect(given.status).toBe(201);
  expect(given.body).toMatchObject({
    ...{ number: `${tenantId}-A000001`, tenant_id: tenantId, origin: 'credit' },
    ...{ adjusts_invoice_id: id, adjusts_number: number, reason: 'outage of 12 May' },
    ...{ subtotal_cents: -500, tax_cents: -50, total_cents: -550 },
    request: { request_id: 'r1', actor: 'key:ops' },
    lines: [
      {
        ...{ line_no: 1, kind: 'credit', description: 'Credit: LLM usage', amount_cents: -500 },
        meta: { credited_number: number, credited_line_no: 2 },
      },
      { line_no: 2, kind: 'tax', amount_cents: -50 },
    ],
  });
  const again = await credit(id);
  expect(again.status).toBe(200);
  expect(again.body).toEqual(given.body);
  expect(await notesOf(api.db, tenantId)).toHaveLength(1);
});

test('takes the id of an adjustment note, too', async () => {
  const { tenantId, id } = await invoiced();
  await credit(id, { line_no: 1 });
  const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '100' };
  await seedUsage(api.db, usage);
  await forceInvoices(world, [tenantId]);
  const [, rerun] = await notesOf(api.db, tenantId);
  const given = await credit(rerun!.invoiceId, {
    request_id: 'r2',
    line_no: 1,
    amount_cents: 1335,
  });
  expect(given.status).toBe(201);
  expect(given.body).toMatchObject({
    adjusts_invoice_id: id,
    lines: [{ meta: { credited_number: rerun!.number } }, {}],
  });
});

describe('refuses', () => {
  test('the same request id with other content', async () => {
    const { id } = await invoiced();
    await credit(id);
    const { status, body } = await credit(id, { amount_cents: 501 });
    expect(status).toBe(409);
    expect(body).toMatchObject({ type: 'urn:arcadia:problem:request-conflict' });
  });

  test('more than is left, and says how much is', async () => {
    const { id, number } = await invoiced();
    const { status, body } = await credit(id, { amount_cents: 1236 });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      type: 'urn:arcadia:problem:credit-conflict',
      detail: expect.stringContaining(`only AUD 12.35 is left to credit on line 2 of ${number}`),
    });
  });

  test.each([
    ['an unknown invoice', 'a1b2c3d4-0000-4000-8000-000000000000', {}],
    ['a number instead of an id', 'acme-000001', {}],
  ])('%s', async (_what, id, fields) => {
    const { status, body } = await credit(id, fields);
    expect(status).toBe(404);
    expect(body).toMatchObject({ type: 'urn:arcadia:problem:not-found' });
  });

  test('an unknown line', async () => {
    const { id, number } = await invoiced();
    const { status, body } = await credit(id, { line_no: 7 });
    expect(status).toBe(404);
    expect(body).toMatchObject({ detail: `${number} has no line 7` });
  });

  test.each([
    ['/amount_cents', { amount_cents: 0 }],
    ['/amount_cents', { amount_cents: -500 }],
    ['/amount_cents', { amount_cents: 12.5 }],
    ['/amount_cents', { amount_cents: '500' }],
    ['/amount_cents', { amount_cents: 1e16 }],
    ['/line_no', { line_no: 0 }],
    ['/reason', { reason: ' ' }],
    ['/request_id', { request_id: 'two words' }],
    ['/request_id', { request_id: undefined }],
  ])('an invalid %s: %j', async (pointer, fields) => {
    const { status, body } = await credit('a1b2c3d4-0000-4000-8000-000000000000', fields);
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ pointer }] });
  });

  test.each(['acme', 'gateway', 'metering'] as const)('the key of %s', async (scope) => {
    const { id } = await invoiced();
    expect((await credit(id, {}, api.keys[scope])).status).toBe(403);
  });
});
