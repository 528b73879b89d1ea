import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../dev/free-port.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import {
  readSlots,
  startHostileReceivers,
  type HostileReceivers,
  type Manner,
} from './lib/hostile-receivers.ts';
import { insertPopulation, settle, USUAL_TENANT } from './lib/population.ts';
import { runMonthEnd } from './lib/run-month-end.ts';
import type { BenchDatabase, BenchServers } from './lib/servers.ts';
import { startWorkerProcess } from './lib/worker-process.ts';

const WORKER_ENV = {
  SIGNING_MASTER_SECRETS: 'the master secret of the benches of receivers',
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
};
/** After the receivers have started to answer: two attempts of 10 s and a poll in between. */
const PATIENCE_SECONDS = 30;
const SAMPLE_EVERY_MS = 250;

/** A month end while webhook receivers try to hold on to the worker. */
export const hostileReceivers: Bench = {
  name: 'hostile-receivers',
  title: 'A month end beside hostile webhook receivers',
  sizes: {
    receivers: { full: 25, smoke: 2 },
    eventsPerReceiver: { full: 20, smoke: 2 },
    tenants: { full: 300, smoke: 4 },
    limitSeconds: { full: 90, smoke: 60 },
  },
  async run(context) {
    await using servers = await context.startServers();
    const without = await measure(context, servers, null);
    const figures: Figure[] = [];
    for (const manner of ['switch protocols', 'hang'] as const) {
      figures.push(...toFigures(manner, context, await measure(context, servers, manner), without));
    }
    return { figures };
  },
};

interface Course {
  /** 0 if the month was not closed within the limit. */
  readonly tenantsPerSecond: number;
  readonly before: Condition;
  /** Maximum in use, minimum free. */
  readonly during: Condition;
  readonly after: Condition;
}

interface Condition {
  readonly used: number;
  readonly free: number;
  readonly freeForMonths: number;
  readonly sockets: number;
}

/** @param manner how receivers respond to due events; null: no receivers */
async function measure(
  context: BenchContext,
  servers: BenchServers,
  manner: Manner | null,
): Promise<Course> {
  await using receivers = await startHostileReceivers();
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    await insertPopulation(
      client,
      { ...USUAL_TENANT, tenants: sizeOf(context, 'tenants') },
      context.seed,
    );
    await settle(client);
  });
  const namespace = await servers.claimNamespace();
  const [port = 0] = await freePorts([0]);
  const env = { ...WORKER_ENV, WORKER_METRICS_PORT: String(port) };
  await using worker = await startWorkerProcess({ servers, database, namespace, env });
  const look = async (): Promise<Condition> => ({
    ...(await readSlots(port)),
    sockets: receivers.sockets(),
  });

  const before = await look();
  if (manner !== null) {
    receivers.behave(manner);
    await registerReceivers(context, database, receivers);
    while (
      receivers.connections() < sizeOf(context, 'receivers') &&
      (await look()).freeForMonths > 0
    ) {
      await Promise.race([sleep(SAMPLE_EVERY_MS), worker.failure]);
    }
  }
  const during = watch(look);
  const run = runMonthEnd({ client: namespace.client, database, worker });
  const limit = new AbortController();
  const limitMs = sizeOf(context, 'limitSeconds') * 1000;
  const closed = await Promise.race([run, sleep(limitMs, null, { signal: limit.signal })]);
  limit.abort();
  // It keeps polling until its database is gone.
  if (closed === null) run.catch(() => undefined);
  const worst = await during.stop();
  receivers.behave('answer');
  const deadline = performance.now() + PATIENCE_SECONDS * 1000;
  let after = await look();
  while ((after.used > 0 || after.sockets > 0) && performance.now() < deadline) {
    await sleep(SAMPLE_EVERY_MS);
    after = await look();
  }
  const course = {
    tenantsPerSecond: closed?.tenantsPerSecond ?? 0,
    ...{ before, during: worst, after },
  };
  context.log(`receivers ${manner ?? 'none'}: ${describe(course)}`);
  return course;
}

/** Registers endpoints that have due events. The month end itself writes none for them. */
async function registerReceivers(
  context: BenchContext,
  database: BenchDatabase,
  receivers: HostileReceivers,
): Promise<void> {
  const urls = Array.from({ length: sizeOf(context, 'receivers') }, (_, at) => receivers.url(at));
  await database.asSuperuser((client) =>
    client.query(
      `WITH e AS (
         INSERT INTO webhook_endpoints (url, event_types)
         SELECT url, '{tenant.parked}' FROM unnest($1::text[]) url RETURNING endpoint_id
       ), s AS (
         INSERT INTO webhook_secrets (endpoint_id) SELECT endpoint_id FROM e
       ), v AS (
         INSERT INTO webhook_events (type, data)
         SELECT 'tenant.parked', '{}' FROM generate_series(1, $2::int) RETURNING event_id
       )
       SELECT array_agg(DISTINCT endpoint_id) AS endpoints, array_agg(DISTINCT event_id) AS events
       FROM e, v`,
      [urls, sizeOf(context, 'eventsPerReceiver')],
    ),
  );
  // Not in the same statement, which wouldn't see the new endpoints.
  await database.asSuperuser((client) =>
    client.query(`INSERT INTO webhook_deliveries (event_id, endpoint_id)
      SELECT event_id, endpoint_id FROM webhook_events, webhook_endpoints`),
  );
}

/** Samples until stopped. @returns the worst values seen */
function watch(look: () => Promise<Condition>) {
  const over = new AbortController();
  const watching = (async () => {
    let worst = await look();
    while (!over.signal.aborted) {
      await sleep(SAMPLE_EVERY_MS);
      const now = await look();
      worst = {
        used: Math.max(worst.used, now.used),
        free: Math.min(worst.free, now.free),
        freeForMonths: Math.min(worst.freeForMonths, now.freeForMonths),
        sockets: Math.max(worst.sockets, now.sockets),
      };
    }
    return worst;
  })();
  return {
    stop() {
      over.abort();
      return watching;
    },
  };
}

function describe({ tenantsPerSecond, before, during, after }: Course): string {
  const one = ({ used, free, freeForMonths, sockets }: Condition) =>
    `${used} activity slots used, ${free} free (${freeForMonths} for months), ${sockets} sockets`;
  const rate = tenantsPerSecond === 0 ? 'not closed' : `${tenantsPerSecond.toFixed(1)} tenants/s`;
  return `${rate}; before: ${one(before)}; during: ${one(during)}; after: ${one(after)}`;
}

function toFigures(
  manner: Manner,
  context: BenchContext,
  course: Course,
  without: Course,
): readonly Figure[] {
  const name = `${sizeOf(context, 'receivers')} receivers that ${manner}`;
  return [
    {
      name: `month end beside ${name}`,
      measured: { value: course.tenantsPerSecond, unit: 'tenants/s' },
      against: { value: without.tenantsPerSecond, unit: 'tenants/s', name: 'without receivers' },
      ratio: course.tenantsPerSecond / without.tenantsPerSecond,
      // Hanging attempts cost CPU too, and the machine has two cores: the month end is slower but finishes.
      bound: { atLeast: 0.5 },
      note: describe(course),
    },
    {
      name: `activity slots and sockets that are still taken, ${PATIENCE_SECONDS} s after ${name}`,
      measured: { value: course.after.used + course.after.sockets, unit: '' },
      bound: { atMost: 0 },
    },
  ];
}
