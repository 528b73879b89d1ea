import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { cpuText, measureCpu, type CpuPerEvent } from './lib/ingestion-cpu.ts';
import { startIngestionServers } from './lib/ingestion-servers.ts';
import { post } from './lib/load.ts';
import { median } from './lib/median.ts';
import { createUsageEvents } from './lib/usage-events.ts';

const PATH = '/api/v1/integrations/llm-usage';

/** Single events, acknowledged after commit, compared with the same route without a ledger. */
export const ingestionSingles: Bench = {
  name: 'ingestion-singles',
  title: 'Single events over HTTP',
  sizes: {
    events: { full: 30_000, smoke: 200 },
    deployments: { full: 1_000, smoke: 20 },
    connections: { full: 64, smoke: 8 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    return { figures: [await measure(context)] };
  },
};

async function measure(context: BenchContext): Promise<Figure> {
  const { seed, log } = context;
  const events = sizeOf(context, 'events');
  const connections = sizeOf(context, 'connections');
  const rounds = sizeOf(context, 'rounds');
  await using servers = await startIngestionServers(context, sizeOf(context, 'deployments'));
  const { api, keys, places } = servers;
  const stored: number[] = [];
  const echoed: number[] = [];
  let cpuOfLast: CpuPerEvent | null = null;
  // The first round warms both up.
  for (let round = 0; round <= rounds; round += 1) {
    const prefix = `round-${round}`;
    const usage = createUsageEvents(places, { seed: seed + round, prefix, now: new Date() });
    const bodies = Array.from({ length: events }, () => JSON.stringify(usage.llm()));
    const load = { key: keys.gateway, connections };
    const echo = await post({ ...load, url: `${api.echoUrl}${PATH}` }, bodies);
    const { result: real, cpu } = await measureCpu(servers, events, () =>
      post({ ...load, url: `${api.url}${PATH}` }, bodies),
    );
    const rates = [events / real.seconds, events / echo.seconds] as const;
    log(
      `round ${round}: ${rates[0].toFixed(0)} stored (p99 ${real.latency.p99Ms.toFixed(1)} ms), ` +
        `${rates[1].toFixed(0)} echoed (p99 ${echo.latency.p99Ms.toFixed(1)} ms)`,
    );
    if (round === 0) continue;
    stored.push(rates[0]);
    echoed.push(rates[1]);
    cpuOfLast = cpu;
  }
  const measured = median(stored);
  const limit = median(echoed);
  return {
    name: 'single events over HTTP',
    measured: { value: measured, unit: 'requests/s' },
    against: { value: limit, unit: 'requests/s', name: 'the same route, which only echoes' },
    ratio: measured / limit,
    note: `${connections} connections, ${places.length} deployments; ${cpuText(cpuOfLast)}`,
  };
}
