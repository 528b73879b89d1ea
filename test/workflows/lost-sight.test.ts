import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'fading');
});
afterAll(() => world[Symbol.asyncDispose]());

test('a forced tenant that no page shows is settled before the pass ends', async () => {
  const { acceptRequest } = world.activities;
  await world.startWorker({
    acceptRequest: async (input) => {
      const result = await acceptRequest(input);
      // Its subscription is ended just then, so no page shows it. The workflow has forgotten
      // that the tenant is urgent, as after a continue-as-new.
      await world.db.query(sql.typeAlias('nothing')`
        UPDATE subscriptions SET ends_at = '2026-05-01T00:00:00Z'`);
      return result.accepted ? { ...result, urgentTenantIds: [] } : result;
    },
  });

  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'f1',
    actor: 'test',
    reason: 'just in time',
    force: { tenantIds: ['fading'] },
  });

  await closed(world, MONTH);
  const settled = await world.db.one(
    sql.type(
      z.object({ outcome: z.string().nullable(), reason: z.string().nullable() }),
    )`SELECT outcome, reason FROM month_end_request_tenants`,
  );
  expect(settled).toEqual({ outcome: 'refused', reason: expect.stringMatching(/not due/) });
});
