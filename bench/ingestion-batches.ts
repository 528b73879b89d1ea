import pg from 'pg';
import type { Bench, BenchContext, Figure } from './lib/bench.ts';
import { createBareTable, insertBare, readRows, type LedgerTable } from './lib/bare-inserts.ts';
import { startIngestionServers, type IngestionServers } from './lib/ingestion-servers.ts';
import { median, post } from './lib/load.ts';
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
    connections: { full: 4, smoke: 2 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    await using servers = await startIngestionServers(context.sizes.deployments ?? 1);
    const figures: Figure[] = [];
    for (const kind of KINDS) figures.push(await measure(kind, servers, context));
    return { figures };
  },
};

async function measure(
  kind: Kind,
  servers: IngestionServers,
  { sizes, seed, log }: BenchContext,
): Promise<Figure> {
  const { events = BATCH, connections = 1, rounds = 1 } = sizes;
  await using stack = new AsyncDisposableStack();
  const clients: pg.Client[] = [];
  for (let count = 0; count < connections; count += 1) {
    const client = new pg.Client({ connectionString: servers.superuserUrl });
    await client.connect();
    stack.defer(() => client.end());
    clients.push(client);
  }
  const [client] = clients;
  if (client === undefined) throw new Error('there has to be a connection');
  const bareTable = await createBareTable(client, kind.table);

  const overHttp: number[] = [];
  const bare: number[] = [];
  // The first round warms both up.
  for (let round = 0; round <= rounds; round += 1) {
    const prefix = `${kind.source}-${round}`;
    const usage = createUsageEvents(servers.places, {
      seed: seed + round,
      prefix,
      now: new Date(),
    });
    const batches = Array.from({ length: Math.ceil(events / BATCH) }, () =>
      JSON.stringify({ [kind.field]: Array.from({ length: BATCH }, () => usage[kind.source]()) }),
    );
    const sent = batches.length * BATCH;
    await client.query('CHECKPOINT');
    const load = await post(
      {
        url: `${servers.api.url}${kind.path}`,
        key: servers.keys[kind.key],
        connections,
      },
      batches,
    );
    await expectStored(client, kind.table.name, sent * (round + 1));
    const rows = await readRows(client, kind.table, `${prefix}-`);
    await client.query('CHECKPOINT');
    const bareSeconds = await insertBare(clients, bareTable, rows);
    await expectStored(client, bareTable, sent * (round + 1));
    const rates = [sent / load.seconds, sent / bareSeconds] as const;
    log(
      `${kind.source}, round ${round}: ${rates[0].toFixed(0)} over HTTP (p99 ` +
        `${load.latency.p99Ms.toFixed(0)} ms), ${rates[1].toFixed(0)} bare`,
    );
    if (round === 0) continue;
    overHttp.push(rates[0]);
    bare.push(rates[1]);
  }

  const measured = median(overHttp);
  const limit = median(bare);
  return {
    name: kind.name,
    measured: { value: measured, unit: 'events/s' },
    against: { value: limit, unit: 'events/s', name: 'the same rows, 1,000 to a bare INSERT' },
    ratio: measured / limit,
    bound: { atLeast: 0.4 },
    note: `${connections} connections each, ${servers.places.length} deployments`,
  };
}

/** @throws Error where a row is missing or there twice: such a figure would mean nothing */
async function expectStored(client: pg.Client, table: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  const stored = Number(rows[0]?.count);
  if (stored !== expected) throw new Error(`${table} has ${stored} rows, not ${expected}`);
}
