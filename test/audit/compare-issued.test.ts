import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareIssued, skipReusable } from '../../src/audit/compare-issued.ts';
import type { ListedInvoice } from '../../src/audit/issued-list.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { skipNumbers } from '../../src/db/invoices/invoice-numbers.ts';
import { sql } from '../../src/db/sql.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

const WHY = { actor: 'test', reason: 'restored' };

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'globex']) await seedTenant(world.db, tenantId);
  await buildInvoices(world, ['acme', 'globex']);
});
afterAll(() => world[Symbol.asyncDispose]());

function listed(number: string, facts: Partial<ListedInvoice> = {}): ListedInvoice {
  const unknown = { invoiceId: null, periodStart: null, currency: null, total: null, status: null };
  return { number, ...unknown, ...facts };
}

const details = async (...list: readonly ListedInvoice[]) => {
  const { differences } = await compareIssued(world.db, list);
  return differences.map(({ listed: { number }, detail }) => `${number}: ${detail}`);
};

test('an invoice that is as listed, or of which only the number is known, is no difference', async () => {
  const [acme] = await invoicesOf(world.db, 'acme');
  const asIssued = listed('acme-000001', {
    invoiceId: acme!.invoiceId,
    periodStart: `${MONTH}-01`,
    currency: 'AUD',
    total: (acme!.totalCents / 100).toFixed(2),
    status: 'issued',
  });
  expect(await compareIssued(world.db, [asIssued, listed('globex-000001')])).toEqual({
    listed: 2,
    differences: [],
    reusable: [],
  });
});

test('another month, currency, total or id, and a lost mark, are differences', async () => {
  const other = { periodStart: '2026-04-01', currency: 'USD', total: '1.00', invoiceId: 'x' };
  const [detail] = await details(listed('acme-000001', { ...other, status: 'void' }));
  expect(detail).toMatch(
    /^acme-000001: month: listed 2026-04, stored 2026-05; currency: listed USD, stored AUD; total: listed 1\.00, stored 55\.00; invoice_id: listed x, stored [0-9a-f-]+; status: listed void, stored issued$/,
  );
  const [globex] = await invoicesOf(world.db, 'globex');
  await voidInvoice(world.db, {
    invoiceId: globex!.invoiceId,
    actor: 'test',
    reason: 'a test',
  });
  expect(await details(listed('globex-000001', { status: 'void' }))).toEqual([]);
});

test('missing numbers are reusable, unless they are not a next number of a known tenant', async () => {
  const list = ['acme-000003', 'acme-000002', 'nobody-000001', 'acme-999999', 'INV 7'];
  const compared = await compareIssued(
    world.db,
    list.map((number) => listed(number)),
  );
  expect(compared.differences.map(({ what, detail }) => [what, detail])).toEqual([
    ['missing', 'the number will be issued again'],
    ['missing', 'the number will be issued again'],
    ['missing', 'the database has no tenant nobody'],
    ['missing', "the tenant's last number is 1: is this number right?"],
    ['missing', 'the database has no tenant INV 7'],
  ]);
  expect(compared.reusable).toEqual([{ tenantId: 'acme', kind: 'invoice', seq: 3 }]);
});

test('skipped numbers are never issued, and the month still verifies', async () => {
  const compared = await compareIssued(world.db, [listed('acme-000003')]);
  expect(await skipReusable(world.db, compared, WHY)).toEqual([
    { tenant_id: 'acme', kind: 'invoice', first_seq: 2, last_seq: 3 },
  ]);
  // A second time there is nothing to skip, and a lower number never lowers the last one.
  expect(await skipReusable(world.db, compared, WHY)).toEqual([]);
  const lower = [{ tenantId: 'acme', kind: 'invoice', seq: 1 } as const];
  expect(await world.db.transaction((tx) => skipNumbers(tx, lower, WHY))).toEqual([]);
  expect(await details(listed('acme-000003'))).toEqual([
    'acme-000003: the number will not be issued again',
  ]);

  await forceInvoices(world, ['acme']);
  const invoices = await invoicesOf(world.db, 'acme');
  expect(invoices.map(({ number }) => number)).toEqual(['acme-000001', 'acme-000004']);
  expect(await verifyMonth(world.db, MONTH)).toMatchObject({ ok: true });
});

test('numbers of adjustment notes are a series of their own, also to skip', async () => {
  const lost = [listed('acme-A000002'), listed('acme-A000001'), listed('acme-000005')];
  const compared = await compareIssued(world.db, lost);
  expect(compared.reusable).toEqual([
    { tenantId: 'acme', kind: 'adjustment_note', seq: 2 },
    { tenantId: 'acme', kind: 'invoice', seq: 5 },
  ]);
  const notes = { ...compared, reusable: compared.reusable.slice(0, 1) };
  expect(await skipReusable(world.db, notes, WHY)).toEqual([
    { tenant_id: 'acme', kind: 'adjustment_note', first_seq: 1, last_seq: 2 },
  ]);

  const invoice = (await invoicesOf(world.db, 'acme')).at(-1)!;
  await settleInvoice(world, invoice);
  const usage = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '50' };
  await seedUsage(world.db, usage);
  await forceInvoices(world, ['acme']);
  const [note] = await notesOf(world.db, 'acme');
  expect(note!.number).toBe('acme-A000003');
  const asIssued = { invoiceId: note!.invoiceId, periodStart: `${MONTH}-01`, currency: 'AUD' };
  expect(await details(listed('acme-A000003', { ...asIssued, total: '0.55' }))).toEqual([]);
  expect(await details(listed('acme-A000003', { ...asIssued, total: '0.56' }))).toEqual([
    'acme-A000003: total: listed 0.56, stored 0.55',
  ]);
  expect(await verifyMonth(world.db, MONTH)).toMatchObject({ ok: true });
});

test('a gap that is not on record fails the verification, also next to one that is', async () => {
  const wrong = async () => {
    const { checks } = await verifyMonth(world.db, MONTH);
    return checks.flatMap(({ problems, examples }) => (problems > 0 ? examples : []));
  };
  await world.db.query(sql.typeAlias('nothing')`
    UPDATE tenants SET last_invoice_seq = 5 WHERE tenant_id = 'acme'`);
  expect(await wrong()).toEqual([
    'acme has 2 invoices numbered 1 to 4 and skipped 2; its last number is 5',
  ]);
  // A skip of an issued number can't make up for it.
  await asSuperuser(world.testDatabase.superuserUrl, (client) =>
    client.query(`INSERT INTO skipped_invoice_numbers VALUES ('acme', 'invoice', 4, 4, 'x', 'x')`),
  );
  expect(await wrong()).toHaveLength(1);
});
