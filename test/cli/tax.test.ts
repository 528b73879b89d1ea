import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkExchangeRates } from '../../src/cli/doctor/check-exchange-rates.ts';
import type { Database } from '../../src/db/pool.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

let testDatabase: TestDatabase;
let db: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
});
afterAll(() => close());

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: testDatabase.appUrl });

test('treatments, the registration and exchange rates are added and listed', async () => {
  const added = await cli(
    ...['tax', 'add', 'nz-export', '--label', 'GST', '--rate', '0', '--note', 'GST-free.'],
  );
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(await cli('tax', 'registration', 'unregistered', '--from', '2026-07')).toMatchObject({
    code: 0,
  });
  const { stdout } = await cli('tax', 'list');
  expect(stdout).toMatch(/gst +GST +10%/);
  expect(stdout).toMatch(/nz-export +GST +0% +GST-free\./);
  expect(stdout).toContain('The seller is not registered for GST from 2026-07 on.');

  const rate = ['USD', 'AUD', '2026-05', '1.5321', '--source', 'RBA'];
  expect(await cli('exchange-rates', 'add', ...rate)).toMatchObject({ code: 0 });
  expect((await cli('exchange-rates', 'list')).stdout).toMatch(/2026-05 +USD +AUD +1\.5321 +RBA/);
  const other = rate.with(3, '1.6');
  const refused = await cli('exchange-rates', 'add', ...other);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('already recorded as 1.5321');
  const replaced = await cli('--json', 'exchange-rates', 'add', ...other, '--replace');
  expect(JSON.parse(replaced.stdout)).toEqual({
    changes: [{ what: 'exchange rates', created: 0, corrected: 1, unchanged: 0 }],
    warnings: [],
  });
});

test.each([
  [['tax', 'add', 'x', '--label', 'GST', '--rate', '10'], 'did you mean "0.10"?'],
  [['tax', 'assign', 'nobody', 'gst', '--from', '2026-05'], 'there is no tenant nobody'],
  [['tax', 'registration', 'maybe', '--from', '2026-05'], 'neither registered nor unregistered'],
  [['exchange-rates', 'add', 'USD', 'AUD', '2026-05', '0', '--source', 'x'], 'above 0'],
])('%j is refused', async (args, words) => {
  const refused = await cli(...args);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(words);
});

test('doctor finds exchange rates that last month will lack, with the command that records them', async () => {
  await seedCatalogue(db);
  const deployments = [{ deploymentId: 'us-a', planVersionId: 'yankee-v1' }];
  await seedTenant(db, 'us', deployments, 'USD');
  await seedTenant(db, 'nz', [], 'NZD');
  const look = () => checkExchangeRates(db, new Date('2026-04-15T00:00:00Z'));
  expect(await look()).toEqual([
    {
      name: 'exchange rates',
      state: 'warning',
      detail:
        'the exchange rate from USD to AUD for 2026-03 is missing; tenants that may be parked without it: 1',
      advice: 'npm run cli -- exchange-rates add USD AUD 2026-03 RATE --source SOURCE',
    },
  ]);
  await cli('exchange-rates', 'add', 'USD', 'AUD', '2026-03', '1.6', '--source', 'RBA');
  expect(await look()).toMatchObject([{ state: 'ok' }]);
});

test('doctor misses no exchange rate of a tenant that pays no tax', async () => {
  await cli('tax', 'add', 'free', '--label', 'GST', '--rate', '0');
  await cli('tax', 'assign', 'us', 'free', '--from', '2026-02');
  expect(await checkExchangeRates(db, new Date('2026-03-15T00:00:00Z'))).toMatchObject([
    { state: 'ok' },
  ]);
});
