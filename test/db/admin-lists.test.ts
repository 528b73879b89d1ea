import type { QuerySqlToken } from 'slonik';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { listKeyPage } from '../../src/db/access/api-keys.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import type { Database, Queryable } from '../../src/db/pool.ts';
import { listDeliveries } from '../../src/db/webhooks/delivery-views.ts';
import { listWebhookEndpoints } from '../../src/db/webhooks/webhook-endpoints.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';

/**
 * The lists of webhooks, keys and recorded actions, with 10,000 tenants and a year of events: a page of 51 rows reads
 * few blocks, whatever it is filtered by.
 */

/** A block has 8 KiB, and reading one from memory takes a few microseconds. */
const MAX_BLOCKS = 3000;

const BOOKS = `
  INSERT INTO tenants (tenant_id, name, currency)
    SELECT 't-' || n, 'Tenant ' || n, 'AUD' FROM generate_series(1, 10000) n;
  INSERT INTO webhook_endpoints (endpoint_id, url, event_types) VALUES
    ('00000000-0000-4000-8000-000000000001', 'https://a.example/', '{invoice.issued,review.waiting}'),
    ('00000000-0000-4000-8000-000000000002', 'https://b.example/', '{invoice.issued}');
  INSERT INTO webhook_events (type, tenant_id, data, occurred_at)
    SELECT CASE WHEN n <= 5 THEN 'review.waiting' ELSE 'invoice.issued' END,
      't-' || (1 + n % 10000), '{"number": "x"}', now() - make_interval(mins => 120000 - n)
    FROM generate_series(1, 120000) n;
  INSERT INTO webhook_deliveries (event_id, endpoint_id, state, attempts, next_attempt_at, settled_at)
    SELECT event_id, '00000000-0000-4000-8000-000000000001',
      CASE WHEN age <= 200 THEN 'dead' ELSE 'delivered' END, 1, NULL, now()
    FROM (SELECT event_id, row_number() OVER (ORDER BY occurred_at) AS age FROM webhook_events) v;
  INSERT INTO webhook_deliveries (event_id, endpoint_id)
    SELECT event_id, '00000000-0000-4000-8000-000000000002'
    FROM webhook_events ORDER BY occurred_at LIMIT 200;
  INSERT INTO webhook_attempts (event_id, endpoint_id, attempt, attempted_at, duration_ms, outcome, status)
    SELECT event_id, endpoint_id, 1, now(), 20, 'delivered', 200
    FROM webhook_deliveries WHERE settled_at IS NOT NULL;
  INSERT INTO api_keys (key_hash, scope, tenant_id, label, created_at, revoked_at)
    SELECT sha256(n::text::bytea), CASE WHEN n <= 3 THEN 'operator' ELSE 'tenant' END,
      CASE WHEN n > 3 THEN 't-' || (1 + n % 10000) END, 'key ' || n,
      now() - make_interval(mins => 20000 - n), CASE WHEN n = 2 THEN now() END
    FROM generate_series(1, 20000) n;
  INSERT INTO operator_actions (actor, channel, action, target, input, input_sha256, input_bytes,
      tenant_ids, requested_at)
    SELECT 'cli:' || (n % 20), 'cli', CASE WHEN n <= 5 THEN 'settings.set' ELSE 'items.add' END, '{}', '{}',
      sha256('{}'), 2, ARRAY['t-' || (1 + n % 10000)], now() - make_interval(mins => 60000 - n)
    FROM generate_series(1, 60000) n;
  UPDATE operator_actions SET outcome = CASE WHEN action_id <= 20 THEN 'failed' ELSE 'done' END, status = 0;
  ANALYZE;
`;

let db: Database;
let close: () => Promise<void>;
beforeAll(async () => {
  const opened = await openTestDatabase('apiUrl', 2);
  ({ db, close } = opened);
  await asSuperuser(opened.testDatabase.superuserUrl, (client) => client.query(BOOKS));
});
afterAll(() => close());

const explained = z.object({
  'QUERY PLAN': z.tuple([
    z.object({
      Plan: z.object({ 'Shared Hit Blocks': z.number(), 'Shared Read Blocks': z.number() }),
    }),
  ]),
});

/** Returns the number of blocks that a query reads. */
async function blocksOf(query: QuerySqlToken): Promise<number> {
  const sql = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${query.sql}`;
  const { 'QUERY PLAN': plan } = await db.one({ ...query, sql, parser: explained });
  const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = plan[0].Plan;
  return hit + read;
}

const FIRST = { after: null, limit: 51 };
/** In the middle of the list. */
const LATER = {
  after: {
    occurredAt: new Date(Date.now() - 60_000 * 60_000).toISOString(),
    eventId: '80000000-0000-4000-8000-000000000000',
    endpointId: '00000000-0000-4000-8000-000000000001',
  },
  limit: 51,
};
const ENDPOINT = '00000000-0000-4000-8000-000000000002';
const NOW = new Date();

const LISTS: Readonly<Record<string, (from: Queryable) => Promise<readonly unknown[]>>> = {
  deliveries: (from) => listDeliveries(from, {}, FIRST),
  'later deliveries': (from) => listDeliveries(from, {}, LATER),
  'deliveries of a tenant': (from) => listDeliveries(from, { tenantId: 't-7' }, FIRST),
  'deliveries of a common type': (from) => listDeliveries(from, { type: 'invoice.issued' }, LATER),
  'deliveries of a rare type': (from) => listDeliveries(from, { type: 'review.waiting' }, FIRST),
  'old deliveries that were given up': (from) => listDeliveries(from, { state: 'dead' }, FIRST),
  'old deliveries that are pending': (from) => listDeliveries(from, { state: 'pending' }, FIRST),
  'what is pending for an endpoint': (from) =>
    listDeliveries(from, { endpointId: ENDPOINT, state: 'pending' }, FIRST),
  endpoints: (from) => listWebhookEndpoints(from),
  keys: (from) => listKeyPage(from, {}, FIRST),
  'keys of a tenant': (from) => listKeyPage(from, { tenantId: 't-7' }, FIRST),
  'keys of a rare scope': (from) => listKeyPage(from, { scope: 'operator' }, FIRST),
  'revoked keys': (from) => listKeyPage(from, { state: { is: 'revoked', at: NOW } }, FIRST),
  actions: (from) => listOperatorActions(from, {}, FIRST),
  'later actions': (from) => listOperatorActions(from, {}, { after: 30_000, limit: 51 }),
  'actions of an actor': (from) => listOperatorActions(from, { actor: 'cli:7' }, FIRST),
  'actions of a rare name': (from) => listOperatorActions(from, { action: 'settings.set' }, FIRST),
  'actions about a tenant': (from) => listOperatorActions(from, { tenantId: 't-7' }, FIRST),
  'old actions that failed': (from) => listOperatorActions(from, { outcome: 'failed' }, FIRST),
  'actions since a day': (from) =>
    listOperatorActions(from, { since: new Date(NOW.getTime() - 86_400_000).toISOString() }, FIRST),
};

test.each(Object.entries(LISTS))('%s', async (_name, list) => {
  const asked: QuerySqlToken[] = [];
  const noted = interceptQueries(db, (query) => {
    asked.push(query);
    return query;
  });
  expect((await list(noted)).length).toBeGreaterThan(0);
  expect(asked).toHaveLength(1);
  for (const query of asked) expect(await blocksOf(query)).toBeLessThan(MAX_BLOCKS);
});
