import pg from 'pg';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { createBareTable, insertBare, readRows, type LedgerTable } from './lib/bare-inserts.ts';
import { startIngestionServers, type IngestionServers } from './lib/ingestion-servers.ts';
import { post } from './lib/load.ts';
import { median } from './lib/median.ts';
import { createUsageEvents } from './lib/usage-events.ts';

/** How many events one request holds. */
const BATCH = 500;

interface Kind {
  readonly name: string;
  readonly source: 'llm' | 'metered';
  readonly path: string;
  readonly field: string;
  readonly key: keyof IngestionServers['keys'];
  readonly table: LedgerTable;
}

const KINDS: readonly Kind[] = [
  {
    name: 'LLM events in batches of 500 over HTTP',
    source: 'llm',
    path: '/api/v1/integrations/llm-usage',
    field: 'events',
    key: 'gateway',
    table: { name: 'llm_usage_events', id: 'gateway_request_id' },
  },
  {
    name: 'metered records in batches of 500 over HTTP',
    source: 'metered',
    path: '/api/v1/integrations/metered-usage',
    field: 'records',
    key: 'metering',
    table: { name: 'metered_usage_records', id: 'record_id' },
  },
];

/** Batches, acknowledged after commit, against the same rows by bare statements. */
export const ingestionBatches: Bench = {
  name: 'ingestion-batches',
  title: 'Batches of usage over HTTP',
  sizes: {
    events: { full: 100_000, smoke: 2_000 },
    deployments: { full: 1_000, smoke: 20 },
    connections: { full: 8, smoke: 2 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    await using servers = await startIngestionServers(context, sizeOf(context, 'deployments'));
    const figures: Figure[] = [];
    for (const kind of KINDS) figures.push(...(await measure(kind, servers, context)));
    return { figures };
  },
};

async function measure(
  kind: Kind,
  servers: IngestionServers,
  context: BenchContext,
): Promise<readonly Figure[]> {
  const connections = sizeOf(context, 'connections');
  const rounds = sizeOf(context, 'rounds');
  await using stack = new AsyncDisposableStack();
  const clients: pg.Client[] = [];
  for (let count = 0; count < connections; count += 1) {
    const client = new pg.Client({ connectionString: servers.database.superuserUrl });
    await client.connect();
    stack.defer(() => client.end());
    clients.push(client);
  }
  const [client] = clients;
  if (client === undefined) throw new Error('there has to be a connection');
  const bareTables = {
    fromAll: await createBareTable(client, kind.table, 'from_all'),
    fromOne: await createBareTable(client, kind.table, 'from_one'),
  };

  const rates: { overHttp: number; fromAll: number; fromOne: number }[] = [];
  // The first round warms all of them up.
  for (let round = 0; round <= rounds; round += 1) {
    const prefix = `${kind.source}-${round}`;
    const batches = makeBatches(kind, servers, { prefix, context });
    const sent = batches.length * BATCH;
    const expected = sent * (round + 1);
    await client.query('CHECKPOINT');
    const url = `${servers.api.url}${kind.path}`;
    const load = await post({ url, key: servers.keys[kind.key], connections }, batches);
    await expectStored(client, kind.table.name, expected);
    const rows = await readRows(client, kind.table, `${prefix}-`);
    const write = async (table: string, writers: readonly pg.Client[]) => {
      await client.query('CHECKPOINT');
      const seconds = await insertBare(writers, table, rows);
      await expectStored(client, table, expected);
      return sent / seconds;
    };
    const rate = {
      overHttp: sent / load.seconds,
      fromAll: await write(bareTables.fromAll, clients),
      fromOne: await write(bareTables.fromOne, [client]),
    };
    if (round > 0) rates.push(rate);
    context.log(
      `${kind.source}, round ${round}: ${rate.overHttp.toFixed(0)} over HTTP (p99 ` +
        `${load.latency.p99Ms.toFixed(0)} ms), bare ${rate.fromAll.toFixed(0)} from all ` +
        `connections, ${rate.fromOne.toFixed(0)} from one`,
    );
  }
  const overHttp = median(rates.map((rate) => rate.overHttp));
  const against = (name: string, limit: number) => ({
    measured: { value: overHttp, unit: 'events/s' },
    against: { value: limit, unit: 'events/s', name: `the same rows, 1,000 to an INSERT, ${name}` },
    ratio: overHttp / limit,
  });
  return [
    {
      ...against('from as many connections', median(rates.map(({ fromAll }) => fromAll))),
      name: kind.name,
      bound: { atLeast: 0.4 },
      note: `${connections} connections, ${servers.places.length} deployments`,
    },
    {
      ...against('from one connection', median(rates.map(({ fromOne }) => fromOne))),
      name: `${kind.name}, against one writer`,
      note: 'the API writes each source from two connections',
    },
  ];
}

/** @returns the bodies of the requests */
function makeBatches(
  { source, field }: Kind,
  { places }: IngestionServers,
  { prefix, context }: { readonly prefix: string; readonly context: BenchContext },
): readonly string[] {
  const events = sizeOf(context, 'events');
  const usage = createUsageEvents(places, { seed: context.seed, prefix, now: new Date() });
  return Array.from({ length: Math.ceil(events / BATCH) }, () =>
    JSON.stringify({ [field]: Array.from({ length: BATCH }, () => usage[source]()) }),
  );
}

/** @throws Error where a row is missing or there twice: such a figure would mean nothing */
async function expectStored(client: pg.Client, table: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  const stored = Number(rows[0]?.count);
  if (stored !== expected) throw new Error(`${table} has ${stored} rows, not ${expected}`);
}
