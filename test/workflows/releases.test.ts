import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { sql } from '../../src/db/sql.ts';
import { requestMonthEnd, tellRelease } from '../../src/temporal/month-end-client.ts';
import { release } from '../_util/releasing.ts';
import { MONTH, seedCatalogue, seedSeller, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, progressOf, type World } from '../_util/world.ts';

/** A month that is reviewed and released by signals, on real servers. */

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedSeller(world.db, { release: 'review' });
  for (const tenantId of ['acme', 'globex', 'initech']) await seedTenant(world.db, tenantId);
  await world.startWorker();
  await requestMonthEnd(world.client, { month: MONTH, requestId: 'close', actor: 'test' });
  await closed(world, MONTH);
});
afterAll(() => world[Symbol.asyncDispose]());

async function currentDetails(): Promise<string> {
  const metadata = await monthEndHandle(world, MONTH).query<{ currentDetails?: string }>(
    '__temporal_workflow_metadata',
  );
  return metadata.currentDetails ?? '';
}
const releasedTenants = () =>
  world.db.anyFirst(sql.type(z.object({ tenant_id: z.string() }))`
    SELECT tenant_id FROM releases ORDER BY tenant_id
  `);
const unreleased = (count: number) =>
  until(
    () => progressOf(world, MONTH),
    (progress) => progress.unreleased === count,
  );
const send = (payload: object) => monthEndHandle(world, MONTH).signal('release', payload);
const lastActions = (limit: number) =>
  listOperatorActions(world.db, { action: 'release' }, { after: null, limit });

test('the details say how many invoices wait and which signal releases them', async () => {
  const details = await currentDetails();
  expect(details).toContain('**3 invoices wait for release.**');
  expect(details).toContain('send the signal `release` with `{"all": true, "reason": "reviewed"}`');
});

test('a signal releases the tenants that it names, shows the others, and is on record', async () => {
  await send({ tenantIds: ['acme', 'nobody'], reason: 'reviewed', actor: 'kim' });
  const { refusals } = await unreleased(2);
  expect(await releasedTenants()).toEqual(['acme']);
  expect(refusals.at(-1)).toMatchObject({ signal: 'release', reason: 'there is no tenant nobody' });
  expect(await currentDetails()).toContain('**2 invoices wait for release.**');
  expect(await lastActions(1)).toMatchObject([
    {
      actor: 'temporal:kim',
      channel: 'temporal',
      action: 'release',
      tenant_ids: ['acme', 'nobody'],
      reason: 'reviewed',
      outcome: 'done',
    },
  ]);
});

test.each([
  [{ all: true }, 'reason is missing'],
  [{ reason: 'x' }, 'expected either "tenantIds" or "all": true'],
  [{ reason: 'x', all: true, tenantIds: ['globex'] }, 'expected either "tenantIds" or "all": true'],
  [{ reason: 'x', tenantIds: 'globex' }, 'tenantIds'],
  [{ reason: 'x', all: true, tenantsIds: ['globex'] }, 'tenantsIds'],
])('a signal with %j is refused', async (payload, reason) => {
  const { refusals: before } = await progressOf(world, MONTH);
  await send(payload);
  const { refusals } = await until(
    () => progressOf(world, MONTH),
    (progress) => progress.refusals.length > before.length,
  );
  expect(refusals.at(-1)?.reason).toContain(reason);
  expect(await releasedTenants()).toEqual(['acme']);
});

test('the workflow learns of a release by other means, which is not recorded as a signal', async () => {
  const before = (await lastActions(100)).length;
  const request = { requestId: 'by-cli', actor: 'test', reason: 'reviewed' };
  await release(world.db, ['globex'], { requestId: request.requestId });
  // As the API and the CLI record it before they release.
  await world.db.query(sql.typeAlias('nothing')`
    INSERT INTO operator_actions (actor, channel, action, target, input, input_sha256, input_bytes, month_request)
    VALUES ('test', 'cli', 'month-end.release', '{}', '{}', sha256(''), 2, ${`${MONTH}/by-cli`})
  `);
  await tellRelease(world.client, { month: MONTH, ...request, tenantIds: ['globex'] });
  await unreleased(1);
  expect(await releasedTenants()).toEqual(['acme', 'globex']);
  expect(await lastActions(100)).toHaveLength(before);
  // A month without a workflow has nobody to tell.
  await tellRelease(world.client, { month: '2026-01', ...request, tenantIds: ['globex'] });
});

test('a signal for all releases the rest once: after a reset it releases nothing that was issued since', async () => {
  await send({ all: true, reason: 'reviewed' });
  await unreleased(0);
  expect(await releasedTenants()).toEqual(['acme', 'globex', 'initech']);
  // This one has nothing to release.
  await send({ all: true, reason: 'reviewed again' });
  await until(
    () => progressOf(world, MONTH),
    ({ refusals }) => refusals.at(-1)?.reason === 'no invoice waits for release',
  );

  await seedTenant(world.db, 'late');
  await requestMonthEnd(world.client, { month: MONTH, requestId: 'again', actor: 'test' });
  await unreleased(1);
  const actions = await lastActions(100);
  await reset();
  await until(
    () => progressOf(world, MONTH),
    ({ state, refusals }) =>
      state === 'open' && refusals.at(-1)?.reason.includes('already served') === true,
  );
  expect(await releasedTenants()).toEqual(['acme', 'globex', 'initech']);
  expect(await lastActions(100)).toEqual(actions);
  await send({ all: true, reason: 'late one reviewed' });
  await unreleased(0);
  expect(await releasedTenants()).toContain('late');
});

/** Resets the workflow to the end of its first task: every later signal is applied again. */
async function reset(): Promise<void> {
  const handle = monthEndHandle(world, MONTH);
  const { events } = await handle.fetchHistory();
  const task = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  await world.client.workflowService.resetWorkflowExecution({
    namespace: world.client.options.namespace,
    workflowExecution: { workflowId: handle.workflowId },
    workflowTaskFinishEventId: task!.eventId!,
    requestId: crypto.randomUUID(),
    reason: 'test',
  });
}
