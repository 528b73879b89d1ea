import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { printedBy } from './_printed-by.ts';
import { runCli } from './_run-cli.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'zeta']) await seedTenant(world.db, tenantId);
  await buildInvoices(world, ['acme', 'zeta']);
  await settleInvoice(world, (await invoicesOf(world.db, 'acme'))[0]!);
  const use = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '250' };
  await seedUsage(world.db, use);
  await forceInvoices(world, ['acme'], { reason: 'usage came late', actor: 'kim' });
});
afterAll(() => world[Symbol.asyncDispose]());

const environment = () => ({ DATABASE_URL: world.testDatabase.appUrl });
const cli = (...args: string[]) => runCli(args, environment());
const say = (...args: string[]) => printedBy(args, environment());

describe('notes list', () => {
  test('has a row per note, with the invoice that it adjusts and the reason', async () => {
    expect(await say('notes', 'list')).toMatch(
      /acme-A000001 +2026-05 +acme-000001 +rerun +2\.75 +AUD +\d{4}-\d\d-\d\d +usage came late/,
    );
  });

  test('is filtered by tenant, month and invoice', async () => {
    const none = 'No adjustment notes match.';
    expect(await say('notes', 'list', '--tenant', 'zeta')).toContain(none);
    expect(await say('notes', 'list', '--month', '2026-04')).toContain(none);
    expect(await say('notes', 'list', '--invoice', 'zeta-000001')).toContain(none);
    const found = await say('notes', 'list', '--month', MONTH, '--invoice', 'acme-000001');
    expect(found).toContain('acme-A000001');
  });

  test('rejects names that do not exist', async () => {
    const { code, stderr } = await cli('notes', 'list', '--tenant', 'nobody');
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no tenant nobody')]);
    expect((await cli('notes', 'list', '--invoice', 'acme-000009')).stderr).toContain(
      'There is no invoice acme-000009',
    );
  });
});

describe('notes show', () => {
  test('has each line before and after, and what it does to GST', async () => {
    const text = await say('notes', 'show', 'acme-A000001');
    expect(text).toContain('Adjustment note acme-A000001 · acme · 2026-05-01 to 2026-05-31');
    expect(text).toMatch(/adjusts acme-000001, issued \d{4}-\d\d-\d\d, id [\da-f-]{36}/);
    expect(text).toContain('usage came late');
    expect(text).toMatch(/acme-a +LLM usage +0\.00 +2\.50 +\+2\.50/);
    expect(text).toMatch(/Total change AUD, including GST +\+2\.75/);
    expect(text).toContain('Increasing adjustment: GST increases by AUD 0.25.');
  });

  test('prints what the API serves with --json', async () => {
    expect(JSON.parse(await say('notes', 'show', 'acme-A000001', '--json'))).toMatchObject({
      number: 'acme-A000001',
      adjusts_number: 'acme-000001',
      total_cents: 275,
      lines: [{ amount_cents: 250 }, { kind: 'tax' }],
    });
  });

  test('tells an invoice from a note, and the other way round', async () => {
    expect(await cli('notes', 'show', 'acme-000001')).toMatchObject({
      code: 1,
      stderr: 'There is no adjustment note acme-000001\n',
    });
    expect(await cli('invoices', 'show', 'acme-A000001')).toMatchObject({
      code: 1,
      stderr: 'acme-A000001 is an adjustment note. See `notes show`.\n',
    });
  });
});

test('invoices show has the notes, the payments and the balance', async () => {
  const text = await say('invoices', 'show', 'acme-000001');
  expect(text).toContain('\nadjusted by acme-A000001: +2.75\npaid AUD 0.01\n');
  expect(text).toMatch(/\nbalance AUD 57\.74, partly paid, due \d{4}-\d\d-\d\d/);
});

test('invoices list has no notes', async () => {
  expect(await say('invoices', 'list', '--include-superseded')).not.toContain('A000001');
});
