import pg from 'pg';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { createBareTable, insertBare, readRows, type LedgerTable } from './lib/bare-inserts.ts';
import { cpuText, measureCpu, type CpuPerEvent } from './lib/ingestion-cpu.ts';
import { startIngestionServers, type IngestionServers } from './lib/ingestion-servers.ts';
import { post } from './lib/load.ts';
import { byMedian } from './lib/median.ts';
import { createUsageEvents } from './lib/usage-events.ts';

/** Events per request. */
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

/** The result of one way of writing events; the rate is in events per second. */
interface Written {
  readonly rate: number;
  readonly cpu: CpuPerEvent | null;
}

/** The results of all ways of writing the same events, one after another. */
interface Round {
  readonly overHttp: Written;
  readonly fromAll: Written;
  readonly fromOne: Written;
}

/** Batches, acknowledged after commit, compared with the same rows in bare statements. */
export const ingestionBatches: Bench = {
  name: 'ingestion-batches',
  title: 'Batches of usage over HTTP',
  sizes: {
    events: { full: 100_000, smoke: 2_000 },
    deployments: { full: 1_000, smoke: 20 },
    connections: { full: 32, smoke: 2 },
    rounds: { full: 5, smoke: 1 },
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

  const measured: Round[] = [];
  // The first round warms everything up.
  for (let round = 0; round <= rounds; round += 1) {
    const prefix = `${kind.source}-${round}`;
    const batches = makeBatches(kind, servers, { prefix, context });
    const sent = batches.length * BATCH;
    const write = async (table: string, work: () => Promise<number>): Promise<Written> => {
      await client.query('CHECKPOINT');
      const { result: seconds, cpu } = await measureCpu(servers, sent, work);
      await expectStored(client, table, sent * (round + 1));
      return { rate: sent / seconds, cpu };
    };
    const url = `${servers.api.url}${kind.path}`;
    const overHttp = await write(kind.table.name, async () => {
      const load = await post({ url, key: servers.keys[kind.key], connections }, batches);
      return load.seconds;
    });
    const rows = await readRows(client, kind.table, `${prefix}-`);
    const bare = (table: string, writers: readonly pg.Client[]) =>
      write(table, () => insertBare(writers, table, rows));
    const fromAll = await bare(bareTables.fromAll, clients);
    const fromOne = await bare(bareTables.fromOne, [client]);
    if (round > 0) measured.push({ overHttp, fromAll, fromOne });
    context.log(
      `${kind.source}, round ${round}: ${overHttp.rate.toFixed(0)} over HTTP ` +
        `(${cpuText(overHttp.cpu)}), bare ${fromAll.rate.toFixed(0)} from all connections ` +
        `(${cpuText(fromAll.cpu)}), ${fromOne.rate.toFixed(0)} from one`,
    );
  }
  return [
    {
      ...compare(measured, 'fromAll', 'from as many connections'),
      name: kind.name,
    },
    {
      ...compare(measured, 'fromOne', 'from one connection'),
      name: `${kind.name}, against one writer`,
    },
  ];
}

/**
 * Returns the round with the median ratio. A machine's speed changes from minute to minute, so only
 * values measured right after each other are compared.
 */
function compare(rounds: readonly Round[], limit: 'fromAll' | 'fromOne', how: string) {
  const ratioOf = (round: Round) => round.overHttp.rate / round[limit].rate;
  const round = byMedian(rounds, ratioOf);
  return {
    measured: { value: round.overHttp.rate, unit: 'events/s' },
    against: {
      value: round[limit].rate,
      unit: 'events/s',
      name: `the same rows, 1,000 to an INSERT, ${how}`,
    },
    ratio: ratioOf(round),
    note: `over HTTP: ${cpuText(round.overHttp.cpu)}; bare: ${cpuText(round[limit].cpu)}`,
  };
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

/** @throws Error if a row is missing or duplicated: such a figure would be meaningless */
async function expectStored(client: pg.Client, table: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  const stored = Number(rows[0]?.count);
  if (stored !== expected) throw new Error(`${table} has ${stored} rows, not ${expected}`);
}
