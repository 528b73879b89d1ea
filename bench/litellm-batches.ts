import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { MAX_LITELLM_BYTES } from '../src/api/routes/litellm-route.ts';
import { createKey } from '../src/db/access/api-keys.ts';
import { openDatabase } from '../src/db/pool.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { cpuText, measureCpu, type CpuPerEvent } from './lib/ingestion-cpu.ts';
import { startIngestionServers, type IngestionServers } from './lib/ingestion-servers.ts';
import { asOwnEvent, createLitellmEvents } from './lib/litellm-events.ts';
import { postLarge } from './lib/load.ts';
import { byMedian, describeRange } from './lib/median.ts';
import { watchApi } from './lib/watch-api.ts';

const LITELLM = '/api/v1/integrations/litellm';
const OWN = '/api/v1/integrations/llm-usage';
/** A full batch of LiteLLM, and one of ours. */
const LITELLM_BATCH = 512;
const OWN_BATCH = 500;
/** The deployments of benches are billed in it. */
const CURRENCY = 'AUD';

/** Batches as LiteLLM sends them, compared with our own batches of the same events. */
export const litellmBatches: Bench = {
  name: 'litellm-batches',
  title: 'Batches of LiteLLM over HTTP',
  sizes: {
    batches: { full: 40, smoke: 2 },
    deployments: { full: 1_000, smoke: 20 },
    connections: { full: 8, smoke: 2 },
    rounds: { full: 5, smoke: 1 },
  },
  async run(context) {
    await using servers = await startIngestionServers(context, sizeOf(context, 'deployments'));
    const key = await createGatewayKey(servers);
    const memory = await measureMemory(servers, key, context);
    return { figures: [await measureRate(servers, key, context), memory] };
  },
};

async function createGatewayKey({ database }: IngestionServers): Promise<string> {
  const db = await openDatabase({
    url: database.appUrl,
    maxConnections: 1,
    applicationName: 'bench',
  });
  try {
    const key = { label: 'litellm', scope: 'gateway', currency: CURRENCY } as const;
    return (await createKey(db, key)).plainKey;
  } finally {
    await db.end();
  }
}

interface Round {
  readonly litellm: number;
  readonly own: number;
  readonly cpu: { readonly litellm: CpuPerEvent | null; readonly own: CpuPerEvent | null };
}

async function measureRate(
  servers: IngestionServers,
  key: string,
  context: BenchContext,
): Promise<Figure> {
  const { api, places } = servers;
  const connections = sizeOf(context, 'connections');
  const count = sizeOf(context, 'batches') * LITELLM_BATCH;
  const measured: Round[] = [];
  const ratioOf = ({ litellm, own }: Round) => litellm / own;
  // The first round warms both up.
  for (let round = 0; round <= sizeOf(context, 'rounds'); round += 1) {
    const now = new Date();
    const source = createLitellmEvents(places, { seed: context.seed, prefix: `r${round}`, now });
    const events = Array.from({ length: count }, () => source.next());
    const own = events.map((text, index) => asOwnEvent(text, CURRENCY, `own-${round}-${index}`));
    const write = async (path: string, texts: readonly string[]) => {
      // Encoded beforehand: the sender shares the machine.
      const bodies = texts.map((text) => Buffer.from(text));
      const before = await countEvents(servers);
      const load = { url: `${api.url}${path}`, key, connections };
      const { result: seconds, cpu } = await measureCpu(servers, count, () =>
        postLarge(load, bodies),
      );
      const stored = (await countEvents(servers)) - before;
      if (stored !== count) throw new Error(`${stored} of ${count} events were stored`);
      return { rate: count / seconds, cpu };
    };
    const batches = chunks(events, LITELLM_BATCH).map((batch) => `[${batch.join(', ')}]`);
    const litellm = await write(LITELLM, batches);
    const ofOwn = await write(
      OWN,
      chunks(own, OWN_BATCH).map((batch) => JSON.stringify({ events: batch })),
    );
    context.log(
      `round ${round}: LiteLLM ${litellm.rate.toFixed(0)} (${cpuText(litellm.cpu)}), ` +
        `our own ${ofOwn.rate.toFixed(0)} (${cpuText(ofOwn.cpu)})`,
    );
    const cpu = { litellm: litellm.cpu, own: ofOwn.cpu };
    if (round > 0) measured.push({ litellm: litellm.rate, own: ofOwn.rate, cpu });
  }
  const round = byMedian(measured, ratioOf);
  return {
    name: 'batches of 512 events of LiteLLM, 13 KB each',
    measured: { value: round.litellm, unit: 'events/s' },
    against: {
      value: round.own,
      unit: 'events/s',
      name: 'the same events in our own batches of 500',
    },
    ratio: ratioOf(round),
    bound: { atLeast: 0.5 },
    note:
      `${describeRange(measured.map(ratioOf))}; LiteLLM: ${cpuText(round.cpu.litellm)}; ` +
      `our own: ${cpuText(round.cpu.own)}`,
  };
}

async function measureMemory(
  servers: IngestionServers,
  key: string,
  { seed, log }: BenchContext,
): Promise<Figure> {
  const { api, places } = servers;
  const source = createLitellmEvents(places, { seed, prefix: 'memory', now: new Date() });
  const events: string[] = [];
  // The brackets, and a comma for each event.
  for (let bytes = 2; ;) {
    const event = source.next();
    bytes += event.length + 1;
    if (bytes > MAX_LITELLM_BYTES) break;
    events.push(event);
  }
  const send = async (body: string) => {
    const response = await fetch(`${api.url}${LITELLM}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body,
    });
    if (response.status !== 200) throw new Error(`the body was answered with ${response.status}`);
  };
  // A process that has had a full batch: what the first one loads and compiles is not the body's.
  await send(`[${Array.from({ length: LITELLM_BATCH }, () => source.next()).join()}]`);
  const idle = await watchApi(api, sleep(1_000));
  const during = await watchApi(api, send(`[${events.join()}]`));
  const added = during.memoryMb - idle.memoryMb;
  log(`memory: ${idle.memoryMb.toFixed(0)} MiB idle, ${during.memoryMb.toFixed(0)} during`);
  return {
    name: 'memory that a body of 64 MiB takes',
    measured: { value: added, unit: 'MiB' },
    bound: { atMost: 64 },
    note: `${events.length} events; ${idle.memoryMb.toFixed(0)} MiB when idle`,
  };
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

async function countEvents({ database }: IngestionServers): Promise<number> {
  const client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM llm_usage_events');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
