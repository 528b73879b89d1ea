import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { sql } from '../../src/db/sql.ts';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { ANY_TIME } from '../_util/any-time.ts';

const TENANTS = Array.from({ length: 20 }, (_, n) => `tenant-${n}`);

let world: World;
let ingestion: Ingestion;
beforeAll(async () => {
  // Usage that grows continuously would exceed the safety bounds between two revisions.
  world = await createWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
  for (const tenantId of TENANTS) await seedTenant(world.db, tenantId);
  ingestion = createIngestion({ db: world.db, now: () => new Date(), timeBounds: ANY_TIME });
  await world.startWorker();
});
afterAll(async () => {
  await ingestion.close();
  await world[Symbol.asyncDispose]();
});

/** A batch of both kinds of usage of the month that is being closed, some of it sent twice. */
function batch(sender: string, n: number) {
  const usage = TENANTS.map((tenantId, index) => ({
    tenant_id: tenantId,
    deployment_id: `${tenantId}-a`,
    occurred_at: `${MONTH}-${String(1 + ((n + index) % 31)).padStart(2, '0')}T12:00:00Z`,
  }));
  const llm = usage.map((event, index) => ({
    ...event,
    gateway_request_id: `${sender}-${n}-${index}`,
    model: 'm',
    charge_cents: `${n % 7}.${String(index).padStart(6, '0')}1`,
  }));
  const metered = usage.map((event, index) => ({
    ...event,
    record_id: `${sender}-${n}-${index}`,
    resource_kind: index % 3 === 0 ? 'spaces_gb_month' : 'llm_tokens',
    qty: `${n}.25`,
  }));
  return { llm: [...llm, ...llm.slice(0, 3)], metered: [...metered, ...metered.slice(0, 3)] };
}

/** Sends continuously until stopped. @returns the acknowledged ids */
async function send(sender: string, isOver: () => boolean): Promise<Set<string>> {
  const acknowledged = new Set<string>();
  for (let n = 0; !isOver(); n += 1) {
    const { llm, metered } = batch(sender, n);
    const [llmResults, meteredResults] = await Promise.all([
      ingestion.ingest('llm', llm),
      ingestion.ingest('metered', metered),
    ]);
    llm.forEach(({ gateway_request_id }, i) => {
      expect(llmResults[i]?.status).toMatch(/accepted|duplicate/);
      acknowledged.add(`llm ${gateway_request_id}`);
    });
    metered.forEach(({ record_id }, i) => {
      expect(meteredResults[i]?.status).toMatch(/accepted|duplicate/);
      acknowledged.add(`metered ${record_id}`);
    });
  }
  return acknowledged;
}

test('usage that arrives while its month is closed and rerun is billed once or still pending', async () => {
  let isOver = false;
  const senders = ['a', 'b', 'c', 'd'].map((sender) => send(sender, () => isOver));

  await requestMonthEnd(world.client, { month: MONTH, requestId: 'r1', actor: 'test' });
  await closed(world, MONTH);
  for (const requestId of ['f1', 'f2', 'f3']) {
    await requestMonthEnd(world.client, {
      month: MONTH,
      requestId,
      actor: 'test',
      reason: 'usage came late',
      force: { all: true },
    });
    await closed(world, MONTH);
  }
  isOver = true;
  const acknowledged = new Set((await Promise.all(senders)).flatMap((ids) => [...ids]));

  await expectSoundBooks(world.db);
  const invoices = await invoicesOf(world.db);
  expect(invoices).toHaveLength(TENANTS.length * 4);
  expect(acknowledged.size).toBeGreaterThan(1000);
  const { places, ids } = await whereabouts();
  expect(ids).toEqual(acknowledged);
  // It was a race: some events were in time, others late.
  expect(places).toMatchObject({
    billed: expect.any(Number),
    within_allowance: expect.any(Number),
    open: expect.any(Number),
  });
});

/** The number of stored events, and how many are billed, within an allowance, or pending. */
async function whereabouts() {
  const events = await world.db.any(sql.type(z.object({ id: z.string(), place: z.string() }))`
    WITH event AS (
      SELECT 'llm ' || gateway_request_id AS id, bucket_id FROM llm_usage_events
      UNION ALL SELECT 'metered ' || record_id, bucket_id FROM metered_usage_records
    )
    SELECT e.id, CASE WHEN b.sealed_for IS NULL THEN 'open'
      WHEN i.status = 'issued' THEN u.disposition END AS place
    FROM event e JOIN usage_buckets b USING (bucket_id)
    LEFT JOIN invoices i ON i.invoice_id = b.sealed_for
    LEFT JOIN invoice_usage u ON u.bucket_id = b.bucket_id AND u.invoice_id = i.invoice_id`);
  const places: Record<string, number> = {};
  for (const { place } of events) places[place] = (places[place] ?? 0) + 1;
  return { places, ids: new Set(events.map(({ id }) => id)) };
}
