import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TASK_QUEUE, USAGE_SWEEP_ID } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import type { UsageSweep } from '../../src/contracts/activity-types.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { addDeployment, send } from '../ingestion/quarantine/_held.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { thresholdsAreSetAt } from '../_util/thresholds-set-at.ts';
import { createWorld, type World } from '../_util/world.ts';
import { outboxOf, register } from '../webhooks/_receiving.ts';

/** In the middle of a month, where the sweep looks at that month only. */
const NOW = new Date('2026-05-20T12:00:00Z');

let world: World;
let apiDb: Database;
beforeEach(async () => {
  world = await createWorld({ now: () => NOW, timeBounds: ANY_TIME });
  apiDb = await openDatabase({ url: world.apiUrl, maxConnections: 2, applicationName: 'test' });
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await register(world.db);
  await thresholdsAreSetAt(world.superuserUrl, NOW.toISOString());
  const limit = { amountCents: 6000, percentOfPlan: null };
  await setThreshold(world.db, { tenantId: 'acme', thresholdId: 'limit', limit, actor: 'test' });
});
afterEach(async () => {
  await apiDb.end();
  await world[Symbol.asyncDispose]();
});

const sweep = (): Promise<UsageSweep> =>
  world.client.workflow.execute(WORKFLOWS.usageSweep, {
    workflowId: USAGE_SWEEP_ID,
    taskQueue: TASK_QUEUE,
  });
/** Usage of 10.00 on a deployment. */
const use = (deploymentId: string) =>
  send(apiDb, [
    {
      ...{ gateway_request_id: `on-${deploymentId}`, tenant_id: 'acme', model: 'm' },
      ...{ deployment_id: deploymentId, occurred_at: NOW.toISOString(), charge_cents: '1000' },
    },
  ]);
const reached = async () =>
  (await outboxOf(world.db)).flatMap(({ type, data }) =>
    type === 'usage.threshold_reached' ? data.reached_cents : [],
  );

test('usage that was held counts for thresholds in the run that releases it', async () => {
  await world.startWorker();
  expect(await use('acme-new')).toEqual({ accepted: 0, held: 1 });
  const none = { released: 0, unreleased: 0, tenants: 1, reached: 0, failed: 0 };
  expect(await sweep()).toEqual(none);
  await addDeployment(world.db, 'acme-new', 'acme');
  expect(await sweep()).toEqual({ ...none, released: 1, reached: 1 });
  expect(await sweep()).toEqual({ ...none, tenants: 0 });
  expect(await reached()).toEqual([6000]);
});

test('thresholds are reported even if nothing can be released, and the run fails visibly', async () => {
  await world.startWorker({
    releaseCuredUsage: () => Promise.reject(ApplicationFailure.nonRetryable('broken')),
  });
  expect(await use('acme-a')).toEqual({ accepted: 1, held: 0 });
  await expect(sweep()).rejects.toThrow(WorkflowFailedError);
  expect(await reached()).toEqual([6000]);
});
