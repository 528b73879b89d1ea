import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

/** The tenant acme has more usage in May than in April; beta has so much that it is parked. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'beta']) await seedTenant(world.db, tenantId);
  await use('acme', '100', '2026-04');
  await buildInvoices(world, ['acme', 'beta'], { month: '2026-04' });
  await use('acme', '400', MONTH);
  await use('beta', '9000000', MONTH);
  await buildInvoices(world, ['acme']);
});
afterAll(() => world[Symbol.asyncDispose]());

const use = (tenantId: string, amount: string, month: string) =>
  seedUsage(world.db, {
    tenantId,
    deploymentId: `${tenantId}-a`,
    kind: 'llm_usage',
    amount,
    month,
  });
const cli = (...args: string[]) => runCli(args, { DATABASE_URL: world.testDatabase.appUrl });

describe('invoices compare', () => {
  test('says by how much an invoice is higher, and why', async () => {
    const { code, stdout } = await cli('invoices', 'compare', 'acme-000002');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^acme-000002 for May 2026, AUD 59\.40: AUD 3\.30 \(5\.9%\) more than acme-000001 for April 2026 \(AUD 56\.10\)\n/,
    );
    expect(stdout).toMatch(/acme-a +LLM usage +1\.00 +4\.00 +\+3\.00\n +Average charge of a/);
    expect(stdout).toContain('Average charge of a request: AUD 4.00, before AUD 1.00');
    expect(stdout).toContain('\n1 charge did not change: AUD 50.00\n');
  });

  test('prints what the API serves with --json', async () => {
    const { stdout } = await cli('invoices', 'compare', 'acme-000002', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      compared_with: { number: 'acme-000001', total_cents: 5610 },
      difference_cents: 330,
      changes: [{ kind: 'llm_usage' }, { kind: 'tax' }, { kind: 'plan_base' }],
    });
  });

  test('takes any invoice of the tenant to compare with', async () => {
    const same = await cli('invoices', 'compare', 'acme-000001', '--with', 'acme-000002');
    expect(same.stdout).toContain('AUD 56.10: AUD 3.30 (5.6%) less than acme-000002');
    expect(await cli('invoices', 'compare', 'acme-000002', '--with', 'beta-000001')).toMatchObject({
      code: 1,
      stderr: "These invoices can't be compared: beta-000001 is another tenant's invoice\n",
    });
    expect(await cli('invoices', 'compare', 'acme-000002', '--with', 'acme-000009')).toMatchObject({
      code: 1,
      stderr: 'There is no invoice acme-000009\n',
    });
  });

  test('says that a first invoice has none to be compared with', async () => {
    expect((await cli('invoices', 'compare', 'acme-000001')).stdout).toContain(
      "is the tenant's first invoice in AUD: there is no earlier one to compare it with.",
    );
  });
});

describe('month-end preview --lines', () => {
  test('shows the lines of a tenant that would be parked', async () => {
    const { stdout } = await cli('month-end', 'preview', MONTH, '--lines', '--tenant', 'beta');
    expect(stdout).toMatch(/beta-a +Plan: Studio +1 month +50\.00/);
    expect(stdout).toMatch(/beta-a +LLM usage +1 request +90,000\.00/);
    expect(stdout).toContain('beta would be parked (out_of_bounds)');
    const json = await cli('month-end', 'preview', MONTH, '--lines', '--tenant', 'beta', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      tenants: [{ parked: { type: 'out_of_bounds' }, lines: [{}, {}, { kind: 'tax' }] }],
    });
  });

  test('shows every line of an invoiced tenant, and marks what differs', async () => {
    await use('acme', '50', MONTH);
    const { stdout } = await cli('month-end', 'preview', MONTH, '--lines', '--tenant', 'acme');
    expect(stdout).toMatch(/^ +acme-a +Plan: Studio +1 month +50\.00/m);
    expect(stdout).toMatch(/^ +- +acme-a +LLM usage +1 request +4\.00/m);
    expect(stdout).toMatch(/^ +\+ +acme-a +LLM usage +2 requests +4\.50/m);
  });
});
