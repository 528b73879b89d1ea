import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { until } from '../_util/until.ts';
import { createWorld, type World } from '../_util/world.ts';
import { MASTER, startReceiver } from '../webhooks/_receiver.ts';
import { putEvent, register } from '../webhooks/_receiving.ts';
import { startWorkerProcess } from './_workers.ts';

/** A worker stops within its limits, whatever it is waiting for. */
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const ENV = {
  SIGNING_MASTER_SECRETS: MASTER,
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  WORKER_SHUTDOWN_GRACE_SECONDS: '1',
  // So long that it does not end a wait.
  DATABASE_STATEMENT_TIMEOUT_SECONDS: '3600',
};

const eventually = (isTrue: () => boolean) =>
  until(
    () => Promise.resolve(isTrue()),
    (answer) => answer,
  );

test('ends by force if an activity waits for the database and cannot be cancelled', async () => {
  await using receiver = await startReceiver();
  const { endpointId } = await register(world.db, receiver.url);
  await putEvent(world.db, endpointId);
  const worker = await startWorkerProcess(world, ENV);
  await asSuperuser(world.superuserUrl, async (client) => {
    await client.query('BEGIN');
    // The row where the attempt's outcome is written.
    await client.query('SELECT FROM webhook_endpoints WHERE endpoint_id = $1 FOR UPDATE', [
      endpointId,
    ]);
    await untilLockIsWaitedFor(world.superuserUrl, (sessions) => sessions > 0, 'arcadia-worker');
    expect(await worker.stop(), worker.output()).toBe(0);
    await client.query('ROLLBACK');
  });
});

test('ends although a receiver hangs', async () => {
  await using receiver = await startReceiver(() => undefined);
  const { endpointId } = await register(world.db, receiver.url);
  await putEvent(world.db, endpointId);
  const worker = await startWorkerProcess(world, ENV);
  await eventually(() => receiver.requests.length > 0);
  expect(await worker.stop(), worker.output()).toBe(0);
});

test('ends although Temporal no longer answers', async () => {
  await using temporal = await startSilenceableProxy(world.address);
  const { endpointId } = await register(world.db);
  const worker = await startWorkerProcess(world, { ...ENV, TEMPORAL_ADDRESS: temporal.address });
  temporal.silence();
  // Makes the worker send a request whose answer never arrives.
  await putEvent(world.db, endpointId);
  await eventually(() => temporal.swallowed() > 0);
  expect(await worker.stop(), worker.output()).not.toBeNull();
}, 120_000);

/** A proxy that can stop forwarding without closing connections. */
async function startSilenceableProxy(target: string) {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isSilent = false;
  let swallowed = 0;
  const forward = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('error', () => undefined);
    from.on('data', (chunk: Buffer) => {
      if (isSilent) swallowed += 1;
      else to.write(chunk);
    });
    from.on('end', () => !isSilent && to.end());
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host, port: Number(port), allowHalfOpen: true });
    forward(client, upstream);
    forward(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence: () => (isSilent = true),
    swallowed: () => swallowed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
