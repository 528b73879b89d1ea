import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { buildInvoices } from '../_util/build.ts';
import { createWorld, type World } from '../_util/world.ts';
import { MONTH, seedCatalogue, seedSeller, seedTenant } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';
import { startOnTerminal } from './_start-cli.ts';
import { until } from '../_util/until.ts';

let world: World;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedSeller(world.db, { release: 'review' });
  for (const tenantId of ['acme', 'globex', 'initech']) await seedTenant(world.db, tenantId);
  await seedTenant(world.db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  await buildInvoices(world, ['acme', 'globex', 'initech', 'broken']);
  env = {
    DATABASE_URL: world.appUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
  };
});
afterAll(() => world[Symbol.asyncDispose]());

const release = (...args: readonly string[]) =>
  runCli(['month-end', 'release', MONTH, '--reason', 'reviewed', ...args], env);

describe('month-end release', () => {
  test.each([
    [[], 'Give either --tenant ID… or --all'],
    [['--all', '--tenant', 'acme'], 'Give either --tenant ID… or --all'],
    [['--all'], 'there is no terminal to ask on'],
    [['--tenant', 'nobody', '--yes'], 'There is no tenant nobody'],
  ])('refuses %j and releases nothing', async (args, message) => {
    const { code, stderr } = await release(...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    const { stdout } = await runCli(['month-end', 'status', MONTH], env);
    expect(stdout).toContain('To do: 3 invoices wait for release.');
  });

  test('releases the named tenants, and names those without an invoice', async () => {
    const { code, stdout } = await release('--tenant', 'acme', 'broken', '--yes');
    expect(stdout).toMatch(
      /^Released 1 invoice of 2026-05\.\nNot released:\n {2}tenant broken is parked: missing_plan_version: .*\nStill waiting: 2 invoices\.\n$/,
    );
    expect(code).toBe(0);
    const [action] = await listOperatorActions(world.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({
      action: 'month-end.release',
      tenant_ids: ['acme', 'broken'],
      reason: 'reviewed',
      outcome: 'done',
    });
  });

  test('prints the same as JSON, and changes nothing the second time', async () => {
    const once = ['--tenant', 'globex', '--yes', '--request-id', 'r-1', '--json'];
    const expected = {
      month: MONTH,
      request_id: 'r-1',
      released: [{ tenant_id: 'globex', number: 'globex-000001', total_cents: 5500 }],
      already_released: [],
      not_released: [],
      waiting_invoices: 1,
    };
    const outputs = [await release(...once), await release(...once)];
    for (const { stdout } of outputs) expect(JSON.parse(stdout)).toMatchObject(expected);
  });

  test('asks on a terminal, with what will happen, and releases after a yes', async () => {
    const args = ['month-end', 'release', MONTH, '--all', '--reason', 'reviewed'];
    const answer = async (typed: string) => {
      const cli = startOnTerminal(args, env, 100);
      await until(
        () => Promise.resolve(cli.stdout()),
        (text) => text.includes('[y/N]'),
      );
      cli.child.stdin?.write(`${typed}\n`);
      await cli.ended;
      return cli.stdout();
    };
    const refused = await answer('n');
    expect(refused).toContain('1 invoice of 2026-05 waits for release: AUD 55.00.');
    expect(refused).toContain('Not confirmed: nothing was changed');
    expect(await answer('y')).toContain('Released 1 invoice of 2026-05.');
  });
});
