import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, progressOf, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (let n = 1; n <= 24; n += 1) {
    await seedTenant(world.db, `tenant-${String(n).padStart(2, '0')}`);
  }
});
afterAll(() => world[Symbol.asyncDispose]());

test('continues as new in the middle of a pass without losing requests that arrive then', async () => {
  const { planPage } = world.activities;
  let isSent = false;
  await world.startWorker({
    planPage: async (input) => {
      const isFirstDone = (await invoicesOf(world.db, 'tenant-01')).length === 1;
      if (isFirstDone && !isSent) {
        isSent = true;
        // Forced reruns of a tenant that is done and of one that isn't
        // arrive while the workflow is about to continue as new.
        await requestMonthEnd(world.client, {
          month: MONTH,
          requestId: 'forced',
          actor: 'test',
          reason: 'in the middle',
          force: { tenantIds: ['tenant-01', 'tenant-24'] },
        });
      }
      return planPage(input);
    },
  });

  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'first',
    actor: 'test',
    options: { pageSize: 4, maxChildren: 2, continueAsNewAfterEvents: 12 },
  });

  await until(
    () => invoicesOf(world.db),
    (invoices) =>
      invoices.filter(({ status }) => status === 'issued').length === 24 && invoices.length >= 25,
  );
  await closed(world, MONTH);
  const invoices = await invoicesOf(world.db);
  expect(invoices.filter(({ tenantId }) => tenantId === 'tenant-01')).toMatchObject([
    { revision: 1, status: 'superseded' },
    { revision: 2, status: 'issued', requestId: 'forced' },
  ]);
  // The tenant that had not started was served by one child.
  expect(invoices.filter(({ tenantId }) => tenantId === 'tenant-24')).toMatchObject([
    { revision: 1, status: 'issued', requestId: 'forced' },
  ]);
  expect(invoices).toHaveLength(25);
  await expectSoundBooks(world.db);

  await until(
    () => countContinuations(world),
    (continuations) => continuations >= 3,
  );
});

test('serves every request of a burst across continuations', async () => {
  const requestIds = Array.from({ length: 60 }, (_, n) => `burst-${n % 50}`);
  const tenantOf = (requestId: string) =>
    `tenant-${String((Number(requestId.slice('burst-'.length)) % 24) + 1).padStart(2, '0')}`;
  await Promise.all(
    requestIds.map((requestId) =>
      requestMonthEnd(world.client, {
        month: MONTH,
        requestId,
        actor: 'test',
        reason: 'a burst',
        force: { tenantIds: [tenantOf(requestId)] },
      }),
    ),
  );
  await until(
    () => progressOf(world, MONTH),
    ({ state }) => state === 'open',
  );
  const served = await world.db.any(sql.type(
    z.object({ requestId: z.string(), outcome: z.string().nullable(), invoices: z.number() }),
  )`
    SELECT r.request_id AS "requestId", min(f.outcome) AS outcome, count(f.invoice_id) AS invoices
    FROM month_end_requests r JOIN month_end_request_tenants f USING (request_seq)
    WHERE r.reason = 'a burst' GROUP BY 1`);
  expect(served).toHaveLength(50);
  expect(served.every(({ outcome, invoices }) => outcome === 'rolled' && invoices === 1)).toBe(
    true,
  );
  await expectSoundBooks(world.db);
});

async function countContinuations({ client }: World): Promise<number> {
  const { count } = await client.workflow.count(
    `WorkflowId = 'month-end-${MONTH}' AND ExecutionStatus = 'ContinuedAsNew'`,
  );
  return count;
}
