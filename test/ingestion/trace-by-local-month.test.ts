import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mapTrace, type LlmUsageEvent } from '../../src/cli/replay/trace-events.ts';
import { parseTrace } from '../../src/cli/replay/trace-file.ts';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { sql } from '../../src/db/sql.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';

/**
 * A request trace, stretched over eight months of Australia/Sydney and both changes of its clocks: what the ledger has per
 * deployment and month equals what other code computes from the events alone. By default the trace is made up; for the
 * published ones: `TRACE_FILES=a.csv,b.csv npm test -- test/ingestion/trace-by-local-month.test.ts`.
 */

const SYDNEY = 'Australia/Sydney';
const SPAN = { startsAt: '2026-03-14T13:00:00Z', endsAt: '2026-11-14T13:00:00Z' };
const DEPLOYMENTS = ['acme-a', 'acme-b', 'bravo-a', 'coral-a', 'delta-a', 'echo-a', 'fox-a'];
const BATCH = 1_000;

let opened: OpenTestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase('appUrl', 4);
  await setTimeZone(opened.db, SYDNEY);
  await seedCatalogue(opened.db);
  const byTenant = Map.groupBy(DEPLOYMENTS, tenantOf);
  for (const [tenantId, ids] of byTenant) {
    const deployments = ids.map((deploymentId) => ({ deploymentId }));
    await seedTenant(opened.db, tenantId, deployments);
  }
});
afterAll(() => opened.close());

function tenantOf(deploymentId: string): string {
  return deploymentId.slice(0, -'-a'.length);
}

function readTraces(): readonly string[] {
  const files = process.env.TRACE_FILES?.split(',') ?? [];
  if (files.length > 0) return files.map((file) => readFileSync(file, 'utf8'));
  const rows = Array.from({ length: 4_000 }, (_, n) => {
    const time = new Date(Date.UTC(2023, 10, 16, 18) + n * 750).toISOString();
    return `${time.replace('T', ' ').replace('Z', '0000')},${(n * 37) % 9000},${(n * 11) % 800}`;
  });
  return [`TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.join('\n')}\n`];
}

function eventsOf(csv: string, index: number): readonly LlmUsageEvent[] {
  const { requests, malformed } = parseTrace(csv);
  expect(malformed).toEqual([]);
  const deployments = DEPLOYMENTS.map((deploymentId) => ({
    tenantId: tenantOf(deploymentId),
    deploymentId,
  }));
  const period = { month: '2026-05', periodStart: '2026-05-01', periodEnd: '2026-05-31', ...SPAN };
  return mapTrace(requests, { period, deployments, traceId: `trace-${index}` });
}

/** The month on a clock on the wall in Sydney, by ICU instead of the product's own calendar. */
const WALL_CLOCK = new Intl.DateTimeFormat('en-CA', {
  timeZone: SYDNEY,
  year: 'numeric',
  month: '2-digit',
});
function monthInSydney(instant: string): string {
  const parts = WALL_CLOCK.formatToParts(new Date(instant));
  const valueOf = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${valueOf('year')}-${valueOf('month')}`;
}

/** Cents as an integer with twelve decimals. */
function scaled(charge: string): bigint {
  const [whole = '', fraction = ''] = charge.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

interface Sum {
  readonly requests: number;
  readonly scaledCents: bigint;
}

function sumByLocalMonth(events: readonly LlmUsageEvent[]): ReadonlyMap<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { deployment_id, occurred_at, charge_cents } of events) {
    const key = `${deployment_id} ${monthInSydney(occurred_at)}`;
    const { requests, scaledCents } = sums.get(key) ?? { requests: 0, scaledCents: 0n };
    sums.set(key, {
      requests: requests + 1,
      scaledCents: scaledCents + scaled(charge_cents),
    });
  }
  return sums;
}

const bucket = z.object({ key: z.string(), requests: z.number(), cents: z.string() });

test('per-deployment sums equal an independent computation by local month', async () => {
  const { db } = opened;
  const events = readTraces().flatMap(eventsOf);
  const ingestion = createIngestion({ db, now: () => new Date(), timeBounds: ANY_TIME });
  for (let at = 0; at < events.length; at += BATCH) {
    const results = await ingestion.ingest('llm', events.slice(at, at + BATCH));
    expect(results.every(({ status }) => status === 'accepted')).toBe(true);
  }

  const ledger = await db.any(sql.type(bucket)`
    SELECT deployment_id || ' ' || to_char(service_month, 'YYYY-MM') AS key,
      sum(event_count)::int AS requests, trim_scale(sum(total))::text AS cents
    FROM usage_buckets GROUP BY deployment_id, service_month
  `);
  const stored = new Map<string, Sum>(
    ledger.map(({ key, requests, cents }) => [key, { requests, scaledCents: scaled(cents) }]),
  );
  const expected = sumByLocalMonth(events);
  expect(new Map([...stored].toSorted())).toEqual(new Map([...expected].toSorted()));
  expect(expected.size).toBe(DEPLOYMENTS.length * 9);

  const elsewhere = events.filter(
    ({ occurred_at }) => occurred_at.slice(0, 7) !== monthInSydney(occurred_at),
  );
  // Otherwise the zone would make no difference here.
  expect(elsewhere.length).toBeGreaterThan(events.length / 200);
  console.log(
    `${events.length} requests, ${expected.size} sums by deployment and month of Sydney, all equal; ` +
      `${elsewhere.length} requests are in another month in UTC`,
  );
});
