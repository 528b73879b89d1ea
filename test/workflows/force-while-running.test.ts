import { afterAll, beforeAll, expect, test } from 'vitest';
import { listRequests } from '../../src/db/month-end/month-end-status.ts';
import { periodOf } from '../_util/utc.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zenith');
});
afterAll(() => world[Symbol.asyncDispose]());

const force = (requestId: string, tenantId: string) =>
  requestMonthEnd(world.client, {
    month: MONTH,
    requestId,
    actor: 'test',
    reason: 'now',
    force: { tenantIds: [tenantId] },
  });

test('a forced rerun waits for a running child; one that arrives before its tenant starts is served by that child', async () => {
  const { persistInvoices } = world.activities;
  const gate = Promise.withResolvers<undefined>();
  const entered = Promise.withResolvers<undefined>();
  await world.startWorker({
    persistInvoices: async (input) => {
      const result = await persistInvoices(input);
      entered.resolve(undefined);
      await gate.promise;
      return result;
    },
  });
  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'first',
    actor: 'test',
    // One at a time: while acme is held, zenith has not started.
    options: { maxChildren: 1 },
  });
  await entered.promise;
  await force('behind', 'acme');
  await force('ahead', 'zenith');
  // Both are stored while acme's child is held: otherwise zenith could start before its request arrives.
  await until(
    () => listRequests(world.db, periodOf(MONTH)),
    (requests) => requests.length === 3,
  );
  expect((await progressOf(world, MONTH)).pass?.running).toEqual(['acme']);
  expect(await invoicesOf(world.db)).toMatchObject([{ tenantId: 'acme', revision: 1 }]);
  gate.resolve(undefined);

  await until(
    () => invoicesOf(world.db),
    (invoices) => invoices.length === 3,
  );
  await closed(world, MONTH);
  expect(await invoicesOf(world.db)).toMatchObject([
    { tenantId: 'acme', revision: 1, status: 'superseded', requestId: null },
    { tenantId: 'acme', revision: 2, status: 'issued', requestId: 'behind' },
    { tenantId: 'zenith', revision: 1, status: 'issued', requestId: 'ahead' },
  ]);
  await expectSoundBooks(world.db);
});
