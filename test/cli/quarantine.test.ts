import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkQuarantine } from '../../src/cli/doctor/check-quarantine.ts';
import type { Database } from '../../src/db/pool.ts';
import { hold, type HeldEvent } from '../../src/ingestion/quarantine/hold.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

let testDatabase: TestDatabase;
let db: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
  await seedCatalogue(db);
});
afterAll(() => close());

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: testDatabase.appUrl });

let last = 0;
function held(tenantId: string, more: Partial<HeldEvent> = {}): HeldEvent {
  const id = `litellm:${(last += 1)}`;
  return {
    ...{ sourceId: id, reason: 'unknown_tenant', detail: `there is no tenant ${tenantId}` },
    ...more,
    fields: {
      ...{ gateway_request_id: id, tenant_id: tenantId, deployment_id: `${tenantId}-a` },
      ...{ model: 'large-2', occurred_at: new Date().toISOString(), charge_cents: '12.5' },
      currency: 'AUD',
      ...more.fields,
    },
  };
}

test('doctor says what is held, with its money, and which models have no price', async () => {
  expect(await checkQuarantine(db)).toMatchObject([{ state: 'ok', detail: 'no usage is held' }]);
  await hold(db, null, [
    held('newco'),
    held('newco', { fields: { currency: 'JPY', charge_cents: '7' } }),
    held('newco', { reason: 'unpriced_model', fields: { model: 'new-1', charge_cents: '0' } }),
    held('newco', { reason: 'malformed', fields: { charge_cents: 'NaN' } }),
  ]);
  expect(await checkQuarantine(db)).toEqual([
    {
      name: 'quarantine',
      state: 'warning',
      detail:
        'events are held and not billed: 1 for malformed, 2 for unknown tenant (AUD 0.125, JPY 7), ' +
        '1 for unpriced model; models without a price: new-1',
      advice: 'npm run cli -- quarantine list',
    },
  ]);
});

test('held usage is listed and shown, released, and dismissed', async () => {
  await hold(db, null, [held('cli'), held('cli'), held('cli', { reason: 'malformed' })]);
  const listed = await cli('quarantine', 'list', '--tenant', 'cli');
  expect(listed.stdout).toMatch(/unknown tenant +cli +cli-a +large-2 .* AUD 0\.125 +held/);
  const json = await cli(
    '--json',
    'quarantine',
    'list',
    '--tenant',
    'cli',
    '--held-for',
    'malformed',
  );
  const [malformed] = JSON.parse(json.stdout) as [{ quarantine_id: number }];
  const id = String(malformed.quarantine_id);
  expect((await cli('quarantine', 'show', id)).stdout).toContain('Fix the sender.');

  const release = (...more: string[]) =>
    cli('quarantine', 'release', '--tenant', 'cli', '--reason', 'was late', ...more);
  const tooEarly = await release('--held-for', 'unknown_tenant');
  expect([tooEarly.code, tooEarly.stdout]).toEqual([
    3,
    'Released: 0 events.\nStill held for unknown tenant: 2 events, such as: there is no tenant cli\n',
  ]);
  await seedTenant(db, 'cli');
  const released = await release('--held-for', 'unknown_tenant');
  expect([released.code, released.stdout]).toEqual([0, 'Released: 2 events, AUD 0.25.\n']);

  const dismiss = (...args: string[]) =>
    cli('quarantine', 'dismiss', ...args, '--reason', 'sent again', '--yes');
  expect((await dismiss()).stderr).toContain('Name the events, or give --held-for');
  expect(await dismiss(id)).toMatchObject({ code: 0, stdout: 'Dismissed: 1 event.\n' });
  const shown = await cli('quarantine', 'show', id);
  expect(shown.stdout).toMatch(/is dismissed\.[^]*Decided by cli:\S+ at \S+: sent again/);
});

test('usage with wrong ids is released with the right ones', async () => {
  await seedTenant(db, 'right');
  await hold(db, null, [held('team-9', { fields: { tenant_id: 'My Team' } })]);
  const args = ['--as-tenant', 'right', '--as-deployment', 'right-a', '--reason', 'no metadata'];
  const { code, stdout } = await cli('quarantine', 'release', '--tenant', 'My Team', ...args);
  expect([code, stdout]).toEqual([0, 'Released: 1 event, AUD 0.125.\n']);
});

test.each([
  [['quarantine', 'show', '999999'], 'There is no quarantined event 999999'],
  [['quarantine', 'show', 'x'], 'expected a whole number'],
  [['quarantine', 'release'], 'required option'],
  [['quarantine', 'release', '--reason', 'x', '--as-tenant', 'no id!'], 'expected an id'],
  [['quarantine', 'release', '--reason', 'x', '--as-currency', 'XXX'], 'expected a currency code'],
  [['quarantine', 'release', '--reason', 'x', '--held-for', 'boredom'], 'Allowed choices'],
  [['quarantine', 'release', '--reason', 'x', '--as-tenant', 'acme'], 'must say which events'],
  [['quarantine', 'dismiss', '7', '--reason', 'x'], 'there is no terminal to ask on'],
])('%j is refused', async (args, words) => {
  const refused = await cli(...args);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(words);
});
