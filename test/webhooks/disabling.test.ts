import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import pg from 'pg';
import { listDueEndpoints } from '../../src/db/webhooks/webhook-deliveries.ts';
import { disableWebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';
import { deliverDue } from '../../src/webhooks/deliver-due.ts';
import { untilLockIsWaitedFor } from '../_util/locks.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';
import { until } from '../_util/until.ts';
import { SETTINGS } from './_receiver.ts';
import { deliveriesOf, putEvent, register } from './_receiving.ts';

/**
 * An endpoint is disabled while transactions write deliveries for it, as issuing does. In every order
 * of the two, no delivery is pending once both have ended.
 */
let opened: OpenTestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase('appUrl', 4);
});
afterAll(() => opened.close());

let endpointId: string;
beforeEach(async () => {
  ({ endpointId } = await register(opened.db));
});

const disable = () => disableWebhookEndpoint(opened.db, endpointId, 'a test');
const statesOf = async () => (await deliveriesOf(opened.db, endpointId)).map(({ state }) => state);

/** Runs statements on a separate connection, as the worker's role or as a superuser. */
async function as(
  role: 'workerUrl' | 'superuserUrl',
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: opened.testDatabase[role] });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
const asWorker = (work: (client: pg.Client) => Promise<unknown>) => as('workerUrl', work);

/** Part of a WITH: an event. */
const EVENT = `told AS (
  INSERT INTO webhook_events (type, tenant_id, data) VALUES ('invoice.issued', NULL, '{}')
  RETURNING event_id
)`;
const tell = (client: pg.Client) =>
  client.query(
    `WITH ${EVENT} INSERT INTO webhook_deliveries (event_id, endpoint_id)
     SELECT event_id, endpoint_id FROM told, webhook_endpoints
     WHERE endpoint_id = $1 AND disabled_at IS NULL`,
    [endpointId],
  );

/** Waits until a session of this database waits for a lock. */
const untilWaiting = () => untilLockIsWaitedFor(opened.testDatabase.superuserUrl);

describe('no delivery remains pending when an endpoint is disabled', () => {
  test.each([
    ['commits', 'COMMIT', ['dead']],
    ['rolls back', 'ROLLBACK', []],
  ])('before a transaction that wrote one %s', async (_name, end, states) => {
    await asWorker(async (client) => {
      await client.query('BEGIN');
      await tell(client);
      const disabling = disable();
      await untilWaiting();
      await client.query(end);
      expect(await disabling).toBe(true);
    });
    expect(await statesOf()).toEqual(states);
  });

  test('between the snapshot of a statement and its insert', async () => {
    await as('superuserUrl', async (gate) => {
      await gate.query('SELECT pg_advisory_lock(1)');
      await asWorker(async (client) => {
        const telling = client.query(
          `WITH live AS MATERIALIZED (
             SELECT endpoint_id FROM webhook_endpoints WHERE endpoint_id = $1 AND disabled_at IS NULL
           ), gate AS MATERIALIZED (SELECT pg_advisory_xact_lock(1)), ${EVENT}
           INSERT INTO webhook_deliveries (event_id, endpoint_id)
           SELECT event_id, endpoint_id FROM gate, live, told`,
          [endpointId],
        );
        await untilWaiting();
        expect(await disable()).toBe(true);
        await gate.query('SELECT pg_advisory_unlock(1)');
        expect((await telling).rowCount).toBe(1);
      });
    });
    expect(await statesOf()).toEqual(['dead']);
  });

  test('before the insert: a delivery is given up from the start', async () => {
    await disable();
    await putEvent(opened.db, endpointId);
    expect(await statesOf()).toEqual(['dead']);
  });

  test('by a transaction that commits between an insert and its commit', async () => {
    await asWorker(async (disabler) => {
      await asWorker(async (client) => {
        await disabler.query('BEGIN');
        await disabler.query(
          `UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'a test'
           WHERE endpoint_id = $1`,
          [endpointId],
        );
        await client.query('BEGIN');
        // Neither transaction waits for the other.
        await tell(client);
        await disabler.query('COMMIT');
        const disabling = disable();
        await untilWaiting();
        await client.query('COMMIT');
        await disabling;
      });
    });
    expect(await statesOf()).toEqual(['dead']);
  });

  test('while deliveries are replayed', async () => {
    const eventId = await putEvent(opened.db, endpointId);
    await as('superuserUrl', (client) =>
      client.query(
        `UPDATE webhook_deliveries SET state = 'dead', next_attempt_at = NULL, settled_at = now()
         WHERE event_id = $1`,
        [eventId],
      ),
    );
    const REPLAY = `UPDATE webhook_deliveries
      SET state = 'pending', next_attempt_at = now(), settled_at = NULL WHERE event_id = $1`;
    await asWorker(async (client) => {
      await client.query('BEGIN');
      await client.query(REPLAY, [eventId]);
      const disabling = disable();
      await untilWaiting();
      await client.query('COMMIT');
      await disabling;
      expect(await statesOf()).toEqual(['dead']);
      await client.query(REPLAY, [eventId]);
    });
    expect(await statesOf()).toEqual(['dead']);
  });

  test('while other transactions write without a pause', async () => {
    let isOver = false;
    const writers = Array.from({ length: 3 }, () =>
      asWorker(async (client) => {
        let isLive = true;
        while (isLive && !isOver) {
          await client.query('BEGIN');
          isLive = (await tell(client)).rowCount === 1;
          await client.query('COMMIT');
        }
      }),
    );
    await until(statesOf, (states) => states.length > 10);
    await disable();
    isOver = true;
    await Promise.all(writers);
    expect(new Set(await statesOf())).toEqual(new Set(['dead']));
  });

  test('by a process that died halfway: the next check gives up the rest', async () => {
    await putEvent(opened.db, endpointId);
    await as('superuserUrl', (client) =>
      client.query(
        `UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'a test'
         WHERE endpoint_id = $1`,
        [endpointId],
      ),
    );
    const due = await listDueEndpoints(opened.db);
    expect(due.map((endpoint) => endpoint.endpointId)).toContain(endpointId);
    const result = await deliverDue(opened.db, endpointId, SETTINGS, new AbortController().signal);
    expect(result).toEqual({ delivered: 0, failed: 0, nextInMs: null });
    expect(await statesOf()).toEqual(['dead']);
  });
});
