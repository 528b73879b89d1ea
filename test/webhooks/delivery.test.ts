import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { pruneEvents, readWebhookGauges } from '../../src/db/webhooks/webhook-deliveries.ts';
import { replayEvents } from '../../src/db/webhooks/webhook-replays.ts';
import {
  disableWebhookEndpoint,
  listWebhookEndpoints,
  rotateWebhookSecret,
} from '../../src/db/webhooks/webhook-endpoints.ts';
import { MAX_ATTEMPTS, type WebhookSettings } from '../../src/webhooks/delivery-settings.ts';
import { deliverDue } from '../../src/webhooks/deliver-due.ts';
import { openSender } from '../../src/webhooks/sender.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { until } from '../_util/until.ts';
import {
  MASTER,
  SETTINGS,
  answer,
  expectSigned,
  startReceiver,
  verify,
  type Receiver,
} from './_receiver.ts';
import { deliveriesOf, logOf, putEvent, register } from './_receiving.ts';

let testDatabase: TestDatabase;
let db: Database;
/** With the rights of the worker's process. */
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

let receiver: Receiver;
let endpointId: string;
let secretId: string;
beforeEach(async () => {
  receiver = await startReceiver();
  ({ endpointId, secretId } = await register(db, receiver.url));
});
afterEach(() => receiver[Symbol.asyncDispose]());

const NEVER = new AbortController().signal;
const deliver = (settings: Partial<WebhookSettings> = {}, signal = NEVER) =>
  deliverDue(workerDb, endpointId, { ...SETTINGS, ...settings }, signal);
/** Repeats like the workflow until nothing is left. */
const deliverAll = (settings: Partial<WebhookSettings> = {}) =>
  until(
    () => deliver(settings),
    ({ nextInMs }) => nextInMs === null,
  );

/** The endpoint's state in the metrics. */
const gaugesOf = async (id: string) =>
  (await readWebhookGauges(db)).endpoints.find((endpoint) => endpoint.endpointId === id);

describe('an event', () => {
  test('is posted with a signature and is done once answered', async () => {
    const eventId = await putEvent(db, endpointId);

    expect(await deliver()).toEqual({ delivered: 1, failed: 0, nextInMs: null });

    const [request] = receiver.requests;
    expect(request).toMatchObject({
      id: eventId,
      headers: { 'content-type': 'application/json', 'user-agent': 'arcadia-invoicing' },
      event: {
        type: 'invoice.issued',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        data: { number: 'acme-000001' },
      },
    });
    expectSigned(secretId, request!);
    expect(() => verify(crypto.randomUUID(), request!)).toThrow('No matching signature');
    expect(() => verify(secretId, { ...request!, body: '{}' })).toThrow('No matching signature');
    expect(await deliveriesOf(db, endpointId)).toEqual([
      { eventId, state: 'delivered', attempts: 1 },
    ]);
    expect(await deliver()).toMatchObject({ delivered: 0, nextInMs: null });
    expect(receiver.requests).toHaveLength(1);
  });

  test('is retried with the same id until it is accepted', async () => {
    receiver.behave((received, response, number) => {
      const [status, body] = number < 3 ? [500, 'no\u0000t yet'] : [200, 'thanks'];
      return answer(status, body)(received, response, number);
    });
    const eventId = await putEvent(db, endpointId);

    await deliverAll();

    expect(receiver.requests.map(({ id }) => id)).toEqual([eventId, eventId, eventId]);
    expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1);
    for (const request of receiver.requests) expectSigned(secretId, request);
    expect(await logOf(db, endpointId)).toMatchObject([
      { attempt: 1, outcome: 'failed', status: 500, error: 'answered 500', response: 'no t yet' },
      { attempt: 2, outcome: 'failed', status: 500, event_id: eventId, type: 'invoice.issued' },
      { attempt: 3, outcome: 'delivered', status: 200, error: null, response: 'thanks' },
    ]);
    expect(await listWebhookEndpoints(db, endpointId)).toMatchObject([
      { delivered_attempts: 1, failed_attempts: 2, pending: 0, dead: 0 },
    ]);
  });

  test('that fails does not delay others', async () => {
    const bad = await putEvent(db, endpointId, { number: 'bad' });
    receiver.behave((received, response, number) =>
      answer(received.id === bad ? 503 : 200)(received, response, number),
    );
    for (let number = 0; number < 50; number += 1) await putEvent(db, endpointId, { number });

    const { nextInMs, ...counts } = await deliver({ firstRetryMs: 3_600_000 });

    expect(counts).toEqual({ delivered: 50, failed: 1 });
    expect(nextInMs).toBeGreaterThan(1_000_000);
    expect(await deliveriesOf(db, endpointId)).toContainEqual({
      ...{ eventId: bad, state: 'pending', attempts: 1 },
    });
  });

  test('is given up after the last attempt, and delivered when replayed', async () => {
    receiver.behave(answer(500));
    const eventId = await putEvent(db, endpointId);
    // Not the twelve hours of later attempts.
    const instantly = { firstRetryMs: 0 };
    await deliverAll(instantly);
    expect(receiver.requests).toHaveLength(MAX_ATTEMPTS);
    expect(await deliveriesOf(db, endpointId)).toEqual([
      { eventId, state: 'dead', attempts: MAX_ATTEMPTS },
    ]);

    receiver.behave(answer(200));
    const replay = { endpointId, eventId: null, since: '2026-01-01T00:00:00Z', deadOnly: true };
    expect(await replayEvents(db, replay)).toBe(1);
    await deliverAll();
    expect(receiver.requests.at(-1)?.id).toBe(eventId);
    expect(await deliveriesOf(db, endpointId)).toMatchObject([{ state: 'delivered' }]);
    // Delivered events are only replayed on request.
    expect(await replayEvents(db, replay)).toBe(0);
    expect(await replayEvents(db, { ...replay, since: null, eventId, deadOnly: false })).toBe(1);
    expect(await replayEvents(db, { ...replay, since: '2199-01-01T00:00:00Z' })).toBe(0);
  });
});

describe('a receiver that', () => {
  const expectFailure = async (error: string) => {
    expect(await logOf(db, endpointId)).toMatchObject([{ outcome: 'failed', error }]);
    expect(await deliveriesOf(db, endpointId)).toMatchObject([{ state: 'pending' }]);
  };
  const once = { firstRetryMs: 3_600_000, timeoutMs: 200 };

  test('hangs is disconnected', async () => {
    receiver.behave(() => undefined);
    await putEvent(db, endpointId);
    await deliver(once);
    await expectFailure('no answer within 200 ms');
    await until(
      () => Promise.resolve(receiver.connections()),
      (open) => open === 0,
    );
  });

  test('sends its head byte by byte is disconnected', async () => {
    receiver.behave((_received, { socket }) => {
      const head = [...'HTTP/1.1 200 OK\r\nX-Long: '];
      const drip = setInterval(() => socket?.write(head.shift() ?? 'x'), 10);
      socket?.once('close', () => clearInterval(drip));
    });
    await putEvent(db, endpointId);
    await deliver(once);
    await expectFailure('no answer within 200 ms');
  });

  test('sends its body byte by byte has answered; only the beginning is kept', async () => {
    receiver.behave((_received, response) => {
      response.writeHead(200).write('s');
      const drip = setInterval(() => response.write('l'), 10);
      response.once('close', () => clearInterval(drip));
    });
    await putEvent(db, endpointId);
    expect(await deliver(once)).toMatchObject({ delivered: 1 });
    const [attempt] = await logOf(db, endpointId);
    expect(attempt).toMatchObject({ status: 200, response: expect.stringMatching(/^sl*$/) });
  });

  test('sends a very long answer is cut off', async () => {
    receiver.behave(answer(400, 'x'.repeat(10_000_000)));
    await putEvent(db, endpointId);
    await deliver({ ...once, timeoutMs: 10_000 });
    const [attempt] = await logOf(db, endpointId);
    expect(attempt).toMatchObject({ status: 400, response: 'x'.repeat(1024) });
  });

  test('closes the connection is retried', async () => {
    receiver.behave((_received, response) => {
      response.socket?.destroy();
    });
    await putEvent(db, endpointId);
    await deliver(once);
    await expectFailure('socket hang up');
  });

  test('is not reachable is retried', async () => {
    const gone = receiver;
    // Started first, or it could get the port that is free again.
    receiver = await startReceiver();
    await gone[Symbol.asyncDispose]();
    await putEvent(db, endpointId);
    await deliver(once);
    await expectFailure(`connect ECONNREFUSED 127.0.0.1:${new URL(gone.url).port}`);
  });

  test('redirects is not followed', async () => {
    await using elsewhere = await startReceiver();
    receiver.behave(answer(307, '', { Location: elsewhere.url }));
    await putEvent(db, endpointId);
    await deliver(once);
    await expectFailure('answered 307: redirects are not followed');
    expect(elsewhere.requests).toEqual([]);
  });

  test('answers 410 gets no further events', async () => {
    const { goneEndpoints } = await readWebhookGauges(db);
    receiver.behave(answer(410));
    for (let number = 0; number < 30; number += 1) await putEvent(db, endpointId, { number });

    expect(await deliver(once)).toMatchObject({ delivered: 0, nextInMs: null });

    const [endpoint] = await listWebhookEndpoints(db, endpointId);
    expect(endpoint).toMatchObject({
      disabled_at: expect.any(String),
      disabled_reason: 'the receiver answered 410 Gone',
      ...{ pending: 0, dead: 30 },
    });
    expect(receiver.requests.length).toBeLessThan(30);
    expect((await readWebhookGauges(db)).goneEndpoints).toBe(goneEndpoints + 1);
    expect(await replayEvents(db, { ...{ endpointId, eventId: null }, ...ALL })).toBe(0);
  });

  test('is in the internal network gets nothing, by address or by name', async () => {
    const eventId = await putEvent(db, endpointId);
    await deliver({ ...once, allowsAddress: () => false });
    await expectFailure('not sent: 127.0.0.1 is not a public address');

    const url = new URL(receiver.url.replace('127.0.0.1', 'localhost'));
    using sender = openSender(url, { allowsAddress: () => false, timeoutMs: 2_000 });
    const posted = await sender.post({ body: '{}', headers: { 'webhook-id': eventId } }, NEVER);
    expect(posted).toMatchObject({
      status: null,
      error: expect.stringMatching(/^localhost resolves to .*, which is not a public address$/),
    });
    expect(receiver.requests).toEqual([]);
  });
});

const ALL = { since: '2026-01-01T00:00:00Z', deadOnly: false };

describe('secrets', () => {
  const delivered = async (settings: Partial<WebhookSettings> = {}) => {
    await putEvent(db, endpointId);
    await deliver(settings);
    return receiver.requests.at(-1)!;
  };

  test('during a rotation both secrets sign, afterwards only the new one', async () => {
    const rotated = await rotateWebhookSecret(db, endpointId, 3600);
    if (rotated.outcome !== 'rotated') throw new Error(rotated.outcome);
    const between = await delivered();
    expectSigned(secretId, between);
    expectSigned(rotated.secretId, between);

    const again = await rotateWebhookSecret(db, endpointId, 0);
    if (again.outcome !== 'rotated') throw new Error(again.outcome);
    const after = await delivered();
    expectSigned(again.secretId, after);
    for (const former of [secretId, rotated.secretId]) {
      expect(() => verify(former, after)).toThrow('No matching signature');
    }
    const [endpoint] = await listWebhookEndpoints(db, endpointId);
    expect(endpoint?.secrets).toMatchObject([{ secret_id: again.secretId, expires_at: null }]);
  });

  test('at most two secrets sign', async () => {
    await rotateWebhookSecret(db, endpointId, 3600);
    await rotateWebhookSecret(db, endpointId, 3600);
    const [endpoint] = await listWebhookEndpoints(db, endpointId);
    expect(endpoint?.secrets).toMatchObject([
      { expires_at: null },
      { expires_at: expect.any(String) },
    ]);
  });

  test('remain valid after a change of the master secret', async () => {
    const newer = 'a newer master secret of 32+ characters';
    const request = await delivered({ masterSecrets: [newer, MASTER] });
    expectSigned(secretId, request);
    expectSigned(secretId, request, newer);
  });

  test('without a master secret nothing is sent and no attempt is used', async () => {
    const eventId = await putEvent(db, endpointId);
    await expect(deliver({ masterSecrets: [] })).rejects.toThrow('SIGNING_MASTER_SECRETS');
    expect(await deliveriesOf(db, endpointId)).toEqual([
      { eventId, state: 'pending', attempts: 0 },
    ]);
  });

  test('a disabled endpoint has none', async () => {
    expect(await disableWebhookEndpoint(db, endpointId, 'a test')).toBe(true);
    expect(await rotateWebhookSecret(db, endpointId, 0)).toEqual({ outcome: 'disabled' });
    const nobody = crypto.randomUUID();
    expect(await rotateWebhookSecret(db, nobody, 0)).toEqual({ outcome: 'unknown' });
    expect(await disableWebhookEndpoint(db, nobody, 'a test')).toBe(false);
  });
});

describe('a worker that ends during an attempt', () => {
  test('leaves it to another worker once its lease has expired', async () => {
    receiver.behave(() => undefined);
    const eventId = await putEvent(db, endpointId);
    const stopping = new AbortController();
    const delivering = deliver({ leaseSeconds: 0 }, stopping.signal);
    await until(
      () => Promise.resolve(receiver.requests.length),
      (count) => count === 1,
    );
    stopping.abort(new Error('the worker stops'));
    await expect(delivering).rejects.toThrow('the worker stops');
    expect(await logOf(db, endpointId)).toEqual([]);

    receiver.behave(answer(200));
    await deliverAll();
    expect(receiver.requests.map(({ id }) => id)).toEqual([eventId, eventId]);
    expect(await deliveriesOf(db, endpointId)).toEqual([
      { eventId, state: 'delivered', attempts: 2 },
    ]);
  });

  test('keeps it from others until then', async () => {
    receiver.behave(() => undefined);
    await putEvent(db, endpointId);
    const stopping = new AbortController();
    const delivering = deliver({}, stopping.signal);
    await until(
      () => Promise.resolve(receiver.requests.length),
      (count) => count === 1,
    );
    const { nextInMs } = await deliver();
    expect(nextInMs).toBeGreaterThan(1_000);
    expect(receiver.requests).toHaveLength(1);
    stopping.abort(new Error('the end of the test'));
    await expect(delivering).rejects.toThrow('the end of the test');
  });
});

test('an attempt is overdue from its due time until it is made', async () => {
  expect(await gaugesOf(endpointId)).toMatchObject({ pending: 0, overdueSeconds: 0 });
  await putEvent(db, endpointId);
  expect((await gaugesOf(endpointId))?.overdueSeconds).toBeGreaterThan(0);

  receiver.behave(answer(500));
  await deliver({ firstRetryMs: 3_600_000 });

  const waiting = await gaugesOf(endpointId);
  expect(waiting).toMatchObject({ pending: 1, overdueSeconds: 0 });
  expect(waiting?.oldestPendingSeconds).toBeGreaterThan(0);
});

test('old events are deleted, except those still to be delivered', async () => {
  const [arrived, waiting] = [await putEvent(db, endpointId), await putEvent(db, endpointId)];
  receiver.behave((received, response, number) =>
    answer(received.id === waiting ? 500 : 200)(received, response, number),
  );
  await deliver({ firstRetryMs: 3_600_000 });
  const future = new Date(Date.now() + 60_000);

  expect(await pruneEvents(db, new Date(0))).toBe(0);
  expect(await pruneEvents(db, future)).toBeGreaterThanOrEqual(1);

  const left = await deliveriesOf(db, endpointId);
  expect(left).toEqual([{ eventId: waiting, state: 'pending', attempts: 1 }]);
  expect((await logOf(db, endpointId)).map(({ event_id }) => event_id)).not.toContain(arrived);
  expect(await gaugesOf(endpointId)).toMatchObject({
    ...{ pending: 1, dead: 0, deliveredAttempts: 1, failedAttempts: 1 },
    oldestPendingSeconds: expect.any(Number),
  });
});
