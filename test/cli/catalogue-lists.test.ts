import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { printedBy } from './_printed-by.ts';
import { runCli } from './_run-cli.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  const storage = { code: 'storage_50gb', resourceKind: 'spaces_gb_month', qty: '50' };
  await seedTenant(world.db, 'acme', [
    { deploymentId: 'acme-web', addons: [{ ...storage, priceCents: 750 }] },
    { deploymentId: 'acme-old', endsAt: '2026-01-01T00:00:00Z' },
  ]);
  await seedTenant(world.db, 'zeta', [{ deploymentId: 'zeta-a', planVersionId: null }], 'USD');
});
afterAll(() => world[Symbol.asyncDispose]());

const environment = () => ({ DATABASE_URL: world.testDatabase.appUrl });
const cli = (...args: string[]) => runCli(args, environment());
const say = (...args: string[]) => printedBy(args, environment());

describe('tenants', () => {
  test('list has a row per tenant, and --limit says that there are more', async () => {
    expect(await say('tenants', 'list')).toMatch(/acme +acme +AUD +gst\nzeta +zeta +USD +gst/);
    const { stderr } = await cli('tenants', 'list', '--limit', '1');
    expect(stderr).toContain('Showing the first 1 tenants. Use --limit to see more.');
  });

  test('show has the tax treatment and every subscription with its addons', async () => {
    const text = await say('tenants', 'show', 'acme');
    expect(text).toContain('Tenant acme · acme · AUD\nbuyer: none; documents name the tenant');
    expect(text).toContain('tax: gst\n');
    expect(text).toMatch(/sub-acme-old .* 2026-01-01T00:00:00Z/);
    expect(text).toMatch(/sub-acme-web +acme +acme-web +studio version 1 +active .* storage_50gb/);
    const shown = JSON.parse(await say('tenants', 'show', 'acme', '--json')) as object;
    expect(shown).toMatchObject({ tenant_id: 'acme', subscriptions: [{}, { addons: [{}] }] });
  });
});

describe('subscriptions', () => {
  test('list is filtered by tenant, deployment and status', async () => {
    const ids = async (...args: string[]) =>
      (
        JSON.parse(await say('subscriptions', 'list', '--json', ...args)) as {
          subscription_id: string;
        }[]
      ).map(({ subscription_id }) => subscription_id);
    expect(await ids()).toEqual(['sub-acme-old', 'sub-acme-web', 'sub-zeta-a']);
    expect(await ids('--tenant', 'acme')).toEqual(['sub-acme-old', 'sub-acme-web']);
    expect(await ids('--deployment', 'zeta-a')).toEqual(['sub-zeta-a']);
    expect(await ids('--status', 'pending')).toEqual([]);
  });

  test('show has the addons with their dates; without a plan it says so', async () => {
    const text = await say('subscriptions', 'show', 'sub-acme-web');
    expect(text).toContain('plan studio version 1, active, from 2025-01-01T00:00:00Z');
    expect(text).toMatch(/storage_50gb +50 +spaces_gb_month +750 +2025-01-01T00:00:00Z/);
    expect(await say('subscriptions', 'show', 'sub-zeta-a')).toContain('plan none, active');
  });
});

describe('plans', () => {
  test('list has the current version of each plan with its price and allowances', async () => {
    const text = await say('plans', 'list');
    expect(text).toMatch(/studio +1 +AUD 50\.00 +744 droplet_hours/);
    expect(text).toContain('1,000,000 llm_tokens');
    expect(JSON.parse(await say('plans', 'list', '--all', '--json'))).toHaveLength(3);
  });

  test('show has the overage price of each resource', async () => {
    const text = await say('plans', 'show', 'studio', '1');
    expect(text).toContain('Plan studio, version 1\nAUD 50.00 a month; a part of a month costs');
    expect(text).toMatch(/spaces_gb_month +100 +0\.02 +gb_month/);
    expect(text).toMatch(/snapshots +3 +not billed/);
    expect(await say('plans', 'show', 'studio')).toBe(text);
  });
});

test.each([
  [['tenants', 'show', 'nobody'], 'There is no tenant nobody'],
  [['subscriptions', 'show', 'nothing'], 'There is no subscription nothing'],
  [['subscriptions', 'list', '--tenant', 'nobody'], 'There is no tenant nobody'],
  [['subscriptions', 'list', '--deployment', 'none'], 'There is no deployment none'],
  [['plans', 'show', 'none'], 'There is no plan none. See `plans list`.'],
  [['plans', 'show', 'studio', '2'], 'There is no version 2 of a plan studio.'],
])('%j is refused', async (args, reason) => {
  const { code, stdout, stderr } = await cli(...args);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(reason)]);
});
