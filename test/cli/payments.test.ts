import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { buildInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

let world: LedgerWorld;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'payments-'));
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  const tenants = ['acme', 'beta', 'ciao', 'dora', 'Dora'];
  for (const tenantId of tenants) await seedTenant(world.db, tenantId);
  await buildInvoices(world, tenants);
  await buildInvoices(world, tenants, { month: '2026-04' });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world[Symbol.asyncDispose]();
});

const cli = (...args: string[]) =>
  runCli(args, { DATABASE_URL: world.testDatabase.appUrl, COLUMNS: '200' });
function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const RECORD = ['--received-on', '2026-06-12', '--payment-id', 'bank-1'];

test('payments record: says what is left, and repeating it changes nothing', async () => {
  const record = ['payments', 'record', 'acme-000001', '--amount', '20.00', ...RECORD];
  expect(await cli(...record)).toMatchObject({
    code: 0,
    stdout: 'Recorded AUD 20.00 for invoice acme-000001. AUD 35.00 is left to pay.\n',
  });
  expect((await cli(...record)).stdout).toBe(
    'AUD 20.00 for invoice acme-000001 was already recorded; nothing changed. AUD 35.00 is left to pay.\n',
  );
  const reversal = ['--amount', '-20.00', ...RECORD.with(-1, 'bank-2'), '--reference', 'returned'];
  const { stdout } = await cli('--json', 'payments', 'record', 'acme-000001', ...reversal);
  expect(JSON.parse(stdout)).toEqual({
    payment_id: 'bank-2',
    status: 'recorded',
    amount_cents: -2000,
    invoice_number: 'acme-000001',
    currency: 'AUD',
    payment_status: 'unpaid',
    balance_cents: 5500,
  });
});

test.each([
  [
    ['acme-000001', '--amount', '1', ...RECORD],
    'The id bank-1 was already used for another payment',
  ],
  [
    ['acme-000001', '--amount', '1.234', ...RECORD],
    '--amount: expected an amount other than 0 in AUD, such as 1,234.50',
  ],
  [['acme-000001', '--amount', '99,50', ...RECORD], '--amount: write 99.50, not 99,50'],
  [['acme-000001', '--amount', '0', ...RECORD], 'amount_cents: expected an amount other than 0'],
  [['nobody-000001', '--amount', '1', ...RECORD], 'There is no invoice nobody-000001'],
])('payments record %j: exit code 1, and says why', async (args, message) => {
  const { code, stderr } = await cli('payments', 'record', ...args);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
});

test('payments record with an invalid date: exit code 2', async () => {
  const args = ['acme-000001', '--amount', '1', '--payment-id', 'x', '--received-on', '2026-02-30'];
  expect((await cli('payments', 'record', ...args)).code).toBe(2);
});

describe('payments import', () => {
  const CSV = [
    'Value date;Credit;Narrative',
    '12/06/2026;"55.00";"TRANSFER INV-BETA-000001, THANKS"',
    '12/06/2026;30;ciao-000001',
    '13/06/2026;30;ciao-000001 and acme-000001',
    '13/06/2026;30;rent',
    '13/06/2026;1.005;ciao-000001',
    '31/06/2026;30;ciao-000001',
    '14/06/2026;-10.00;refund ciao-000001',
    '14/06/2026;5.00;Dora-000001',
    '14/06/2026;5.00;DORA-000001',
  ].join('\n');
  const COLUMNS = ['--date', 'Value date', '--amount', 'Credit', '--reference', 'Narrative'];
  const importIt = (...more: string[]) =>
    cli('payments', 'import', write('bank.csv', CSV), ...COLUMNS, '--date-order', 'dmy', ...more);
  const NOT_RECORDED = [
    '',
    'Not recorded:',
    '  line 4: it names several invoices: ciao-000001, acme-000001',
    '  line 5: its reference names no invoice: "rent"',
    '  line 6: 1.005 is not an amount in AUD',
    '  line 7: expected a date such as 12/06/2026, found "31/06/2026"',
    '  line 10: it names several invoices: Dora-000001, dora-000001',
    '',
  ];

  test('matches rows by the number in the reference and lists the others with their line', async () => {
    const dry = await importIt('--dry-run');
    expect(dry.code).toBe(3);
    expect(dry.stdout.split('\n')).toEqual([
      '9 rows: 4 would be recorded, 0 recorded before, 5 not recorded',
      '  AUD 80.00 in 4 payments',
      ...NOT_RECORDED,
    ]);
    const real = await importIt();
    expect(real.code).toBe(3);
    expect(real.stdout.split('\n')).toEqual([
      '9 rows: 4 recorded, 0 recorded before, 5 not recorded',
      '  AUD 80.00 in 4 payments',
      ...NOT_RECORDED,
    ]);
    const again = await importIt();
    expect(again.stdout.split('\n')[0]).toBe(
      '9 rows: 0 recorded, 4 recorded before, 5 not recorded',
    );
    const [action] = await listOperatorActions(world.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({ action: 'payments.import', outcome: 'done' });
    expect(action?.input).toMatchObject({ file_name: 'bank.csv', file_sha256: expect.any(String) });
  });

  test('of a file with numbers and ids of its own records all of it', async () => {
    const path = write(
      'own.csv',
      'payment_id,date,amount,invoice_number,reference\n' +
        'b-1,2026-06-20,5.00,ACME-000002,beta-000002\nb-2,2026-06-20,5.00,acme-000002,\n',
    );
    const { code, stdout } = await cli('--json', 'payments', 'import', path, '--method', 'card');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      dry_run: false,
      rows: 2,
      counts: { recorded: 2, duplicate: 0, not_recorded: 0 },
      recorded: [{ currency: 'AUD', payments: 2, amount_cents: 1000 }],
      not_recorded: [],
    });
    const used = write(
      'used.csv',
      'payment_id,date,amount,invoice_number\nb-1,2026-06-20,6,acme-000002\n',
    );
    const conflict = await cli('payments', 'import', used, '--method', 'card');
    expect(conflict.code).toBe(3);
    expect(conflict.stdout).toContain('line 2: the id b-1 was already used for another payment');
  });

  test.each([
    ['a file that is not there', join('/', 'nowhere.csv'), 'There is no file /nowhere.csv'],
    ['a file without the columns', null, 'line 1: expected a column date; found'],
  ])('of %s: exit code 1', async (_name, path, message) => {
    const file = path ?? write('other.csv', 'when,what\n');
    expect(await cli('payments', 'import', file)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining(message) },
    });
  });
});

test('payments list, balances and aging', async () => {
  const list = await cli('payments', 'list', '--invoice', 'ciao-000001');
  expect(list.stdout).toMatch(
    /row-[0-9a-f]{32} +2026-06-14 +ciao-000001 +-10\.00 +AUD +bank transfer +refund ciao-000001 +cli:/,
  );
  expect(list.stdout).toMatch(/2026-06-12 +ciao-000001 +30\.00/);
  expect((await cli('payments', 'list', '--received-to', '2026-01-01')).stdout).toBe(
    'No payments match.\n',
  );
  const balances = await cli('payments', 'balances', '--tenant', 'ciao');
  expect(balances.stdout).toMatch(/ciao +2 +2 +110\.00 +0\.00 +20\.00 +90\.00 +0\.00 +AUD/);
  const aging = await cli('payments', 'aging', '2026-05');
  expect(aging.stdout).toMatch(/currency +invoices +not due +1–30 days/);
  expect(aging.stdout).toMatch(/AUD +5 +195\.00 +0\.00 +0\.00 +0\.00 +0\.00 +0\.00 +195\.00/);
});

test('invoices list shows what is owed and filters by it', async () => {
  const { stdout } = await cli('invoices', 'list', '--payment-status', 'paid');
  expect(stdout).toMatch(/beta-000001 .* 0\.00 +AUD +paid /);
  expect(stdout).not.toContain('acme');
  const open = await cli('invoices', 'list', '--open');
  expect(open.stdout).toContain('acme');
  expect(open.stdout).not.toContain('beta-000001');
  expect((await cli('invoices', 'list', '--overdue')).stdout).toBe('No invoices match.\n');
});

test.each(['record', 'import', 'list', 'balances', 'aging'])(
  'payments %s --help has an example',
  async (command) => {
    expect((await cli('payments', command, '--help')).stdout).toMatch(
      /Examples?:\n {2}npm run cli -- /,
    );
  },
);
