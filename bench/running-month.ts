import type pg from 'pg';
import { runningMonthToJson } from '../src/audit/running-month-json.ts';
import { runningMonthOf } from '../src/audit/running-month.ts';
import { scopeToTenant } from '../src/db/access/tenant-scope.ts';
import { openDatabase, type Queryable } from '../src/db/pool.ts';
import { sizeOf, type Bench, type BenchContext } from './lib/bench.ts';
import { median } from './lib/median.ts';
import { insertPopulation, MONTH, settle } from './lib/population.ts';
import type { BenchServers } from './lib/servers.ts';

const TENANT = 'tenant-000001';
const NOW = new Date(`${MONTH}-20T12:00:00Z`);
const MODELS = 10;
/** What a tenant that watches its spend is promised. */
const MAX_MS = 50;

/** Whether a tenant's running month depends on its events or only on its deployments and models. */
export const runningMonth: Bench = {
  name: 'running-month',
  title: "A tenant's running month, with a thousand times the events",
  sizes: {
    deployments: { full: 100, smoke: 4 },
    events: { full: 10_000_000, smoke: 400 },
    fewEvents: { full: 10_000, smoke: 40 },
    answers: { full: 200, smoke: 5 },
  },
  async run(context) {
    const deployments = sizeOf(context, 'deployments');
    const events = sizeOf(context, 'events');
    const fewEvents = sizeOf(context, 'fewEvents');
    const answers = sizeOf(context, 'answers');
    await using servers = await context.startServers();
    await using few = await openTenant(context, servers, fewEvents);
    await using many = await openTenant(context, servers, events);
    const fewMs: number[] = [];
    const manyMs: number[] = [];
    // Alternating, so that the machine's other load affects both. The first ones warm up.
    for (let answer = -20; answer < answers; answer += 1) {
      const [ofFew, ofMany] = [await timeAnswer(few, fewEvents), await timeAnswer(many, events)];
      if (answer < 0) continue;
      fewMs.push(ofFew);
      manyMs.push(ofMany);
    }
    const shape = `${events} events of ${deployments} deployments and ${MODELS} models`;
    return {
      figures: [
        {
          name: "a tenant's running month",
          measured: { value: median(manyMs), unit: 'ms' },
          against: { value: median(fewMs), unit: 'ms', name: `with ${fewEvents} events` },
          ratio: median(manyMs) / median(fewMs),
          bound: { atMost: 2 },
          note: `${shape}; the median of ${answers} answers`,
        },
        {
          name: 'one answer',
          measured: { value: median(manyMs), unit: 'ms' },
          bound: { atMost: MAX_MS },
        },
      ],
    };
  },
};

/** A tenant's view of a database in which it has a month of usage. */
interface OpenTenant extends AsyncDisposable {
  readonly view: Queryable;
}

async function openTenant(
  context: BenchContext,
  servers: BenchServers,
  events: number,
): Promise<OpenTenant> {
  const deployments = sizeOf(context, 'deployments');
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    const shape = {
      tenants: 1,
      subscriptionsPerTenant: deployments,
      withAddon: true,
      meteredKinds: 2,
      recordsPerKind: 4,
      llmEvents: 0,
    } as const;
    await insertPopulation(client, shape, context.seed);
    await insertLlmUsage(client, Math.round(events / deployments / MODELS));
    await settle(client);
  });
  context.log(`${events} events are there`);
  const { apiUrl: url } = database;
  const db = await openDatabase({ url, maxConnections: 2, applicationName: 'bench' });
  return { view: scopeToTenant(db, TENANT), [Symbol.asyncDispose]: () => db.end() };
}

/** LLM usage of each deployment and model, and the buckets that ingestion would have added it to. */
async function insertLlmUsage(client: pg.Client, eventsPerModel: number): Promise<void> {
  await client.query(
    `INSERT INTO usage_buckets
       (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total)
     SELECT 'llm', tenant_id, deployment_id, 'llm_usage', $1::date, 'model-' || m, $2::bigint, $2::bigint * 0.125
     FROM deployments, generate_series(1, $3::int) m ORDER BY deployment_id, m`,
    [`${MONTH}-01`, eventsPerModel, MODELS],
  );
  await client.query(`
    INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
      charge_cents, currency, content_hash, bucket_id)
    SELECT b.bucket_id || '/' || n, b.tenant_id, b.deployment_id, b.model, b.service_month + interval '12 days',
      b.service_month, 0.125, 'AUD', '\\x00', b.bucket_id
    FROM usage_buckets b, generate_series(1, b.event_count) n WHERE b.source = 'llm'`);
}

/** Answers as the API does, without HTTP. */
async function timeAnswer({ view }: OpenTenant, events: number): Promise<number> {
  const startedAt = performance.now();
  const running = await runningMonthOf(view, TENANT, NOW);
  if (running === null) throw new Error('the tenant is gone');
  const answer = JSON.stringify(runningMonthToJson(running));
  const ms = performance.now() - startedAt;
  if (running.llm.requests !== events || !answer.includes('"total_cents"'))
    throw new Error(`${running.llm.requests} requests instead of ${events}`);
  return ms;
}
