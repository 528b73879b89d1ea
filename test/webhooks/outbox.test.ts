import { afterEach, beforeEach, expect, test } from 'vitest';
import { disableWebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { acceptForce, buildInvoices, nextRun, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { outboxOf, register } from './_receiving.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';

let world: LedgerWorld;
beforeEach(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zeta');
});
afterEach(() => world[Symbol.asyncDispose]());

const build = (tenantIds: readonly string[], run = nextRun()) =>
  buildInvoices(world, tenantIds, { run });
const typesOf = async () =>
  (await outboxOf(world.db)).map(({ type, tenantId }) => `${type} ${tenantId}`);

test('an issued invoice creates an event for each subscribed endpoint', async () => {
  await register(world.db);
  await register(world.db, 'https://other.example/', ['invoice.issued', 'run.finished']);
  await register(world.db, 'https://third.example/', ['tenant.parked']);
  const { endpointId } = await register(world.db, 'https://gone.example/');
  await disableWebhookEndpoint(world.db, endpointId, 'a test');

  await build(['acme']);

  const [invoice] = await invoicesOf(world.db, 'acme');
  expect(await outboxOf(world.db)).toEqual([
    {
      eventId: expect.any(String),
      type: 'invoice.issued',
      tenantId: 'acme',
      endpoints: 2,
      data: {
        invoice_id: invoice!.invoiceId,
        number: 'acme-000001',
        tenant_id: 'acme',
        period_start: '2026-05-01',
        period_end: '2026-05-31',
        revision: 1,
        currency: 'AUD',
        subtotal_cents: 5000,
        taxable_cents: 5000,
        tax_cents: 500,
        total_cents: 5500,
        tax: {
          treatment: 'gst',
          label: 'GST',
          rate: '0.10',
          note: null,
          seller_registered: true,
          aud: null,
        },
        replaces_invoice_id: null,
        links: { invoice: `/api/v1/invoices/${invoice!.invoiceId}` },
      },
    },
  ]);
});

test('without subscribed endpoints nothing is written', async () => {
  await register(world.db, 'https://receiver.example/', ['run.finished']);
  await build(['acme', 'zeta']);
  expect(await outboxOf(world.db)).toEqual([]);
});

test('an adjustment note creates an event that names the invoice', async () => {
  await build(['acme']);
  const [invoice] = await invoicesOf(world.db, 'acme');
  await settleInvoice(world, invoice!);
  await seedUsage(world.db, {
    ...{ tenantId: 'acme', deploymentId: 'acme-a' },
    ...{ kind: 'llm_usage', amount: '100' },
  });
  await register(world.db);
  await acceptForce(world, { tenantIds: ['acme'] });

  await build(['acme']);

  const [note] = await notesOf(world.db, 'acme');
  expect(await outboxOf(world.db)).toMatchObject([
    {
      ...{ type: 'adjustment_note.issued', tenantId: 'acme', endpoints: 1 },
      data: {
        ...{ adjustment_note_id: note!.invoiceId, number: 'acme-A000001', revision: 1 },
        ...{ subtotal_cents: 100, tax_cents: 10, total_cents: 110 },
        ...{ adjusts_invoice_id: invoice!.invoiceId, origin: 'rerun' },
        links: {
          adjustment_note: `/api/v1/adjustment-notes/${note!.invoiceId}`,
          invoice: `/api/v1/invoices/${invoice!.invoiceId}`,
        },
      },
    },
  ]);
});

test('a revision creates events for the issued and the superseded invoice', async () => {
  await build(['acme', 'zeta']);
  await register(world.db);
  for (const tenantId of ['acme', 'zeta']) {
    await seedUsage(world.db, {
      ...{ tenantId, deploymentId: `${tenantId}-a` },
      ...{ kind: 'llm_usage', amount: '100' },
    });
  }
  await acceptForce(world, { tenantIds: ['acme', 'zeta'] });

  await build(['acme']);
  await buildInvoices(world, ['zeta']);

  expect(await typesOf()).toEqual([
    'invoice.issued acme',
    'invoice.issued zeta',
    'invoice.superseded acme',
    'invoice.superseded zeta',
  ]);
  const events = await outboxOf(world.db);
  const invoices = await invoicesOf(world.db, 'zeta');
  const [first, second] = invoices.toSorted((a, b) => a.revision - b.revision);
  expect(events[1]?.data).toMatchObject({
    invoice_id: second!.invoiceId,
    revision: 2,
    total_cents: 5610,
    replaces_invoice_id: first!.invoiceId,
  });
  expect(events[3]?.data).toMatchObject({
    invoice_id: first!.invoiceId,
    revision: 1,
    total_cents: 5500,
    superseded_by: second!.invoiceId,
  });
});

test('a void invoice creates one event, with the reason', async () => {
  await build(['acme']);
  await register(world.db);
  const [invoice] = await invoicesOf(world.db, 'acme');
  const request = { invoiceId: invoice!.invoiceId, actor: 'olga', reason: 'wrong company' };
  await voidInvoice(world.db, request);
  await voidInvoice(world.db, request);
  expect(await outboxOf(world.db)).toMatchObject([
    {
      type: 'invoice.voided',
      data: { number: invoice!.number, total_cents: 5500, actor: 'olga', reason: 'wrong company' },
    },
  ]);
});

test('retries, skipped and unchanged tenants create no event', async () => {
  await register(world.db);
  const run = nextRun();
  await build(['acme'], run);
  await build(['acme'], run);
  expect(await build(['acme'])).toMatchObject([{ outcome: 'skipped' }]);
  await acceptForce(world, { tenantIds: ['acme'], onlyIfChanged: true });
  expect(await build(['acme'])).toMatchObject([{ outcome: 'unchanged' }]);

  expect(await typesOf()).toEqual(['invoice.issued acme']);
});

test.each([
  ['its event', 'webhook_events'],
  ['its invoice', 'invoices'],
])('a rolled back invoice creates no event, and the others do: %s', async (_what, table) => {
  await register(world.db);
  // As late as possible: both are written, then the transaction fails.
  await asSuperuser(world.testDatabase.superuserUrl, (client) =>
    client.query(`
      CREATE FUNCTION refuse_zeta() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no invoice for zeta'; END $$;
      CREATE CONSTRAINT TRIGGER refuse_zeta AFTER INSERT ON ${table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (NEW.tenant_id = 'zeta') EXECUTE FUNCTION refuse_zeta()`),
  );

  await build(['acme']);
  await expect(build(['zeta'])).rejects.toThrow('no invoice for zeta');

  expect(await invoicesOf(world.db)).toMatchObject([{ tenantId: 'acme' }]);
  expect(await typesOf()).toEqual(['invoice.issued acme']);
});

test('a parked tenant creates one event per reason', async () => {
  await register(world.db);
  const park = (reason: string) =>
    world.activities.recordParked({
      ...{ month: MONTH, tenantId: 'acme', owner: null, upToSeq: 1 },
      failure: { type: 'missing_plan_version', reason },
    });
  await park('no plan');
  await park('no plan');
  expect(await outboxOf(world.db)).toMatchObject([
    {
      type: 'tenant.parked',
      data: {
        tenant_id: 'acme',
        month: MONTH,
        reason_type: 'missing_plan_version',
        reason: 'no plan',
        links: { month_end: `/api/v1/roll-ups/${MONTH}` },
      },
    },
  ]);
  await park('another one');
  expect(await typesOf()).toEqual(['tenant.parked acme', 'tenant.parked acme']);
});

test('the end of a run creates one event with its result', async () => {
  await register(world.db);
  await world.activities.acceptRequest({
    ...{ month: MONTH, signal: 'run', signalId: 'unused' },
    payload: { requestId: 'close-2026-05', actor: 'test' },
  });
  const pass = await world.activities.beginPass({ month: MONTH });
  await build(['acme']);
  const finish = { month: MONTH, upToSeq: pass!.upToSeq };
  await world.activities.finishPass(finish);
  await world.activities.finishPass(finish);

  const runs = (await outboxOf(world.db)).filter(({ type }) => type === 'run.finished');
  expect(runs).toMatchObject([
    {
      tenantId: null,
      data: {
        month: MONTH,
        balanced: true,
        tenants: {
          due: 2,
          rolled: 1,
          adjusted: 0,
          skipped: 0,
          unchanged: 0,
          nothing_to_bill: 0,
          parked: 0,
        },
        requests: 1,
        request_ids: ['close-2026-05'],
        links: { month_end: `/api/v1/roll-ups/${MONTH}` },
      },
    },
  ]);
});
