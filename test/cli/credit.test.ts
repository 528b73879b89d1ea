import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

/** Credits on lines by `invoices credit`. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  const usage = { tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage' };
  await seedUsage(world.db, { ...usage, amount: '1234.567' });
  await buildInvoices(world, ['acme']);
});
afterAll(() => world[Symbol.asyncDispose]());

const run = (...args: string[]) =>
  runCli(['invoices', 'credit', ...args], { DATABASE_URL: world.testDatabase.appUrl });
const ASKED = ['--line', '2', '--reason', 'outage'];

describe('without confirmation', () => {
  test('nothing is credited, and --yes is named', async () => {
    const { code, stderr } = await run('acme-000001', ...ASKED, '--amount', '5');
    expect(code).toBe(1);
    expect(stderr).toContain('run it again with --yes');
    expect(await notesOf(world.db, 'acme')).toEqual([]);
  });
});

describe('with --yes', () => {
  const credit = (document: string, amount: string, ...more: string[]) =>
    run(document, ...ASKED, '--amount', amount, '--yes', ...more);

  test('a credit is given once for each request id', async () => {
    const once = ['--request-id', 'r1'];
    const first = await credit('acme-000001', '5.00', ...once);
    expect(first.stdout).toBe(
      'Issued adjustment note acme-A000001 of AUD -5.50 on invoice acme-000001.\n',
    );
    const second = await credit('acme-000001', '5.00', ...once);
    expect(second.stdout).toMatch(/^The credit was already given: adjustment note acme-A000001/);
    const other = await credit('acme-000001', '5.01', ...once);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('Request id r1 was already used with different content');
    expect(await notesOf(world.db, 'acme')).toHaveLength(1);
  });

  test('the invoice can be named by its id, and the note is printed as JSON', async () => {
    const [invoice] = await invoicesOf(world.db, 'acme');
    const { stdout } = await credit(invoice!.invoiceId, '0.35', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ number: 'acme-A000002', origin: 'credit', is_new: true, subtotal_cents: -35 },
      lines: [{ kind: 'credit', meta: { credited_line_no: 2 } }, { kind: 'tax' }],
    });
  });

  test('more than is left is refused, and the message says how much that is', async () => {
    const { code, stderr } = await credit('acme-000001', '12.35');
    expect(code).toBe(1);
    expect(stderr).toContain('Only AUD 7.00 is left to credit on line 2 of acme-000001');
  });

  test.each([
    ['acme-000009', '5', 'There is no invoice acme-000009'],
    ['acme-000001', '5.001', '--amount: expected an amount above 0 in AUD'],
    ['acme-000001', '0', '--amount: expected an amount above 0 in AUD'],
    ['acme-000001', '5,50', '--amount: write 5.50, not 5,50'],
    ['acme-000001', 'five', '--amount: expected an amount above 0 in AUD'],
  ])('%s by %s is refused', async (document, amount, message) => {
    const { code, stderr } = await credit(document, amount);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});
