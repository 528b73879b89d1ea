import { setTimeout as sleep } from 'node:timers/promises';
import type { Activities } from '../src/activities/create-activities.ts';
import { createKey, generateApiKey } from '../src/db/access/api-keys.ts';
import { openDatabase } from '../src/db/pool.ts';
import { DEFAULT_SELLER_SETTINGS, insertSeller } from '../src/db/catalogue/seller-details.ts';
import { createKeys, type Keys } from './lib/api-keys.ts';
import { startApiProcess } from './lib/api-process.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { invoiceTenant } from './lib/invoice-tenant.ts';
import { quantile } from './lib/load.ts';
import { USUAL_TENANT, insertPopulation, settle, type PopulationShape } from './lib/population.ts';
import { openProduct } from './lib/product.ts';
import type { BenchDatabase, BenchServers } from './lib/servers.ts';
import { createUsageEvents, readPlaces } from './lib/usage-events.ts';
import { sendWaves, type HostileRequest, type Statuses } from './lib/waves.ts';

const PATH = '/api/v1/integrations/llm-usage';
const LARGE_BODY_BYTES = 2_000_000;
/** Time between posts of the gateway, whether or not the previous one is answered. */
const EVERY_MS = 20;

/** How much a tenant within its rate limit, or outsiders without a key, can slow ingestion. */
export const hostileTenant: Bench = {
  name: 'hostile-tenant',
  title: "A gateway's posts while a tenant asks for costly work",
  sizes: {
    lineEvents: { full: 200_000, smoke: 1000 },
    pages: { full: 40, smoke: 4 },
    documents: { full: 50, smoke: 4 },
    quotes: { full: 20, smoke: 2 },
    guesses: { full: 2000, smoke: 50 },
    quietSeconds: { full: 5, smoke: 1 },
  },
  async run(context) {
    await using servers = await context.startServers();
    const figures: Figure[] = [];
    for (const attack of ATTACKS) figures.push(...(await measure(attack, servers, context)));
    return { figures };
  },
};

interface Scene {
  readonly url: string;
  readonly keys: Keys;
  /** The first tenant's key. */
  readonly tenantKey: string;
  readonly invoiceIds: readonly string[];
}

interface Attack {
  readonly name: string;
  readonly shape: (context: BenchContext) => PopulationShape;
  readonly waves: (scene: Scene, context: BenchContext) => readonly (readonly HostileRequest[])[];
}

const FEW: PopulationShape = { ...USUAL_TENANT, tenants: 1 };

const ATTACKS: readonly Attack[] = [
  {
    name: 'parallel pages of the usage behind a line',
    shape: (context) => ({
      tenants: 1,
      subscriptionsPerTenant: 1,
      withAddon: false,
      meteredKinds: 0,
      recordsPerKind: 0,
      llmEvents: sizeOf(context, 'lineEvents'),
    }),
    waves: ({ url, tenantKey, invoiceIds }, context) => {
      const path = `${url}/api/v1/invoices/${invoiceIds[0]}/lines/2/usage?limit=10`;
      const page: HostileRequest = { method: 'GET', url: path, key: tenantKey };
      return repeat(3, () => repeat(sizeOf(context, 'pages'), () => page));
    },
  },
  {
    name: 'parallel PDFs',
    shape: (context) => ({ ...USUAL_TENANT, tenants: sizeOf(context, 'documents') }),
    waves: ({ url, keys, invoiceIds }) =>
      repeat(3, () =>
        invoiceIds.map((id): HostileRequest => ({
          method: 'GET',
          url: `${url}/api/v1/invoices/${id}.pdf`,
          key: keys.operator,
        })),
      ),
  },
  {
    name: 'quotes with 2 MB of unknown keys',
    shape: () => FEW,
    waves: ({ url, tenantKey }, context) => {
      const body = largeQuote();
      const quote: HostileRequest = {
        method: 'POST',
        url: `${url}/api/v1/quote`,
        key: tenantKey,
        body,
      };
      return repeat(3, () => repeat(sizeOf(context, 'quotes'), () => quote));
    },
  },
  {
    name: 'a flood of unknown keys',
    shape: () => FEW,
    waves: ({ url }, context) =>
      repeat(10, () =>
        repeat(Math.ceil(sizeOf(context, 'guesses') / 10), (): HostileRequest => ({
          method: 'GET',
          url: `${url}/api/v1/invoices`,
          key: generateApiKey('tenant'),
        })),
      ),
  },
];

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function largeQuote(): string {
  const fields = Array.from({ length: LARGE_BODY_BYTES / 16 }, (_, at) => `"k${at + 1e6}":"1"`);
  return `{"plan_code":"studio",${fields.join(',')}}`;
}

/** Before, during and after an attack, each attack with a new API process. */
async function measure(
  attack: Attack,
  servers: BenchServers,
  context: BenchContext,
): Promise<readonly Figure[]> {
  const database = await servers.createDatabase();
  const scene = await prepare(attack, database, servers, context);
  const env = { LOG_LEVEL: 'fatal', DATABASE_STATEMENT_TIMEOUT_SECONDS: '60' };
  const api = await startApiProcess({ databaseUrl: database.apiUrl, env });
  try {
    const postWhile = await createGateway(database, api.url, scene.keys.gateway, context);
    const quietMs = sizeOf(context, 'quietSeconds') * 1000;
    await postWhile(sleep(quietMs));
    const before = await postWhile(sleep(quietMs));
    const running = sendWaves(attack.waves({ ...scene, url: api.url }, context));
    const during = await postWhile(running);
    const statuses = await running;
    const after = await postWhile(sleep(quietMs));
    return toFigures(attack, { before, during, after }, statuses);
  } finally {
    await api.stop();
  }
}

/** Invoiced tenants, a seller, and keys. */
async function prepare(
  { shape }: Attack,
  database: BenchDatabase,
  servers: BenchServers,
  context: BenchContext,
): Promise<Omit<Scene, 'url'>> {
  await database.asSuperuser(async (client) => {
    await insertPopulation(client, shape(context), context.seed);
    await settle(client);
  });
  const { activities, [Symbol.asyncDispose]: dispose } = await openProduct(
    database,
    await servers.claimNamespace(),
  );
  try {
    await invoiceEverybody(database, activities);
  } finally {
    await dispose();
  }
  const db = await openDatabase({
    url: database.appUrl,
    maxConnections: 1,
    applicationName: 'bench',
  });
  try {
    await db.transaction((tx) => insertSeller(tx, 1, { ...SELLER, ...DEFAULT_SELLER_SETTINGS }));
    const label = 'hostile';
    const tenantId = 'tenant-000001';
    const { plainKey } = await createKey(db, { label, scope: 'tenant', tenantId });
    const invoiceIds = await database.asSuperuser(async (client) => {
      await settle(client);
      const found = await client.query<{ id: string }>(
        'SELECT invoice_id AS id FROM invoices ORDER BY number',
      );
      return found.rows.map(({ id }) => id);
    });
    return { keys: await createKeys(database), tenantKey: plainKey, invoiceIds };
  } finally {
    await db.end();
  }
}

const SELLER = {
  legal_name: 'Arcadia Cloud Pty Ltd',
  trading_name: null,
  abn: '51824753556',
  address: ['100 Harbour Street', 'Sydney NSW 2000'],
  email: null,
  payment_terms: null,
  payment_details: [],
};

async function invoiceEverybody(database: BenchDatabase, activities: Activities): Promise<void> {
  const tenantIds = await database.asSuperuser(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT tenant_id AS id FROM tenants ORDER BY tenant_id',
    );
    return rows.map(({ id }) => id);
  });
  for (const tenantId of tenantIds) await invoiceTenant(activities, tenantId);
}

interface Latencies {
  readonly posts: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Returns a function that posts single events at a steady rate until a promise settles. */
async function createGateway(
  database: BenchDatabase,
  url: string,
  key: string,
  { seed }: BenchContext,
): Promise<(lasting: Promise<unknown>) => Promise<Latencies>> {
  const places = await database.asSuperuser(readPlaces);
  const usage = createUsageEvents(places, { seed, prefix: 'sent', now: new Date() });
  const post = async (): Promise<number> => {
    const startedAt = performance.now();
    const response = await fetch(`${url}${PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(usage.llm()),
    });
    await response.arrayBuffer();
    if (response.status !== 201) throw new Error(`usage was answered ${response.status}`);
    return performance.now() - startedAt;
  };
  return async (lasting) => {
    const over = new AbortController();
    const ended = lasting.finally(() => {
      over.abort();
    });
    const posts: Promise<number>[] = [];
    do {
      posts.push(post());
      await sleep(EVERY_MS);
    } while (!over.signal.aborted);
    await ended;
    const latenciesMs = await Promise.all(posts);
    return {
      posts: latenciesMs.length,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
    };
  };
}

interface Course {
  readonly before: Latencies;
  readonly during: Latencies;
  readonly after: Latencies;
}

function toFigures(
  { name }: Attack,
  { before, during, after }: Course,
  statuses: Statuses,
): readonly Figure[] {
  const answers = Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
  return (['p50Ms', 'p99Ms'] as const).map((which): Figure => ({
    name: `${which.slice(0, 3)} of a gateway's posts during ${name}`,
    measured: { value: during[which], unit: 'ms' },
    against: { value: before[which], unit: 'ms', name: 'before' },
    ratio: during[which] / before[which],
    // While requests arrive at full rate the API is busy, so posts take several times as long.
    ...(which === 'p50Ms' && { bound: { atMost: 10 } }),
    note: `${after[which].toFixed(1)} ms after; ${during.posts} posts during; answered ${answers}`,
  }));
}
