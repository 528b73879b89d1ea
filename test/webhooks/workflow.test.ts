import { afterAll, beforeAll, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { webhooksId } from '../../src/contracts/ids.ts';
import { webhookBody } from '../../src/api/openapi/webhook-events.ts';
import {
  DELIVER_WEBHOOKS_WORKFLOW,
  type WebhookEventType,
} from '../../src/contracts/webhook-types.ts';
import { listDueEndpoints } from '../../src/db/webhooks/webhook-deliveries.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { startDelivery } from '../../src/temporal/start-delivery.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { startWorkerProcess } from '../e2e/_workers.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { MASTER, SETTINGS, answer, expectSigned, startReceiver } from './_receiver.ts';
import { deliveriesOf, logOf, putEvent, register } from './_receiving.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ webhooks: SETTINGS });
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'globex']) await seedTenant(world.db, tenantId);
  await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
});
afterAll(() => world[Symbol.asyncDispose]());

/** What each worker does every few seconds. */
async function startDue(): Promise<void> {
  for (const endpoint of await listDueEndpoints(world.db)) {
    await startDelivery(world.client, endpoint);
  }
}

const handleOf = (endpointId: string) => world.client.workflow.getHandle(webhooksId(endpointId));

test('a month end and its rerun are delivered', async () => {
  await using receiver = await startReceiver();
  const { endpointId, secretId } = await register(world.db, receiver.url);
  const worker = await world.startWorker();
  const request = { month: MONTH, actor: 'test' };
  await requestMonthEnd(world.client, { ...request, requestId: 'close' });
  await closed(world, MONTH);

  await startDue();
  expect(await handleOf(endpointId).result()).toEqual({ delivered: 4, failed: 0 });

  const told = () =>
    receiver.requests.map(({ event: { type, data } }) => [type, data.tenant_id].join(' ')).sort();
  expect(told()).toEqual([
    'invoice.issued acme',
    'invoice.issued globex',
    'run.finished ',
    'tenant.parked planless',
  ]);
  for (const received of receiver.requests) {
    expectSigned(secretId, received);
    // Exactly the documented fields.
    webhookBody(received.event.type as WebhookEventType).parse(received.event);
  }
  const described = await handleOf(endpointId).describe();
  expect(described).toMatchObject({
    type: DELIVER_WEBHOOKS_WORKFLOW,
    status: { name: 'COMPLETED' },
  });
  expect(await described.staticSummary()).toBe(`Webhooks to ${new URL(receiver.url).host}`);

  // globex is unchanged, and planless is parked for the same reason.
  const force = { tenantIds: ['acme'] };
  await requestMonthEnd(world.client, { ...request, requestId: 'again', reason: 'x', force });
  await until(
    () => Promise.all([startDue(), closed(world, MONTH)]).then(told),
    (events) => events.filter((event) => event === 'run.finished ').length === 2,
  );
  expect(told()).toEqual([
    ...['invoice.issued acme', 'invoice.issued acme', 'invoice.issued globex'],
    ...['invoice.superseded acme', 'run.finished ', 'run.finished ', 'tenant.parked planless'],
  ]);
  await worker.stop();
});

test('a new event is delivered while another one waits for its next attempt', async () => {
  await using receiver = await startReceiver(answer(500));
  const { endpointId } = await register(world.db, receiver.url);
  const { deliverDueWebhooks } = createActivities({
    ...ACTIVITY_DEPS,
    db: world.db,
    webhooks: { ...SETTINGS, firstRetryMs: 3_600_000 },
  });
  const worker = await world.startWorker({ deliverDueWebhooks });
  const first = await putEvent(world.db, endpointId);
  await startDue();
  expect(await handleOf(endpointId).result()).toEqual({ delivered: 0, failed: 1 });

  receiver.behave(answer(200));
  const second = await putEvent(world.db, endpointId);
  await startDue();
  expect(await handleOf(endpointId).result()).toEqual({ delivered: 1, failed: 0 });

  expect(await deliveriesOf(world.db, endpointId)).toEqual([
    { eventId: first, state: 'pending', attempts: 1 },
    { eventId: second, state: 'delivered', attempts: 1 },
  ]);
  await worker.stop();
});

test('an event that arrives as a run ends is delivered by the next run', async () => {
  await using receiver = await startReceiver();
  const { endpointId } = await register(world.db, receiver.url);
  await putEvent(world.db, endpointId);
  let late: string | undefined;
  const worker = await world.startWorker({
    async deliverDueWebhooks(input) {
      const result = await world.activities.deliverDueWebhooks(input);
      if (late === undefined) {
        late = await putEvent(world.db, endpointId);
        // Reaches the run that has nothing left to do.
        await startDue();
      }
      return result;
    },
  });
  await startDue();
  await handleOf(endpointId).result();
  expect(receiver.requests).toHaveLength(1);

  await startDue();
  await handleOf(endpointId).result();

  expect(receiver.requests.map(({ id }) => id)).toContain(late);
  expect(receiver.requests).toHaveLength(2);
  await worker.stop();
});

test('a failing delivery keeps a small history, however often it is started', async () => {
  await using receiver = await startReceiver();
  const { endpointId } = await register(world.db, receiver.url);
  const eventId = await putEvent(world.db, endpointId);
  const withoutSecrets = createActivities({
    ...ACTIVITY_DEPS,
    db: world.db,
    webhooks: { ...SETTINGS, masterSecrets: [] },
  });
  let failures = 0;
  let hasSecrets = false;
  const worker = await world.startWorker({
    deliverDueWebhooks(input) {
      if (hasSecrets) return world.activities.deliverDueWebhooks(input);
      failures += 1;
      return withoutSecrets.deliverDueWebhooks(input);
    },
  });
  const historyLength = async () => (await handleOf(endpointId).describe()).historyLength;
  await startDue();
  await until(
    () => Promise.resolve(failures),
    (count) => count >= 2,
  );
  const before = await historyLength();

  for (let look = 0; look < 50; look += 1) await startDue();
  await until(
    () => Promise.resolve(failures),
    (count) => count >= 4,
  );
  expect(await historyLength()).toBe(before);

  hasSecrets = true;
  expect(await handleOf(endpointId).result()).toEqual({ delivered: 1, failed: 0 });
  expect(receiver.requests.map(({ id }) => id)).toEqual([eventId]);
  await worker.stop();
});

test('a month closes while every webhook slot waits for a hanging receiver', async () => {
  const receiver = await startReceiver(() => undefined);
  const patient = createActivities({
    ...ACTIVITY_DEPS,
    db: world.db,
    webhooks: { ...SETTINGS, timeoutMs: 600_000 },
  });
  let [running, started] = [0, 0];
  const worker = await world.startWorker({
    async deliverDueWebhooks(input) {
      running += 1;
      started += 1;
      try {
        return await patient.deliverDueWebhooks(input);
      } finally {
        running -= 1;
      }
    },
  });
  try {
    const endpointIds: string[] = [];
    while (endpointIds.length < 25) {
      const { endpointId } = await register(world.db, receiver.url, ['tenant.parked']);
      await putEvent(world.db, endpointId);
      endpointIds.push(endpointId);
    }
    await startDue();
    const pending = async (endpointId: string) =>
      (await handleOf(endpointId).describe()).raw.pendingActivities?.length ?? 0;
    await until(
      () => Promise.all(endpointIds.map(pending)),
      (counts) => counts.every((count) => count === 1) && receiver.connections() === 20,
    );

    const month = '2026-03';
    await requestMonthEnd(world.client, { month, requestId: 'close', actor: 'test' });
    await closed(world, month);

    // No delivery has ended, and those without a slot have not started.
    expect({ running, started }).toEqual({ running: 20, started: 20 });
  } finally {
    await receiver[Symbol.asyncDispose]();
    await asSuperuser(world.superuserUrl, (client) =>
      client.query(`UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'a test'
        WHERE event_types = '{tenant.parked}'`),
    );
    await worker.stop();
  }
});

test('another worker repeats the attempt of a killed worker, with the same id', async () => {
  await using receiver = await startReceiver(() => undefined);
  const { endpointId, secretId } = await register(world.db, receiver.url);
  const env = { SIGNING_MASTER_SECRETS: MASTER, WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' };
  const eventId = await putEvent(world.db, endpointId);
  const killed = await startWorkerProcess(world, env);
  try {
    await until(
      () => Promise.resolve(receiver.requests.length),
      (count) => count === 1,
    );
  } finally {
    await killed.kill();
  }
  receiver.behave(answer(200));
  // Its lease would expire in half a minute.
  await asSuperuser(world.superuserUrl, (client) =>
    client.query(`UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'pending'`),
  );

  const next = await startWorkerProcess(world, env);
  try {
    await until(
      () => deliveriesOf(world.db, endpointId),
      ([delivery]) => delivery?.state === 'delivered',
    );
  } finally {
    await next.stop();
  }
  expect(receiver.requests.map(({ id }) => id)).toEqual([eventId, eventId]);
  expectSigned(secretId, receiver.requests[1]!);
  expect(await logOf(world.db, endpointId)).toMatchObject([{ attempt: 2, outcome: 'delivered' }]);
});
