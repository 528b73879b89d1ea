import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { recordItems, withdrawItem } from '../../src/catalogue/record-items.ts';
import { readDifference } from '../../src/db/invoices/invoice-difference.ts';
import { creditLine } from '../../src/db/invoices/credit.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { showInvoice } from '../../src/db/invoices/invoice-views.ts';
import { showNote } from '../../src/db/invoices/note-views.ts';
import { showItem } from '../../src/db/invoices/item-views.ts';
import { lockTenants } from '../../src/db/transactions.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { expectSoundBooks, invoicesOf, expectVerifiedWithoutRun } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

const NEXT = '2026-06';
const BY = { actor: 'test', reason: 'a test' };
const BILLED_WITHDRAWN = "SET withdrawn_at = now(), withdrawn_by = 'x', withdraw_reason = 'x'";

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
});
afterAll(async () => {
  await expectVerifiedWithoutRun(world.db, MONTH);
  await expectVerifiedWithoutRun(world.db, NEXT);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

const superuser = (statement: string) =>
  asSuperuser(world.testDatabase.superuserUrl, (client) => client.query(statement));

let lastTenant = 0;
/** A tenant on a plan of 50.00, or without a subscription. */
async function newTenant({ subscribed = true } = {}): Promise<string> {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  const deployments = subscribed ? [{ deploymentId: `${tenantId}-a` }] : [];
  await seedTenant(world.db, tenantId, deployments);
  return tenantId;
}

let lastItem = 0;
async function record(tenantId: string, cents: number, more: object = {}): Promise<string> {
  const itemId = `item-${(lastItem += 1)}`;
  const item = {
    ...{ item_id: itemId, tenant_id: tenantId, month: MONTH, description: `Item of ${cents}` },
    ...{ amount_cents: cents, ...more },
  };
  expect(await recordItems(world.db, [item], 'test')).toEqual([{ status: 'recorded' }]);
  return itemId;
}

/** The lines of items and the totals of a tenant's live invoice. */
async function liveOf(tenantId: string, month = MONTH) {
  const live = (await invoicesOf(world.db, tenantId)).find(
    (one) => one.month === month && one.supersededBy === null,
  );
  const invoice = live ? await showInvoice(world.db, live.invoiceId) : null;
  return {
    id: invoice?.invoice_id ?? '',
    items: invoice?.lines.filter(({ kind }) => kind === 'item').map((one) => one.amount_cents),
    totals: [invoice?.subtotal_cents, invoice?.taxable_cents, invoice?.tax_cents],
  };
}

const stateOf = async (itemId: string) => {
  const item = await showItem(world.db, itemId);
  return [item?.state, item?.applied_cents, item?.rest_cents];
};
const outcomesOf = (results: readonly { readonly outcome: string }[]) =>
  results.map(({ outcome }) => outcome);

async function previewOf(tenantId: string, month = MONTH): Promise<TenantPreview | undefined> {
  const previews: TenantPreview[] = [];
  await previewMonth(world.db, month, {
    ...{ bounds: NO_BOUNDS, tenantIds: [tenantId], onTenant: (one) => previews.push(one) },
  });
  return previews[0];
}

describe('the first invoice of the month', () => {
  test('takes charges and credits once, after the lines of deployments and before tax', async () => {
    const tenantId = await newTenant();
    const charge = await record(tenantId, 2000, { taxable: false });
    const credit = await record(tenantId, -1000);
    const previewed = await previewOf(tenantId);
    await buildInvoices(world, [tenantId]);

    const { id, ...live } = await liveOf(tenantId);
    expect(live).toEqual({ items: [2000, -1000], totals: [6000, 4000, 400] });
    const invoice = await showInvoice(world.db, id);
    expect(invoice?.lines.map(({ kind, item_id, taxable }) => [kind, item_id, taxable])).toEqual([
      ['plan_base', null, true],
      ['item', charge, false],
      ['item', credit, true],
      ['tax', null, true],
    ]);
    expect(previewed?.preview).toMatchObject({ totalCents: invoice?.total_cents });
    expect(await stateOf(charge)).toEqual(['applied', 2000, 0]);

    await buildInvoices(world, [tenantId], { month: NEXT });
    expect((await liveOf(tenantId, NEXT)).items).toEqual([]);
  });

  test('takes a credit in part, and later ones the rest', async () => {
    const tenantId = await newTenant();
    const credit = await record(tenantId, -12_000);
    await buildInvoices(world, [tenantId]);
    expect(await liveOf(tenantId)).toMatchObject({ items: [-5000], totals: [0, 0, 0] });
    expect(await stateOf(credit)).toEqual(['partly_applied', -5000, -7000]);

    await buildInvoices(world, [tenantId], { month: NEXT });
    expect(await liveOf(tenantId, NEXT)).toMatchObject({ items: [-5000], totals: [0, 0, 0] });
    expect(await stateOf(credit)).toEqual(['partly_applied', -10_000, -2000]);
    expect(await showItem(world.db, credit)).toMatchObject({
      invoices: [
        { number: `${tenantId}-000001`, month: MONTH, amount_cents: -5000, status: 'issued' },
        { number: `${tenantId}-000002`, month: NEXT, amount_cents: -5000, status: 'issued' },
      ],
    });
  });

  test('leaves items of later months alone', async () => {
    const tenantId = await newTenant();
    const later = await record(tenantId, 700, { month: NEXT });
    await buildInvoices(world, [tenantId]);
    expect((await liveOf(tenantId)).items).toEqual([]);
    await buildInvoices(world, [tenantId], { month: NEXT });
    expect((await liveOf(tenantId, NEXT)).items).toEqual([700]);
    expect(await stateOf(later)).toEqual(['applied', 700, 0]);
  });

  test('takes an item of an earlier month that came too late for its invoice, and says so', async () => {
    const tenantId = await newTenant();
    await buildInvoices(world, [tenantId]);
    const late = await record(tenantId, 700);
    await buildInvoices(world, [tenantId], { month: NEXT });
    const { id, items } = await liveOf(tenantId, NEXT);
    expect(items).toEqual([700]);
    expect((await showInvoice(world.db, id))?.lines).toContainEqual(
      expect.objectContaining({ item_id: late, meta: { item_month: MONTH } }),
    );
  });
});

describe('a tenant without subscriptions', () => {
  test('is due and invoiced for a charge alone', async () => {
    const tenantId = await newTenant({ subscribed: false });
    expect(outcomesOf(await buildInvoices(world, [tenantId]))).toEqual(['nothing_to_bill']);
    await record(tenantId, 1500);
    expect(outcomesOf(await buildInvoices(world, [tenantId]))).toEqual(['rolled']);
    expect(await liveOf(tenantId)).toMatchObject({ items: [1500], totals: [1500, 1500, 150] });
  });

  test('has nothing to bill while only a credit waits, however often its month is run', async () => {
    const tenantId = await newTenant({ subscribed: false });
    const credit = await record(tenantId, -1500);
    for (const month of [MONTH, MONTH, NEXT]) {
      const results = await buildInvoices(world, [tenantId], { month });
      expect(outcomesOf(results)).toEqual(['nothing_to_bill']);
    }
    expect(await previewOf(tenantId)).toMatchObject({ preview: { nothingToBill: true } });
    expect(await stateOf(credit)).toEqual(['pending', 0, -1500]);

    await record(tenantId, 900);
    expect(outcomesOf(await buildInvoices(world, [tenantId]))).toEqual(['rolled']);
    expect(await liveOf(tenantId)).toMatchObject({ items: [-900, 900], totals: [0, 0, 0] });
  });
});

describe('a revision', () => {
  test('takes what its predecessor took and what has come since', async () => {
    const tenantId = await newTenant();
    await record(tenantId, 1000);
    await buildInvoices(world, [tenantId]);
    const added = await record(tenantId, 300);
    expect(outcomesOf(await forceInvoices(world, [tenantId], { onlyIfChanged: true }))).toEqual([
      'rolled',
    ]);
    const { id, items } = await liveOf(tenantId);
    expect(items).toEqual([1000, 300]);
    expect(await readDifference(world.db, id)).toMatchObject([
      { change: 'added', after: { item_id: added }, difference_cents: 300 },
      { change: 'changed', after: { kind: 'tax' } },
    ]);
    expect(outcomesOf(await forceInvoices(world, [tenantId], { onlyIfChanged: true }))).toEqual([
      'unchanged',
    ]);
  });

  test('takes no more of a credit than later invoices have left', async () => {
    const tenantId = await newTenant();
    const credit = await record(tenantId, -8000);
    await buildInvoices(world, [tenantId]);
    await buildInvoices(world, [tenantId], { month: NEXT });
    expect((await liveOf(tenantId, NEXT)).items).toEqual([-3000]);
    await seedUsage(world.db, {
      ...{ tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '1000' },
    });
    await forceInvoices(world, [tenantId]);
    expect((await liveOf(tenantId)).items).toEqual([-5000]);
    expect(await stateOf(credit)).toEqual(['applied', -8000, 0]);
  });

  test('frees the part of a credit that it has no charges for', async () => {
    const tenantId = await newTenant();
    await record(tenantId, 4000);
    const credit = await record(tenantId, -9000);
    await buildInvoices(world, [tenantId]);
    expect(await stateOf(credit)).toEqual(['applied', -9000, 0]);
    await superuser(
      `UPDATE subscriptions SET ends_at = '2026-05-01Z' WHERE tenant_id = '${tenantId}'`,
    );
    await forceInvoices(world, [tenantId]);
    expect((await liveOf(tenantId)).items).toEqual([4000, -4000]);
    expect(await stateOf(credit)).toEqual(['partly_applied', -4000, -5000]);
  });
});

describe('a void invoice', () => {
  test('holds its items, so that no other month takes them, until its next revision does', async () => {
    const tenantId = await newTenant();
    const charge = await record(tenantId, 1000);
    await buildInvoices(world, [tenantId]);
    const { id } = await liveOf(tenantId);
    await voidInvoice(world.db, { invoiceId: id, ...BY });
    await buildInvoices(world, [tenantId], { month: NEXT });
    expect((await liveOf(tenantId, NEXT)).items).toEqual([]);
    expect(await stateOf(charge)).toEqual(['voided', 1000, 0]);
    expect(await withdrawItem(world.db, charge, BY)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining(`void invoice ${tenantId}-000001 still holds it`) as unknown,
    });

    await forceInvoices(world, [tenantId]);
    expect((await liveOf(tenantId)).items).toEqual([1000]);
    expect(await stateOf(charge)).toEqual(['applied', 1000, 0]);
  });
});

describe('a settled invoice', () => {
  const credit = (documentId: string, lineNo: number) =>
    creditLine(world.db, { ...BY, documentId, lineNo, amountCents: 500, requestId: `c-${lineNo}` });

  test('of a credit on a line that is not taxable gives back no tax', async () => {
    const tenantId = await newTenant();
    await record(tenantId, 2000, { taxable: false });
    await buildInvoices(world, [tenantId]);
    const { id } = await liveOf(tenantId);
    const given = await credit(id, 2);
    const note = await showNote(world.db, 'noteId' in given ? given.noteId : '');
    expect(note).toMatchObject({ subtotal_cents: -500, taxable_cents: 0, tax_cents: 0 });
    expect(note?.lines).toMatchObject([{ kind: 'credit', taxable: false, deployment_id: null }]);
  });

  test('keeps its items, and takes no others, when it is forced', async () => {
    const tenantId = await newTenant();
    const taken = await record(tenantId, 2000);
    await buildInvoices(world, [tenantId]);
    const { id } = await liveOf(tenantId);
    await credit(id, 1);
    const [later, waiting] = [await record(tenantId, 300), await record(tenantId, -100)];
    expect(outcomesOf(await forceInvoices(world, [tenantId]))).toEqual(['unchanged']);
    await seedUsage(world.db, {
      ...{ tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '1000' },
    });
    expect(outcomesOf(await forceInvoices(world, [tenantId]))).toEqual(['adjusted']);
    expect((await liveOf(tenantId)).items).toEqual([2000]);
    expect(await stateOf(taken)).toEqual(['applied', 2000, 0]);
    for (const itemId of [later, waiting]) {
      expect(await showItem(world.db, itemId)).toMatchObject({ state: 'pending' });
    }
    await buildInvoices(world, [tenantId], { month: NEXT });
    expect((await liveOf(tenantId, NEXT)).items).toEqual([300, -100]);
  });
});

describe('recording', () => {
  test('counts an id once: the same content is a duplicate, another a conflict, within a list too', async () => {
    const tenantId = await newTenant();
    const item = {
      ...{ item_id: 'twice', tenant_id: tenantId, month: MONTH, description: 'One' },
      ...{ amount_cents: 100 },
    };
    const results = await recordItems(
      world.db,
      [item, { ...item, taxable: true, currency: 'AUD' }, { ...item, amount_cents: 101 }],
      'test',
    );
    expect(results).toMatchObject([
      { status: 'recorded' },
      { status: 'duplicate' },
      { status: 'conflict', reason: expect.stringContaining('"twice" was recorded') as unknown },
    ]);
    expect(await recordItems(world.db, [item], 'other')).toEqual([{ status: 'duplicate' }]);
    expect(await showItem(world.db, 'twice')).toMatchObject({ amount_cents: 100, actor: 'test' });
  });

  test.each<[string, object, string]>([
    ['an unknown tenant', { tenant_id: 'nobody' }, '/tenant_id: there is no tenant nobody'],
    ['another currency', { currency: 'USD' }, '/currency: tenant'],
    ['an amount of 0', { amount_cents: 0 }, '/amount_cents: expected a whole number'],
    ['a fraction of a cent', { amount_cents: 1.5 }, '/amount_cents: expected a whole number'],
    ['an amount as text', { amount_cents: '100' }, '/amount_cents: expected a whole number'],
    ['an amount beyond 2^53', { amount_cents: 2 ** 53 }, '/amount_cents: expected a whole number'],
    ['a month that does not exist', { month: '2026-13' }, '/month: '],
    ['a blank description', { description: '  ' }, '/description: '],
    ['an unknown field', { price: 1 }, '/price: unknown field'],
  ])('rejects %s, and records the others', async (_what, wrong, reason) => {
    const tenantId = await newTenant();
    const fields = { tenant_id: tenantId, month: MONTH, description: 'One', amount_cents: 100 };
    const [good, bad] = [`good-${(lastItem += 1)}`, `bad-${lastItem}`];
    const results = await recordItems(
      world.db,
      [
        { ...fields, item_id: bad, ...wrong },
        { ...fields, item_id: good },
      ],
      'test',
    );
    expect(results).toMatchObject([
      { status: 'rejected', reason: expect.stringContaining(reason) as unknown },
      { status: 'recorded' },
    ]);
    expect(await showItem(world.db, bad)).toBeNull();
  });

  test('at the same time from several senders stores each item once', async () => {
    const tenantId = await newTenant();
    const items = Array.from({ length: 50 }, (_, n) => ({
      ...{ item_id: `same-${n}`, tenant_id: tenantId, month: MONTH, description: `Item ${n}` },
      ...{ amount_cents: n + 1 },
    }));
    const lists = [items, items.toReversed(), items];
    const results = await Promise.all(lists.map((list) => recordItems(world.db, list, 'test')));
    const recorded = results.flat().filter(({ status }) => status === 'recorded');
    expect(recorded).toHaveLength(items.length);
    expect(results.flat().every(({ status }) => status !== 'conflict')).toBe(true);
  });
});

describe('withdrawing', () => {
  test('keeps an item off every invoice, once, with the first reason', async () => {
    const tenantId = await newTenant();
    const itemId = await record(tenantId, 1000);
    expect(await withdrawItem(world.db, itemId, BY)).toMatchObject({
      ...{ outcome: 'withdrawn', isNew: true },
      item: { state: 'withdrawn', rest_cents: 0, withdrawal: BY },
    });
    const again = await withdrawItem(world.db, itemId, { actor: 'other', reason: 'another' });
    expect(again).toMatchObject({ isNew: false, item: { withdrawal: BY } });
    await buildInvoices(world, [tenantId]);
    expect((await liveOf(tenantId)).items).toEqual([]);
    expect(await withdrawItem(world.db, 'nothing', BY)).toEqual({ outcome: 'unknown' });
  });

  test('is refused once an invoice takes the item, if only in part', async () => {
    const tenantId = await newTenant();
    const [charge, credit] = [await record(tenantId, 100), await record(tenantId, -9000)];
    await buildInvoices(world, [tenantId]);
    for (const itemId of [charge, credit]) {
      expect(await withdrawItem(world.db, itemId, BY)).toMatchObject({
        outcome: 'refused',
        reason: expect.stringContaining(`${tenantId}-000001 bills it`) as unknown,
      });
    }
  });
});

describe('at the same time', () => {
  test('two months of a tenant take no more of a credit together than it has', async () => {
    const tenantIds = await Promise.all(Array.from({ length: 5 }, () => newTenant()));
    const credits = await Promise.all(tenantIds.map((tenantId) => record(tenantId, -8000)));
    await Promise.all(
      tenantIds.flatMap((tenantId) =>
        [MONTH, NEXT].map((month) => buildInvoices(world, [tenantId], { month })),
      ),
    );
    for (const [index, tenantId] of tenantIds.entries()) {
      const taken = await Promise.all([MONTH, NEXT].map((month) => liveOf(tenantId, month)));
      const amounts = taken.flatMap(({ items }) => items ?? []).sort((a, b) => a - b);
      expect(amounts).toEqual([-5000, -3000]);
      expect(await stateOf(credits[index]!)).toEqual(['applied', -8000, 0]);
    }
  });

  test('a withdrawal and the issue of an invoice: one of them wins', async () => {
    const tenantIds = await Promise.all(Array.from({ length: 8 }, () => newTenant()));
    const items = await Promise.all(tenantIds.map((tenantId) => record(tenantId, 1000)));
    const [results] = await Promise.all([
      Promise.all(items.map((itemId) => withdrawItem(world.db, itemId, BY))),
      Promise.all(tenantIds.map((tenantId) => buildInvoices(world, [tenantId]))),
    ]);
    for (const [index, tenantId] of tenantIds.entries()) {
      const isWithdrawn = results[index]?.outcome === 'withdrawn';
      expect((await liveOf(tenantId)).items).toEqual(isWithdrawn ? [] : [1000]);
      const state = await stateOf(items[index]!);
      expect(state).toEqual(isWithdrawn ? ['withdrawn', 0, 0] : ['applied', 1000, 0]);
    }
  });

  test('a withdrawal waits for the transaction that issues an invoice', async () => {
    const tenantId = await newTenant();
    const itemId = await record(tenantId, 1000);
    const withdrawn = await world.db.transaction(async (tx) => {
      await lockTenants(tx, [tenantId]);
      const pending = withdrawItem(world.db, itemId, BY);
      await untilLockIsWaitedFor(world.testDatabase.superuserUrl);
      return { pending };
    });
    expect(await withdrawn.pending).toMatchObject({ outcome: 'withdrawn' });
  });

  test('a forced rerun and a new item: the revision has it, or the next invoice', async () => {
    const tenantIds = await Promise.all(Array.from({ length: 6 }, () => newTenant()));
    await buildInvoices(world, tenantIds);
    const forced = tenantIds.map((tenantId) => forceInvoices(world, [tenantId]));
    const items = await Promise.all(tenantIds.map((tenantId) => record(tenantId, 1000)));
    await Promise.all(forced);
    await buildInvoices(world, tenantIds, { month: NEXT });
    for (const [index, tenantId] of tenantIds.entries()) {
      const [may, june] = [await liveOf(tenantId), await liveOf(tenantId, NEXT)];
      expect([...(may.items ?? []), ...(june.items ?? [])]).toEqual([1000]);
      expect(await stateOf(items[index]!)).toEqual(['applied', 1000, 0]);
    }
  });
});

describe('the database', () => {
  test.each([
    ['another amount', 'SET amount_cents = amount_cents + 1', /can only be withdrawn, once/],
    ['a withdrawal of a billed item', BILLED_WITHDRAWN, /invoice_items_withdrawn_unbilled/],
    ['more taken than there is', 'SET applied_cents = 2 * amount_cents', /billed_at_most_once/],
    ['a charge taken in part', 'SET applied_cents = 1', /billed_at_most_once/],
  ])('refuses %s', async (_what, change, reason) => {
    const tenantId = await newTenant();
    const itemId = await record(tenantId, 1000);
    await buildInvoices(world, [tenantId]);
    await expect(
      superuser(`UPDATE invoice_items ${change} WHERE item_id = '${itemId}'`),
    ).rejects.toThrow(reason);
  });

  test('keeps every item, and a withdrawn one as it is', async () => {
    const itemId = await record(await newTenant(), 1000);
    await withdrawItem(world.db, itemId, BY);
    const where = `WHERE item_id = '${itemId}'`;
    await expect(superuser(`DELETE FROM invoice_items ${where}`)).rejects.toThrow(/append-only/);
    const undo = 'SET withdrawn_at = NULL, withdrawn_by = NULL, withdraw_reason = NULL';
    await expect(superuser(`UPDATE invoice_items ${undo} ${where}`)).rejects.toThrow(
      /withdrawn, once/,
    );
  });

  test('refuses a line that takes an item of another tenant', async () => {
    const itemId = await record(await newTenant(), 1000);
    const other = await newTenant();
    await buildInvoices(world, [other]);
    const { id } = await liveOf(other);
    await expect(
      superuser(`INSERT INTO invoice_lines (invoice_id, line_no, kind, description, qty, unit, amount_cents, item_id)
        VALUES ('${id}', 99, 'item', 'Item of 1000', 1, 'item', 1000, '${itemId}')`),
    ).rejects.toThrow(/cannot take|do not add up/);
  });
});

test('verification finds an item that counts as billed without a line', async () => {
  const tenantId = await newTenant();
  const itemId = await record(tenantId, 1000);
  const set = (cents: number) =>
    superuser(`UPDATE invoice_items SET applied_cents = ${cents} WHERE item_id = '${itemId}'`);
  await set(1000);
  const { checks } = await verifyMonth(world.db, MONTH);
  expect(checks.find(({ id }) => id === 'items_billed_once')).toMatchObject({
    problems: 1,
    examples: [
      `invoice item ${itemId} of 1000 counts 1000 as billed; live invoices take 0 (minor units)`,
    ],
  });
  await set(0);
});
