import { setTimeout as sleep } from 'node:timers/promises';
import { createKeys } from './lib/api-keys.ts';
import { startApiProcess } from './lib/api-process.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { postWhile, type LoadOptions, type LoadResult } from './lib/load.ts';
import { MONTH, USUAL_TENANT, insertPopulation, settle } from './lib/population.ts';
import { runMonthEnd } from './lib/run-month-end.ts';
import type { BenchDatabase, BenchServers } from './lib/servers.ts';
import { createUsageEvents, readPlaces } from './lib/usage-events.ts';
import { startWorkerProcess } from './lib/worker-process.ts';

const PATH = '/api/v1/integrations/llm-usage';
const BATCH = 500;

interface Sending {
  readonly name: string;
  readonly connections: number;
  readonly eventsPerRequest: number;
}

const SENDINGS: readonly Sending[] = [
  { name: 'single events', connections: 64, eventsPerRequest: 1 },
  { name: 'batches of 500', connections: 4, eventsPerRequest: BATCH },
];

/** What a month end costs senders that send usage at full rate at the same time. */
export const backpressure: Bench = {
  name: 'backpressure',
  title: 'Usage over HTTP while a month is closed',
  sizes: {
    tenants: { full: 1_000, smoke: 4 },
    idleSeconds: { full: 10, smoke: 1 },
  },
  async run(context) {
    await using servers = await context.startServers();
    const figures: Figure[] = [];
    for (const sending of SENDINGS) figures.push(await measure(sending, servers, context));
    return { figures };
  },
};

async function measure(
  { name, connections, eventsPerRequest }: Sending,
  servers: BenchServers,
  context: BenchContext,
): Promise<Figure> {
  const { seed, log } = context;
  const tenants = sizeOf(context, 'tenants');
  const idleSeconds = sizeOf(context, 'idleSeconds');
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    await insertPopulation(client, { ...USUAL_TENANT, tenants }, seed);
    await settle(client);
  });
  const namespace = await servers.claimNamespace();
  // API and PostgreSQL get the CPU first: docs/operations/monitor-and-tune.md recommends the same.
  const where = { servers, database, namespace, yieldsCpu: true };
  await using worker = await startWorkerProcess(where);
  await using stack = new AsyncDisposableStack();
  const api = await startApiProcess({
    databaseUrl: database.apiUrl,
    // The month is long past.
    env: { USAGE_MAX_AGE_DAYS: '36500' },
  });
  stack.defer(() => api.stop());
  const load: LoadOptions = {
    url: `${api.url}${PATH}`,
    key: (await createKeys(database)).gateway,
    connections,
  };
  const makeBody = await bodiesOf(database, seed, eventsPerRequest);

  // Warmed up; otherwise the comparison value would be too high.
  await postWhile(load, makeBody, sleep(idleSeconds * 1000));
  const idle = await postWhile(load, makeBody, sleep(idleSeconds * 1000));
  const run = runMonthEnd({ client: namespace.client, database, worker });
  const busy = await postWhile(load, makeBody, run);
  const { tenantsPerSecond } = await run;

  const rate = ({ requests, seconds }: LoadResult) =>
    Math.round((requests * eventsPerRequest) / seconds);
  log(
    `${name}: ${rate(idle)} events/s, p99 ${idle.latency.p99Ms.toFixed(0)} ms; while the month is ` +
      `closed ${rate(busy)} events/s, p99 ${busy.latency.p99Ms.toFixed(0)} ms`,
  );
  return {
    name: `p99 of ${name} while a month is closed`,
    measured: { value: busy.latency.p99Ms, unit: 'ms' },
    against: { value: idle.latency.p99Ms, unit: 'ms', name: 'the same without a month end' },
    ratio: busy.latency.p99Ms / idle.latency.p99Ms,
    bound: { atMost: 3 },
    note:
      `${connections} connections; ${rate(busy)} of ${rate(idle)} events/s, and ` +
      `${tenantsPerSecond.toFixed(1)} tenants/s`,
  };
}

/** Usage around the end of the month being closed: half of it is late and competes with the seal. */
async function bodiesOf(
  database: BenchDatabase,
  seed: number,
  eventsPerRequest: number,
): Promise<() => string> {
  const places = await database.asSuperuser(readPlaces);
  const [year = 0, month = 0] = MONTH.split('-').map(Number);
  const halfAMinuteAfter = new Date(Date.UTC(year, month, 1, 0, 0, 30));
  const usage = createUsageEvents(places, { seed, prefix: 'sent', now: halfAMinuteAfter });
  return () =>
    JSON.stringify(
      eventsPerRequest === 1
        ? usage.llm()
        : { events: Array.from({ length: eventsPerRequest }, () => usage.llm()) },
    );
}
