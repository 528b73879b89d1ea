import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/db/pool.ts';
import { MAX_THRESHOLDS } from '../../src/domain/spend-thresholds.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { createActivities } from '../../src/activities/create-activities.ts';
import { setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

let testDatabase: TestDatabase;
let db: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
  await seedCatalogue(db);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'tokyo', [], 'JPY');
});
afterAll(() => close());

const cli = (...args: string[]) =>
  runCli(['thresholds', ...args], { DATABASE_URL: testDatabase.appUrl });

test('a threshold is set, changed, listed when it is reached, and removed', async () => {
  expect(await cli('set', 'acme', 'warning', '--amount', '250.00')).toMatchObject({
    ...{ code: 0, stdout: 'Threshold warning of acme is now AUD 250.00.\n' },
  });
  expect((await cli('set', 'acme', 'warning', '--amount', '250')).stdout).toBe(
    'Threshold warning of acme was already AUD 250.00; nothing changed.\n',
  );
  expect((await cli('set', 'acme', 'double', '--percent', '200')).stdout).toBe(
    'Threshold double of acme is now 200 % of the plan.\n',
  );
  await cli('set', 'acme', 'warning', '--amount', '40');
  await createActivities({ ...ACTIVITY_DEPS, db }).sweepThresholds({ cursor: null });
  const { stdout } = await cli('list', '--tenant', 'acme');
  expect(stdout).toMatch(/acme +double +200 % of the plan *\n/);
  expect(stdout).toMatch(/acme +warning +AUD 40\.00 +\d{4}-\S+Z +AUD 50\.00/);

  expect((await cli('remove', 'acme', 'double')).stdout).toBe(
    'Threshold double of acme is removed.\n',
  );
  const listed = await runCli(['--json', 'thresholds', 'list'], {
    DATABASE_URL: testDatabase.appUrl,
  });
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { tenant_id: 'acme', threshold_id: 'warning', amount_cents: 4000, percent_of_plan: null },
  ]);
});

test('an amount has the decimals of the currency of the tenant', async () => {
  expect((await cli('set', 'tokyo', 'yen', '--amount', '5000')).stdout).toContain('JPY 5,000');
  const { code, stderr } = await cli('set', 'tokyo', 'yen', '--amount', '5000.5');
  expect([code, stderr]).toEqual([1, expect.stringContaining('expected an amount above 0 in JPY')]);
});

test.each([
  [['set', 'nobody', 'x', '--amount', '1'], 1, 'There is no tenant nobody'],
  [['set', 'acme', 'x'], 1, 'Give either --amount or --percent'],
  [['set', 'acme', 'x', '--amount', '1', '--percent', '120'], 1, 'Give either'],
  [['set', 'acme', 'x', '--amount', '0'], 1, '--amount: expected an amount above 0 in AUD'],
  [['set', 'acme', 'x', '--amount', '-5'], 1, '--amount: expected an amount above 0 in AUD'],
  [['set', 'acme', 'x', '--amount', '99,50'], 1, '--amount: write 99.50, not 99,50'],
  [['set', 'acme', 'x', '--percent', '100'], 2, 'every month would reach it at its start'],
  [['set', 'acme', 'a b', '--percent', '120'], 2, 'expected an id'],
  [['remove', 'acme', 'x'], 1, 'Tenant acme has no threshold x. See `thresholds list`.'],
  [['remove', 'nobody', 'x'], 1, 'There is no tenant nobody'],
  [['list', '--tenant', 'nobody'], 1, 'There is no tenant nobody'],
])('%j fails and says why', async (args, code, words) => {
  const answer = await cli(...args);
  expect([answer.code, answer.stderr]).toEqual([code, expect.stringContaining(words)]);
});

test('a tenant with as many thresholds as it can have', async () => {
  await seedTenant(db, 'full');
  for (let n = 0; n < MAX_THRESHOLDS; n += 1) {
    const limit = { amountCents: 1, percentOfPlan: null };
    await setThreshold(db, { tenantId: 'full', thresholdId: `t${n}`, limit, actor: 'test' });
  }
  const { code, stderr } = await cli('set', 'full', 'more', '--amount', '1');
  expect([code, stderr]).toEqual([1, expect.stringContaining('remove one first')]);
});
