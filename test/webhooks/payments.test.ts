import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordPayments } from '../../src/db/invoices/payments.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { backdate } from '../_util/backdate.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay, payment } from '../_util/payments.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { outboxOf, register } from './_receiving.ts';

let world: LedgerWorld;
beforeEach(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'zeta']) await seedTenant(world.db, tenantId);
});
afterEach(() => world[Symbol.asyncDispose]());

const eventsOf = async (type: string) =>
  (await outboxOf(world.db)).filter((event) => event.type === type);

describe('invoice.paid', () => {
  test('is written when payments take the balance to 0, and again after a reversal', async () => {
    await register(world.db);
    await buildInvoices(world, ['acme', 'zeta']);
    await pay(world.db, 'acme-000001', 5000);
    expect(await eventsOf('invoice.paid')).toEqual([]);
    await pay(world.db, 'acme-000001', 500);
    const [acme] = await invoicesOf(world.db, 'acme');
    const [event, ...others] = await eventsOf('invoice.paid');
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      tenantId: 'acme',
      endpoints: 1,
      data: {
        invoice_id: acme!.invoiceId,
        number: 'acme-000001',
        total_cents: 5500,
        notes_cents: 0,
        paid_cents: 5500,
        balance_cents: 0,
        links: { invoice: `/api/v1/invoices/${acme!.invoiceId}` },
      },
    });
    // Overpaid, and still paid after part of that is returned.
    await pay(world.db, 'acme-000001', 100);
    await pay(world.db, 'acme-000001', -50);
    expect(await eventsOf('invoice.paid')).toHaveLength(1);
    await pay(world.db, 'acme-000001', -5500);
    await pay(world.db, 'acme-000001', 5500);
    expect(await eventsOf('invoice.paid')).toHaveLength(2);
  });

  test('is written once per invoice of a batch, by what the whole batch leaves', async () => {
    await register(world.db);
    await buildInvoices(world, ['acme', 'zeta']);
    const payments = [
      payment('acme-000001', 5500),
      payment('acme-000001', -100),
      payment('zeta-000001', 2500),
      payment('zeta-000001', 3000),
      payment('nobody-000001', 1),
    ];
    await recordPayments(world.db, payments, { actor: 'a', dryRun: true });
    expect(await eventsOf('invoice.paid')).toEqual([]);
    await recordPayments(world.db, payments, { actor: 'a' });
    await recordPayments(world.db, payments, { actor: 'a' });
    expect(await eventsOf('invoice.paid')).toMatchObject([
      { tenantId: 'zeta', data: { balance_cents: 0 } },
    ]);
  });

  test('is written when an adjustment note takes the balance to 0', async () => {
    const eventId = await seedUsage(world.db, {
      ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '1000' },
    });
    await register(world.db);
    await buildInvoices(world, ['acme']);
    await pay(world.db, 'acme-000001', 5500);
    await excludeEvent(world.db, { source: 'llm', eventId, actor: 'a', reason: 'twice' });
    expect(await eventsOf('invoice.paid')).toEqual([]);
    expect(await forceInvoices(world, ['acme'])).toMatchObject([{ outcome: 'adjusted' }]);
    expect(await eventsOf('invoice.paid')).toMatchObject([
      { data: { number: 'acme-000001', notes_cents: -1100, paid_cents: 5500, balance_cents: 0 } },
    ]);
  });

  test('is not written for an invoice that was 0 from the start', async () => {
    await seedTenant(world.db, 'free', [
      { deploymentId: 'free-a', endsAt: '2025-02-01T00:00:00Z' },
    ]);
    await seedUsage(world.db, {
      ...{ tenantId: 'free', deploymentId: 'free-a', kind: 'llm_usage', amount: '0' },
    });
    await register(world.db);
    await buildInvoices(world, ['free']);
    await pay(world.db, 'free-000001', 100);
    expect(await eventsOf('invoice.paid')).toEqual([]);
  });
});

describe('invoice.overdue', () => {
  test('is written once per invoice that is past its due date and not paid', async () => {
    await seedTenant(world.db, 'late');
    await register(world.db);
    await buildInvoices(world, ['acme', 'zeta', 'late']);
    const { superuserUrl } = world.testDatabase;
    // Due 14 days after the issue: today, and yesterday.
    await backdate(superuserUrl, 'acme-000001', 14);
    await backdate(superuserUrl, 'zeta-000001', 15);
    await backdate(superuserUrl, 'late-000001', 15);
    await pay(world.db, 'zeta-000001', 5500);
    await pay(world.db, 'late-000001', 5499);

    const both = [world.activities.sendDailyNotices(), world.activities.sendDailyNotices()];
    const counts = (await Promise.all(both)).map(({ overdueInvoices }) => overdueInvoices);
    expect(counts.toSorted()).toEqual([0, 1]);
    expect(await world.activities.sendDailyNotices()).toMatchObject({ overdueInvoices: 0 });
    expect(await eventsOf('invoice.overdue')).toMatchObject([
      {
        tenantId: 'late',
        endpoints: 1,
        data: {
          number: 'late-000001',
          paid_cents: 5499,
          balance_cents: 1,
          due_on: expect.any(String),
        },
      },
    ]);
  });

  test('is not written later for invoices that were overdue before there was an endpoint', async () => {
    await buildInvoices(world, ['acme']);
    await backdate(world.testDatabase.superuserUrl, 'acme-000001', 20);
    expect(await world.activities.sendDailyNotices()).toMatchObject({ overdueInvoices: 1 });
    await register(world.db);
    expect(await world.activities.sendDailyNotices()).toMatchObject({ overdueInvoices: 0 });
    expect(await eventsOf('invoice.overdue')).toEqual([]);
  });
});
