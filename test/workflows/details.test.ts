import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zenith');
});
afterAll(() => world[Symbol.asyncDispose]());

async function currentDetails(): Promise<string | undefined> {
  const metadata = await monthEndHandle(world, MONTH).query<{ currentDetails?: string }>(
    '__temporal_workflow_metadata',
  );
  return metadata.currentDetails;
}

test('the details show how many tenants are being served, also between steps', async () => {
  const { persistInvoices, planPage } = world.activities;
  const invoicing = Promise.withResolvers<undefined>();
  const planning = Promise.withResolvers<undefined>();
  await world.startWorker({
    persistInvoices: async (input) => {
      await invoicing.promise;
      return persistInvoices(input);
    },
    planPage: async (input) => {
      if (input.after !== null) await planning.promise;
      return planPage(input);
    },
  });
  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'first',
    actor: 'test',
    options: { pageSize: 1 },
  });

  await until(
    () => progressOf(world, MONTH),
    ({ pass }) => pass?.running[0] === 'acme',
  );
  expect(await currentDetails()).toMatch(/0 of 2 tenants done[^]*; 1 being served/);
  invoicing.resolve(undefined);
  await until(
    () => progressOf(world, MONTH),
    ({ pass }) => pass?.counts.rolled === 1 && pass.running.length === 0,
  );
  expect(await currentDetails()).toMatch(/1 of 2 tenants done[^]*; 0 being served/);
  planning.resolve(undefined);

  await closed(world, MONTH);
  expect(await currentDetails()).toMatch(/closed, open for corrections[^]*2 invoiced/);
});
