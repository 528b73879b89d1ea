import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { deliverDue } from '../../src/webhooks/deliver-due.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { until } from '../_util/until.ts';
import { ENDINGS, type Ending } from './_endings.ts';
import { SETTINGS } from './_receiver.ts';
import { deliveriesOf, logOf, putEvent, register } from './_receiving.ts';

let testDatabase: TestDatabase;
let db: Database;
let workerDb: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const open = (url: string) => openDatabase({ url, maxConnections: 5, applicationName: 'test' });
  [db, workerDb] = await Promise.all([open(testDatabase.appUrl), open(testDatabase.workerUrl)]);
});
afterAll(async () => {
  await Promise.all([db.end(), workerDb.end()]);
  await testDatabase.drop();
});

/** A TCP server, below HTTP. */
async function startSockets({ treat, atOnce }: Pick<Ending, 'treat' | 'atOnce'>) {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // The sender is expected to disconnect.
    socket.on('error', () => undefined);
    if (atOnce) treat(socket);
    else socket.once('data', () => treat(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const settings = { ...SETTINGS, timeoutMs: 300, firstRetryMs: 3_600_000 };
const NEVER = new AbortController().signal;

describe('an attempt and its connection end when a receiver', () => {
  test.each(ENDINGS)('$name', async ({ treat, atOnce, protocol, status, error }) => {
    await using receiver = await startSockets({ treat, ...(atOnce && { atOnce }) });
    const { endpointId } = await register(
      db,
      `${protocol ?? 'http'}://127.0.0.1:${receiver.port}/`,
    );
    await putEvent(db, endpointId);
    await putEvent(db, endpointId);

    const counts = await deliverDue(workerDb, endpointId, settings, NEVER);

    expect(counts).toMatchObject(error === null ? { delivered: 2 } : { failed: 2 });
    for (const attempt of await logOf(db, endpointId)) {
      expect(attempt).toMatchObject({ status, outcome: error === null ? 'delivered' : 'failed' });
      if (error !== null) expect(attempt.error).toMatch(error);
    }
    expect(receiver.connections()).toBeGreaterThan(0);
    await until(
      () => Promise.resolve(receiver.open()),
      (open) => open === 0,
    );
  });

  test('has a name whose DNS servers do not answer', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const questions: Buffer[] = [];
    silent.on('message', (question) => questions.push(question));
    const { endpointId } = await register(db, 'https://receiver.example/');
    await putEvent(db, endpointId);

    await deliverDue(
      workerDb,
      endpointId,
      { ...settings, dnsServers: [`127.0.0.1:${silent.address().port}`] },
      NEVER,
    );

    expect(await logOf(db, endpointId)).toMatchObject([
      { status: null, outcome: 'failed', error: 'no answer within 300 ms' },
    ]);
    expect(questions.length).toBeGreaterThan(0);
    silent.close();
  });

  test('is still to be called and the worker is told to stop', async () => {
    const stopping = new AbortController();
    await using receiver = await startSockets({
      treat: () => stopping.abort(new Error('the worker stops')),
    });
    const { endpointId } = await register(db, `http://127.0.0.1:${receiver.port}/`);
    await putEvent(db, endpointId);

    const delivering = deliverDue(
      workerDb,
      endpointId,
      { ...settings, timeoutMs: 60_000 },
      stopping.signal,
    );

    await expect(delivering).rejects.toThrow('the worker stops');
    expect(await logOf(db, endpointId)).toEqual([]);
    expect(await deliveriesOf(db, endpointId)).toMatchObject([{ state: 'pending' }]);
    await until(
      () => Promise.resolve(receiver.open()),
      (open) => open === 0,
    );
  });
});
