import pg from 'pg';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { createBareTable, insertBare, readRows, type LedgerTable } from './lib/bare-inserts.ts';
import { cpuText, measureCpu, type CpuPerEvent } from './lib/ingestion-cpu.ts';
import { startIngestionServers, type IngestionServers } from './lib/ingestion-servers.ts';
import { post } from './lib/load.ts';
import { byMedian, describeRange, median } from './lib/median.ts';
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
  /** Bounds of the CPU time of an event, relative to that of a bare row in PostgreSQL. */
  readonly bounds?: { readonly api: number; readonly postgres: number };
}

const LLM: Kind = {
  name: 'LLM event',
  source: 'llm',
  path: '/api/v1/integrations/llm-usage',
  field: 'events',
  key: 'gateway',
  table: { name: 'llm_usage_events', id: 'gateway_request_id' },
  bounds: { api: 1.2, postgres: 1.6 },
};
const METERED: Kind = {
  name: 'metered record',
  source: 'metered',
  path: '/api/v1/integrations/metered-usage',
  field: 'records',
  key: 'metering',
  table: { name: 'metered_usage_records', id: 'record_id' },
};

/** The result of one way of writing events; the rate is in events per second. */
interface Written {
  readonly rate: number;
  readonly cpu: CpuPerEvent | null;
}

/** The results of all ways of writing the same events, one after another. */
interface Round {
  readonly overHttp: Written;
  readonly bare: Written;
  /** LLM events of a single model; null for metered records. */
  readonly oneModel: Written | null;
}

/**
 * Batches, acknowledged after commit: their CPU time, compared with the same rows in bare statements. Rates say more
 * about a machine's cores and disk than about the code, so only the ratios of CPU time have bounds.
 */
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
    for (const kind of [LLM, METERED]) figures.push(...(await measure(kind, servers, context)));
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
  const bareTable = await createBareTable(client, kind.table, 'bare');

  const requests = Math.ceil(sizeOf(context, 'events') / BATCH);
  const events = requests * BATCH;
  const storedIn = new Map<string, number>();
  const write = async (table: string, work: () => Promise<number>): Promise<Written> => {
    await client.query('CHECKPOINT');
    const { result: seconds, cpu } = await measureCpu(servers, events, work);
    storedIn.set(table, (storedIn.get(table) ?? 0) + events);
    await expectStored(client, table, storedIn.get(table) ?? 0);
    return { rate: events / seconds, cpu };
  };
  const send = (prefix: string, models?: number): Promise<Written> => {
    const { seed } = context;
    const usage = createUsageEvents(servers.places, {
      ...{ seed, prefix, now: new Date() },
      ...(models !== undefined && { models }),
    });
    const bodies = Array.from({ length: requests }, () =>
      JSON.stringify({ [kind.field]: Array.from({ length: BATCH }, () => usage[kind.source]()) }),
    );
    const load = {
      url: `${servers.api.url}${kind.path}`,
      key: servers.keys[kind.key],
      connections,
    };
    return write(kind.table.name, async () => (await post(load, bodies)).seconds);
  };

  const measured: Round[] = [];
  // The first round warms everything up.
  for (let round = 0; round <= rounds; round += 1) {
    const prefix = `${kind.source}-${round}`;
    const sendOne = (): Promise<Written | null> =>
      kind.source === 'llm' ? send(`one-${prefix}`, 1) : Promise.resolve(null);
    // They take turns in being first.
    const early = round % 2 === 0 ? await sendOne() : null;
    const overHttp = await send(prefix);
    const oneModel = early ?? (await sendOne());
    const rows = await readRows(client, kind.table, `${prefix}-`);
    const bare = await write(bareTable, () => insertBare(clients, bareTable, rows));
    if (round > 0) measured.push({ overHttp, bare, oneModel });
    context.log(
      `${kind.source}, round ${round}: ${textOf(overHttp)}; bare ${textOf(bare)}` +
        (oneModel ? `; one model ${textOf(oneModel)}` : ''),
    );
  }
  return [rateOf(kind, measured), ...cpuOf(kind, measured), ...costOfModels(measured)];
}

function textOf({ rate, cpu }: Written): string {
  return `${rate.toFixed(0)} events/s (${cpuText(cpu)})`;
}

function rateOf({ name }: Kind, rounds: readonly Round[]): Figure {
  const rates = rounds.map(({ overHttp }) => overHttp.rate);
  return {
    name: `${name}s in batches of 500 over HTTP`,
    measured: { value: median(rates), unit: 'events/s' },
    against: {
      value: median(rounds.map(({ bare }) => bare.rate)),
      unit: 'events/s',
      name: 'the same rows, 1,000 to an INSERT, from as many connections',
    },
    note: `${rounds.length} rounds, ${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`,
  };
}

/**
 * Returns the CPU time of an event in PostgreSQL and in the API, each in the round with the median ratio. A machine's
 * speed changes from minute to minute, so only values measured right after each other are compared.
 */
function cpuOf({ name, bounds }: Kind, rounds: readonly Round[]): readonly Figure[] {
  const comparable = rounds.flatMap(({ overHttp, bare }) =>
    overHttp.cpu && bare.cpu ? { event: overHttp.cpu, row: bare.cpu.postgres } : [],
  );
  if (comparable.length === 0) return [];
  return (['postgres', 'api'] as const).map((of): Figure => {
    const ratioOf = ({ event, row }: (typeof comparable)[number]) => event[of] / row;
    const round = byMedian(comparable, ratioOf);
    return {
      name: `${name}: CPU of ${of === 'api' ? 'the API' : 'PostgreSQL'}`,
      measured: { value: round.event[of], unit: 'µs' },
      against: { value: round.row, unit: 'µs', name: "PostgreSQL's for a row of bare INSERTs" },
      ratio: ratioOf(round),
      ...(bounds && { bound: { atMost: bounds[of] } }),
      note: describeRange(comparable.map(ratioOf)),
    };
  });
}

/**
 * Returns what three models cost, because each has a bucket of its own in a deployment's month: with a thousand
 * deployments, most events of a group are the only ones of theirs. It has no bound, because it is a matter of the group's
 * size; the bounds of `cpuOf` are for three models.
 */
function costOfModels(rounds: readonly Round[]): readonly Figure[] {
  const total = ({ api, postgres }: CpuPerEvent) => api + postgres;
  const comparable = rounds.flatMap(({ overHttp, oneModel }) =>
    overHttp.cpu && oneModel?.cpu ? { three: total(overHttp.cpu), one: total(oneModel.cpu) } : [],
  );
  if (comparable.length === 0) return [];
  const ratioOf = ({ three, one }: (typeof comparable)[number]) => three / one;
  const round = byMedian(comparable, ratioOf);
  return [
    {
      name: 'LLM event: CPU of both with three models per deployment',
      measured: { value: round.three, unit: 'µs' },
      against: { value: round.one, unit: 'µs', name: 'one model' },
      ratio: ratioOf(round),
      note: describeRange(comparable.map(ratioOf)),
    },
  ];
}

/** @throws Error if a row is missing or duplicated: such a figure would be meaningless */
async function expectStored(client: pg.Client, table: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  const stored = Number(rows[0]?.count);
  if (stored !== expected) throw new Error(`${table} has ${stored} rows, not ${expected}`);
}
