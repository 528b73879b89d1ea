import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkControlTotals } from '../../src/cli/doctor/check-control-totals.ts';
import type { Database } from '../../src/db/pool.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

/** acme's usage is on 15 May 2026: two requests in acme-a, one in acme-b. */
let testDatabase: TestDatabase;
let db: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
  await seedCatalogue(db);
  await seedTenant(db, 'acme', [{ deploymentId: 'acme-a' }, { deploymentId: 'acme-b' }]);
  const usage = { tenantId: 'acme', kind: 'llm_usage', amount: '150.5' };
  await seedUsage(db, { ...usage, deploymentId: 'acme-a' });
  await seedUsage(db, { ...usage, deploymentId: 'acme-a' });
  await seedUsage(db, { ...usage, deploymentId: 'acme-b' });
});
afterAll(() => close());

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: testDatabase.appUrl });
const compare = (...more: string[]) => cli('control-totals', 'compare', '2026-05', ...more);
async function state(day: string, requests: number, charge_cents: string) {
  const total = { tenant_id: 'acme', deployment_id: 'acme-a', day, requests, charge_cents };
  const options = { actor: 'key:gateway', now: () => new Date() };
  await recordControlTotals(db, [total], options);
}
const now = new Date('2026-06-10T00:00:00Z');
const doctor = async (policy: 'off' | 'report' = 'report') => {
  const checks = await checkControlTotals(db, now, policy);
  return checks.map(({ state: found, detail }) => [found, detail]);
};

test('without totals there is nothing to compare', async () => {
  expect(await compare()).toMatchObject({
    code: 0,
    stdout:
      '0 deployments equal, 0 deployments not equal, 0 deployments with LLM usage but no total.\n',
  });
  const { stdout } = await cli('control-totals', 'list', '2026-05');
  expect(stdout).toBe('The gateway stated no control totals for 2026-05.\n');
  expect(await doctor()).toEqual([['ok', 'the gateway stated none for 2026-05']]);
  expect(await doctor('off')).toEqual([['ok', 'not compared: CONTROL_TOTALS is off']]);
});

test('missing totals are listed, and are no error', async () => {
  await state('2026-05-14', 0, '0');
  const { code, stdout } = await compare();
  expect(code).toBe(0);
  expect(stdout).toContain(
    '0 deployments equal, 1 deployment not equal, 1 deployment with LLM usage',
  );
  expect(stdout).toMatch(/acme +acme-a +2026-05-15 +missing +none +2 requests, AUD 3\.01/);
  expect(stdout).toMatch(/acme +acme-b +whole month +unstated +none +1 request, AUD 1\.505/);
  expect(await doctor()).toEqual([
    ['ok', '2026-05: 0 deployments equal'],
    [
      'warning',
      '2026-05 lacks totals: acme-a (acme) 2026-05-15, ledger 2 requests, AUD 3.01; ' +
        'acme-b (acme) the whole month, ledger 1 request, AUD 1.505',
    ],
  ]);
});

test('wrong totals are an error until they are accepted', async () => {
  await state('2026-05-15', 3, '451.5');
  const { code, stdout } = await compare('--tenant', 'acme');
  expect(code).toBe(3);
  expect(stdout).toMatch(
    /acme +acme-a +2026-05-15 +different +3 requests, AUD 4\.515 +2 requests, AUD 3\.01/,
  );
  const [different] = await doctor();
  expect(different).toEqual([
    'warning',
    '2026-05 differs from the ledger: acme-a (acme) 2026-05-15, stated 3 requests, AUD 4.515, ledger 2 requests, AUD 3.01',
  ]);
  const listed = await cli('control-totals', 'list', '2026-05', '--deployment', 'acme-a');
  expect(listed.stdout).toMatch(/acme +acme-a +2026-05-15 +3 +AUD 4\.515 +1 +key:gateway/);

  const accept = () =>
    cli(
      ...['control-totals', 'accept', '2026-05', '--tenant', 'acme', '--day', '2026-05-15'],
      ...['--reason', 'counted a retry'],
    );
  expect(await accept()).toMatchObject({
    code: 0,
    stdout:
      'Accepted 1 day of acme:\n' +
      '  acme-a 2026-05-15: stated 3 requests, AUD 4.515; ledger 2 requests, AUD 3.01\n' +
      'If the tenant is parked, run `month-end start 2026-05`.\n',
  });
  expect((await accept()).stdout).toBe('No control total of acme differs: nothing was accepted.\n');
  const after = await compare();
  expect(after.code).toBe(0);
  expect(after.stdout).toMatch(/2026-05-15 +accepted .*counted a retry/);
  const audit = await cli('--json', 'audit', 'list', '--limit', '1');
  expect(JSON.parse(audit.stdout)).toMatchObject([
    { action: 'control-totals.accept', tenant_ids: ['acme'], reason: 'counted a retry' },
  ]);
});

test.each([
  [['compare', '2026-13'], 'is not a month'],
  [['compare', '2026-05', '--tenant', 'nobody'], 'There is no tenant nobody'],
  [['list', '2026-05', '--deployment', 'nothing'], 'There is no deployment nothing'],
  [['accept', '2026-05', '--tenant', 'nobody', '--reason', 'x'], 'There is no tenant nobody'],
  [['accept', '2026-05', '--tenant', 'acme'], 'required option'],
  [['accept', '2026-05', '--tenant', 'acme', '--reason', ' '], 'expected 1 to 1000 characters'],
  [['accept', '2026-05', '--tenant', 'acme', '--reason', 'x', '--day', '5'], 'not a calendar date'],
])('%j is refused', async (args, words) => {
  const refused = await cli('control-totals', ...args);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(words);
});
