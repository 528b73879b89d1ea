import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readAging, type Aging } from '../../src/db/invoices/balances.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { listPayments } from '../../src/db/invoices/payment-views.ts';
import { recordPayments } from '../../src/db/invoices/payments.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { sql } from '../../src/db/sql.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { backdate } from '../_util/backdate.ts';
import { invoicesOf } from '../_util/books.ts';
import { acceptForce, buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay, payment } from '../_util/payments.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

let world: LedgerWorld;
/** With the API's rights. */
let api: Database;
beforeAll(async () => {
  world = await createLedgerWorld();
  api = await openDatabase({
    url: world.testDatabase.apiUrl,
    maxConnections: 8,
    applicationName: 'test-payments',
  });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await api.end();
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;

async function newTenant(): Promise<{ tenantId: string }> {
  lastTenant += 1;
  const tenantId = `tenant-${lastTenant}`;
  await seedTenant(world.db, tenantId);
  return { tenantId };
}

/** A tenant with an invoice of 55.00 for May. @returns the invoice's number and id */
async function invoiced(): Promise<{ tenantId: string; number: string; invoiceId: string }> {
  const { tenantId } = await newTenant();
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(world.db, tenantId);
  return { tenantId, number: invoice!.number, invoiceId: invoice!.invoiceId };
}

/** Makes a forced rerun bill one cent more. */
async function addUsage(tenantId: string): Promise<void> {
  await seedUsage(world.db, {
    ...{ tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '1' },
  });
}

const balance = z.object({
  number: z.string(),
  total: z.number(),
  notes: z.number(),
  paid: z.number(),
  balance: z.number(),
  status: z.string(),
  isSettled: z.boolean(),
});

function balancesOf(db: Pick<Database, 'any'>, tenantId: string) {
  return db.any(sql.type(balance)`
    SELECT i.number, b.total_cents AS total, b.notes_cents AS notes, b.paid_cents AS paid,
      b.balance_cents AS balance, b.payment_status AS status, b.is_settled AS "isSettled"
    FROM invoice_balances b JOIN invoices i USING (invoice_id) WHERE b.tenant_id = ${tenantId}
  `);
}

function voidOf(invoiceId: string) {
  return voidInvoice(world.db, {
    ...{ invoiceId, actor: 'olga', reason: 'a mistake' },
  });
}

test('an unpaid invoice, an invoice of 0 and what payments do to a balance', async () => {
  const { tenantId, number } = await invoiced();
  const expectBalance = async (expected: Partial<z.infer<typeof balance>>) =>
    expect(await balancesOf(api, tenantId)).toMatchObject([{ number, total: 5500, ...expected }]);
  await expectBalance({ paid: 0, balance: 5500, status: 'unpaid', isSettled: false });

  expect(await pay(api, number, 2000)).toEqual({
    status: 'recorded',
    invoiceNumber: number,
    currency: 'AUD',
    balanceCents: 3500,
    paymentStatus: 'partly_paid',
  });
  await expectBalance({ paid: 2000, balance: 3500, status: 'partly_paid', isSettled: true });
  expect(await pay(api, number, 3500)).toMatchObject({ balanceCents: 0, paymentStatus: 'paid' });
  expect(await pay(api, number, 100)).toMatchObject({ balanceCents: -100, paymentStatus: 'paid' });
  expect(await pay(api, number, -5600)).toMatchObject({ paymentStatus: 'unpaid' });
  // Settled for good, although nothing is paid.
  await expectBalance({ paid: 0, balance: 5500, status: 'unpaid', isSettled: true });

  const free = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, free, [{ deploymentId: `${free}-a`, endsAt: '2025-02-01T00:00:00Z' }]);
  await seedUsage(world.db, {
    ...{ tenantId: free, deploymentId: `${free}-a`, kind: 'llm_usage', amount: '0' },
  });
  await buildInvoices(world, [free]);
  expect(await balancesOf(api, free)).toMatchObject([
    { total: 0, balance: 0, status: 'paid', isSettled: false },
  ]);
});

test('the example of docs/spec.md#due-dates-and-payments', async () => {
  const { tenantId } = await newTenant();
  const use = (amount: string) =>
    seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount });
  await use('4000');
  const eventId = await use('1000');
  await buildInvoices(world, [tenantId]);
  const number = `${tenantId}-000001`;
  await asSuperuser(world.testDatabase.superuserUrl, (client) =>
    client.query(`SET session_replication_role = replica;
      UPDATE invoices SET issued_on = '2026-06-01' WHERE tenant_id = '${tenantId}';
      UPDATE releases SET released_on = '2026-06-03' WHERE tenant_id = '${tenantId}'`),
  );
  const show = async () => {
    const [invoice] = await listInvoices(api, { tenantId }, { after: null, limit: 1 });
    const { total_cents, due_on, balance_cents, payment_status, overdue } = invoice!;
    return [total_cents, due_on, balance_cents, payment_status, overdue];
  };
  expect(await show()).toEqual([11_000, '2026-06-17', 11_000, 'unpaid', true]);
  await pay(api, number, 6000);
  expect(await show()).toEqual([11_000, '2026-06-17', 5000, 'partly_paid', true]);
  await pay(api, number, 5500);
  expect(await show()).toEqual([11_000, '2026-06-17', -500, 'paid', false]);
  await pay(api, number, -6000);
  expect(await show()).toEqual([11_000, '2026-06-17', 5500, 'partly_paid', true]);
  await excludeEvent(world.db, { source: 'llm', eventId, actor: 'olga', reason: 'twice' });
  await forceInvoices(world, [tenantId]);
  expect(await show()).toEqual([11_000, '2026-06-17', 4400, 'partly_paid', true]);
});

test('aging puts a balance into the column of its days', async () => {
  const before = await readAging(api, '2026-05-01');
  const days = [0, 14, 15, 44, 45, 74, 75, 104, 105];
  for (const back of days) {
    const { number } = await invoiced();
    await backdate(world.testDatabase.superuserUrl, number, back);
  }
  // Due after 14 days: not due, due today, 1, 30, 31, 60, 61, 90 and 91 days ago.
  const [was, is] = [before[0], (await readAging(api, '2026-05-01'))[0]!];
  const added = (column: keyof Aging) => Number(is[column]) - Number(was?.[column] ?? 0);
  expect(added('not_due_cents')).toBe(2 * 5500);
  expect(added('days_1_30_cents')).toBe(2 * 5500);
  expect(added('days_31_60_cents')).toBe(2 * 5500);
  expect(added('days_61_90_cents')).toBe(2 * 5500);
  expect(added('over_90_days_cents')).toBe(5500);
  expect(added('balance_cents')).toBe(9 * 5500);
});

describe('a payment id', () => {
  test('counts once: the same content is a duplicate, also in one batch', async () => {
    const { tenantId, number } = await invoiced();
    const sent = payment(number, 700, { method: 'card', reference: 'thanks' });
    const results = await recordPayments(api, [sent, sent], { actor: 'a' });
    expect(results.map(({ status }) => status)).toEqual(['recorded', 'duplicate']);
    expect(await recordPayments(api, [sent], { actor: 'b' })).toMatchObject([
      { status: 'duplicate', balanceCents: 4800 },
    ]);
    expect(await listPayments(api, { tenantId }, { after: null, limit: 10 })).toMatchObject([
      { payment_id: sent.paymentId, actor: 'a', amount_cents: 700, invoice_number: number },
    ]);
  });

  test.each([
    ['amount', { amountCents: 701 }],
    ['date', { receivedOn: '2026-06-13' }],
    ['method', { method: 'card' }],
    ['reference', { reference: 'x' }],
  ])('with another %s is a conflict, and the first payment stays', async (_what, change) => {
    const { tenantId, number } = await invoiced();
    const sent = payment(number, 700);
    const other = { ...sent, ...change };
    const results = await recordPayments(api, [sent, other], { actor: 'a' });
    expect(results.map(({ status }) => status)).toEqual(['recorded', 'conflict']);
    expect(await recordPayments(api, [other], { actor: 'a' })).toMatchObject([
      { status: 'conflict', reason: expect.stringContaining('already used for another payment') },
    ]);
    expect(await balancesOf(api, tenantId)).toMatchObject([{ paid: 700 }]);
  });

  test('with another invoice is a conflict', async () => {
    const [first, second] = [await invoiced(), await invoiced()];
    const sent = payment(first.number, 700);
    const other = { ...sent, invoiceNumber: second.number };
    const unknown = { ...sent, invoiceNumber: 'nobody-000001' };
    await recordPayments(api, [sent], { actor: 'a' });
    expect(await recordPayments(api, [other, unknown], { actor: 'a' })).toMatchObject([
      { status: 'conflict' },
      { status: 'conflict' },
    ]);
  });

  test('that many senders use at once counts once', async () => {
    const { tenantId, number } = await invoiced();
    const sent = payment(number, 700);
    const [other] = [await invoiced()];
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        recordPayments(api, [n % 2 ? sent : { ...sent, invoiceNumber: other.number }], {
          actor: 'a',
        }),
      ),
    );
    const statuses = answers.flat().map(({ status }) => status);
    expect(statuses.filter((status) => status === 'recorded')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'conflict')).toHaveLength(4);
    expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(3);
    const paid = [...(await balancesOf(api, tenantId)), ...(await balancesOf(api, other.tenantId))];
    expect(paid.map(({ paid }) => paid).toSorted()).toEqual([0, 700]);
  });
});

describe('a payment that names', () => {
  test('a superseded invoice counts for its successor', async () => {
    const { tenantId, number } = await invoiced();
    await addUsage(tenantId);
    await forceInvoices(world, [tenantId]);
    expect(await pay(api, number, 5501)).toMatchObject({
      ...{ invoiceNumber: `${tenantId}-000002`, balanceCents: 0, paymentStatus: 'paid' },
    });
    const filter = { invoiceNumber: `${tenantId}-000002` };
    expect(await listPayments(api, filter, { after: null, limit: 10 })).toMatchObject([
      { invoice_number: number, amount_cents: 5501 },
    ]);
  });

  test('the revision instead of the superseded invoice is the same payment', async () => {
    const { tenantId, number } = await invoiced();
    await addUsage(tenantId);
    await forceInvoices(world, [tenantId]);
    const sent = payment(number, 100);
    await recordPayments(api, [sent], { actor: 'a' });
    const again = { ...sent, invoiceNumber: `${tenantId}-000002` };
    expect(await recordPayments(api, [again], { actor: 'a' })).toMatchObject([
      { status: 'duplicate' },
    ]);
  });

  test('a void invoice, no invoice, or a day that is to come is rejected', async () => {
    const { number, invoiceId } = await invoiced();
    await voidOf(invoiceId);
    expect(await pay(api, number, 100)).toEqual({
      status: 'rejected',
      field: 'invoice_number',
      reason: `invoice ${number} is void, and no revision has replaced it`,
    });
    expect(await pay(api, 'nobody-000001', 100)).toMatchObject({
      ...{ status: 'rejected', reason: 'there is no invoice nobody-000001' },
    });
    const { number: good } = await invoiced();
    expect(await pay(api, good, 100, { receivedOn: '2199-01-01' })).toMatchObject({
      ...{ status: 'rejected', field: 'received_on' },
    });
  });

  test('an amount that no sum can hold is rejected, and the rest of its batch recorded', async () => {
    const { tenantId, number } = await invoiced();
    const results = await recordPayments(
      api,
      [
        payment(number, Number.MAX_SAFE_INTEGER),
        payment(number, 1),
        payment(number, -Number.MAX_SAFE_INTEGER),
      ],
      { actor: 'a' },
    );
    expect(results).toMatchObject([
      { status: 'recorded' },
      { status: 'rejected', field: 'amount_cents' },
      { status: 'recorded' },
    ]);
    expect(await balancesOf(api, tenantId)).toMatchObject([{ paid: 0, balance: 5500 }]);
  });
});

test('a dry run answers as a real one and records nothing', async () => {
  const { tenantId, number } = await invoiced();
  const payments = [payment(number, 5500), payment('nobody-000001', 1)];
  const options = { actor: 'a', dryRun: true };
  expect(await recordPayments(api, payments, options)).toMatchObject([
    { status: 'recorded', balanceCents: 0 },
    { status: 'rejected' },
  ]);
  expect(await balancesOf(api, tenantId)).toMatchObject([{ paid: 0 }]);
});

describe('at the same time', () => {
  test('a payment and a void: one of them is refused', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { tenantId, number, invoiceId } = await invoiced();
      const [paid, voided] = await Promise.all([pay(api, number, 100), voidOf(invoiceId)]);
      const [after] = await balancesOf(api, tenantId);
      if (paid.status === 'recorded') {
        expect(voided.outcome).toBe('settled');
        expect(after).toMatchObject({ total: 5500, paid: 100 });
      } else {
        expect(paid).toMatchObject({ status: 'rejected', reason: expect.stringContaining('void') });
        expect(voided.outcome).toBe('voided');
        expect(after).toMatchObject({ total: 0, paid: 0 });
      }
    }
  });

  test('payments and a forced rerun: the payment counts, and nothing that is settled is replaced', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { tenantId, number } = await invoiced();
      await addUsage(tenantId);
      await acceptForce(world, { tenantIds: [tenantId] });
      const [paid] = await Promise.all([
        pay(api, number, 100),
        buildInvoices(world, [tenantId]),
        pay(api, number, 200),
      ]);
      expect(paid.status).toBe('recorded');
      const [after] = await balancesOf(api, tenantId);
      expect(after).toMatchObject({ paid: 300, isSettled: true });
      expect(after!.total + after!.notes).toBe(5501);
      expect(after!.balance).toBe(5201);
    }
  });
});

describe('the database', () => {
  const statement = (text: string) =>
    asSuperuser(world.testDatabase.superuserUrl, (client) => client.query(text));

  test('refuses payments without an invoice that can be paid, and any change of one', async () => {
    const { tenantId, number, invoiceId } = await invoiced();
    const other = await invoiced();
    const insert = (tenant: string, id: string, month = '2026-05-01', cents = 1) =>
      statement(`INSERT INTO payments (payment_id, tenant_id, period_start, invoice_id, amount_cents,
        received_on, actor) VALUES (gen_random_uuid(), '${tenant}', '${month}', '${id}', ${cents}, '2026-06-01', 'x')`);
    await expect(insert(other.tenantId, invoiceId)).rejects.toThrow('has no issued invoice');
    await expect(insert(tenantId, invoiceId, '2026-04-01')).rejects.toThrow(
      'has no issued invoice',
    );
    await expect(insert(tenantId, invoiceId, '2026-05-01', 0)).rejects.toThrow('amount_cents');
    await voidOf(other.invoiceId);
    await expect(insert(other.tenantId, other.invoiceId)).rejects.toThrow('has no issued invoice');

    await pay(api, number, 1);
    for (const text of ['UPDATE payments SET amount_cents = 2', 'DELETE FROM payments']) {
      await expect(statement(text)).rejects.toThrow('is append-only');
    }
  });

  test('refuses to replace or void a settled invoice', async () => {
    const { number, invoiceId } = await invoiced();
    await pay(api, number, 1);
    await pay(api, number, -1);
    await expect(
      statement(`UPDATE invoices SET status = 'void' WHERE invoice_id = '${invoiceId}'`),
    ).rejects.toThrow('is settled: it cannot become void');
    await expect(
      statement(`UPDATE invoices SET status = 'superseded', superseded_by = invoice_id,
        superseded_at = now() WHERE invoice_id = '${invoiceId}'`),
    ).rejects.toThrow('is settled: it cannot become superseded');
  });

  test("a tenant reads its own payments and balances, without the operators' names", async () => {
    const [own, other] = [await invoiced(), await invoiced()];
    await pay(api, own.number, 100);
    await pay(api, other.number, 100);
    const scoped = scopeToTenant(api, own.tenantId);
    const payments = await listPayments(scoped, {}, { after: null, limit: 10 }, 'tenant');
    expect(payments).toMatchObject([{ tenant_id: own.tenantId, amount_cents: 100, actor: null }]);
    await expect(listPayments(scoped, {}, { after: null, limit: 10 })).rejects.toThrow(
      'permission denied',
    );
    expect(await balancesOf(scoped, own.tenantId)).toMatchObject([{ paid: 100, balance: 5400 }]);
    expect(await balancesOf(scoped, other.tenantId)).toEqual([]);
  });
});
