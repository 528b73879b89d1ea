import { afterAll, beforeAll, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/index.ts';
import { TASK_QUEUE, webhooksId } from '../../src/contracts/ids.ts';
import { webhookBody } from '../../src/api/webhook-events.ts';
import {
  DELIVER_WEBHOOKS_WORKFLOW,
  WAKE_SIGNAL,
  type DeliverWebhooksInput,
  type WebhookEventType,
} from '../../src/contracts/webhooks.ts';
import { listDueEndpoints } from '../../src/db/webhook-deliveries.ts';
import { requestMonthEnd } from '../../src/temporal/month-end.ts';
import { wakeDelivery } from '../../src/temporal/webhooks.ts';
import { asSuperuser } from '../../src/local/postgres-roles.ts';
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

/** As each worker does every few seconds. */
async function wakeAll(): Promise<void> {
  for (const endpoint of await listDueEndpoints(world.db)) {
    await wakeDelivery(world.client, endpoint);
  }
}

const handleOf = (endpointId: string) => world.client.workflow.getHandle(webhooksId(endpointId));

test('a month end is told, and told again when it is re-run', async () => {
  await using receiver = await startReceiver();
  const { endpointId, secretId } = await register(world.db, receiver.url);
  const worker = await world.startWorker();
  const request = { month: MONTH, actor: 'test' };
  await requestMonthEnd(world.client, { ...request, requestId: 'close' });
  await closed(world, MONTH);

  await wakeAll();
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
    // As the document says, and nothing besides.
    webhookBody(received.event.type as WebhookEventType).parse(received.event);
  }
  const described = await handleOf(endpointId).describe();
  expect(described).toMatchObject({
    type: DELIVER_WEBHOOKS_WORKFLOW,
    status: { name: 'COMPLETED' },
  });
  expect(await described.staticSummary()).toBe(`Webhooks to ${new URL(receiver.url).host}`);

  // Nothing has changed for globex, and planless is parked for the same reason.
  const force = { tenantIds: ['acme'] };
  await requestMonthEnd(world.client, { ...request, requestId: 'again', reason: 'x', force });
  await until(
    () => Promise.all([wakeAll(), closed(world, MONTH)]).then(told),
    (events) => events.filter((event) => event === 'run.finished ').length === 2,
  );
  expect(told()).toEqual([
    ...['invoice.issued acme', 'invoice.issued acme', 'invoice.issued globex'],
    ...['invoice.superseded acme', 'run.finished ', 'run.finished ', 'tenant.parked planless'],
  ]);
  await worker.stop();
});

test('a new event is delivered while another one waits for its next attempt', async () => {
  await using receiver = await startReceiver();
  const { endpointId } = await register(world.db, receiver.url);
  const { deliverDueWebhooks } = createActivities({
    ...ACTIVITY_DEPS,
    db: world.db,
    webhooks: { ...SETTINGS, firstRetryMs: 3_600_000 },
  });
  const worker = await world.startWorker({ deliverDueWebhooks });
  receiver.behave(answer(500));
  const first = await putEvent(world.db, endpointId);
  await wakeAll();
  await until(
    () => logOf(world.db, endpointId),
    (log) => log.length === 1,
  );

  receiver.behave(answer(200));
  const second = await putEvent(world.db, endpointId);
  await wakeAll();

  await until(
    () => deliveriesOf(world.db, endpointId),
    (deliveries) => deliveries.some(({ state }) => state === 'delivered'),
  );
  expect(await deliveriesOf(world.db, endpointId)).toEqual([
    { eventId: first, state: 'pending', attempts: 1 },
    { eventId: second, state: 'delivered', attempts: 1 },
  ]);
  expect((await handleOf(endpointId).describe()).status.name).toBe('RUNNING');
  await handleOf(endpointId).terminate('the end of the test');
  await worker.stop();
});

test('goes on as new, with its counts, and misses no event that comes just then', async () => {
  await using receiver = await startReceiver((received, response, number) =>
    answer(number <= 5 ? 500 : 204)(received, response, number),
  );
  const { endpointId } = await register(world.db, receiver.url);
  const first = await putEvent(world.db, endpointId);
  const workflowId = webhooksId(endpointId);
  let rounds = 0;
  const late: string[] = [];
  const worker = await world.startWorker({
    async deliverDueWebhooks(input) {
      const result = await world.activities.deliverDueWebhooks(input);
      rounds += 1;
      // Round 2 is the first after which the history is long.
      if (rounds === 2) {
        late.push(await putEvent(world.db, endpointId));
        await handleOf(endpointId).signal(WAKE_SIGNAL);
      }
      return result;
    },
  });
  const input: DeliverWebhooksInput = { endpointId, continueAsNewAfterEvents: 12 };
  const handle = await world.client.workflow.start(DELIVER_WEBHOOKS_WORKFLOW, {
    workflowId,
    taskQueue: TASK_QUEUE,
    args: [input],
  });

  expect(await handle.result()).toEqual({ delivered: 2, failed: 5 });
  const deliveries = await deliveriesOf(world.db, endpointId);
  expect(deliveries.map(({ eventId, state }) => [eventId, state])).toEqual([
    [first, 'delivered'],
    [late[0], 'delivered'],
  ]);
  const run = world.client.workflow.getHandle(workflowId, handle.firstExecutionRunId);
  expect((await run.describe()).status.name).toBe('CONTINUED_AS_NEW');
  await worker.stop();
});

test('a worker that is killed amid an attempt: the next one makes it again, under the same id', async () => {
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
  // Its lease would be over in half a minute.
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
