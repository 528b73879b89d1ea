import { postAll } from '../src/client/gateway/post-all.ts';
import type { LlmUsageEvent } from '../src/cli/replay/trace-events.ts';
import type { PostResult, ResultStatus, UsageClient } from '../src/client/gateway/usage-client.ts';
import type { MeteredRecord } from './demo-usage.ts';

export interface Simulation {
  readonly gateway: UsageClient;
  readonly metering: UsageClient;
  readonly events: readonly LlmUsageEvent[];
  readonly records: readonly MeteredRecord[];
  /** Called with the number of events answered so far. */
  readonly onProgress: (answered: number) => void;
}

export interface SimulationResult {
  readonly llm: Readonly<Partial<Record<ResultStatus, number>>>;
  readonly metered: Readonly<Partial<Record<ResultStatus, number>>>;
}

/** As with real gateways, some events are sent one at a time and some are sent twice. */
const SINGLE_EVERY = 100;
const TWICE_EVERY = 20;
const BATCH_SIZE = 250;

/** The number of events that a simulation sends, including repeated ones. */
export function countPosts({ events, records }: Pick<Simulation, 'events' | 'records'>): number {
  return events.length + repeatedOf(events).length + records.length;
}

/** Sends a month of usage the way the gateway and the metering pipeline do. */
export async function simulateUsage(simulation: Simulation): Promise<SimulationResult> {
  const { gateway, metering, events, records, onProgress } = simulation;
  let answered = 0;
  const advance = (count: number) => {
    onProgress((answered += count));
  };
  const isSingle = (_: LlmUsageEvent, index: number) => index % SINGLE_EVERY === 0;
  const singles: PostResult[] = [];
  for (const event of events.filter(isSingle)) {
    singles.push(await gateway.postOne('llm', event));
    advance(1);
  }
  const batched = [
    ...events.filter((event, index) => !isSingle(event, index)),
    ...repeatedOf(events),
  ];
  const llm = await postAll(gateway, 'llm', batched, {
    batchSize: BATCH_SIZE,
    onProgress: (count) => onProgress(answered + count),
  });
  advance(batched.length);
  const metered = await postAll(metering, 'metered', records, {
    batchSize: BATCH_SIZE,
    onProgress: (count) => onProgress(answered + count),
  });
  return { llm: countStatuses([...singles, ...llm]), metered: countStatuses(metered) };
}

function repeatedOf(events: readonly LlmUsageEvent[]): readonly LlmUsageEvent[] {
  return events.filter((_, index) => index % TWICE_EVERY === 0);
}

function countStatuses(results: readonly PostResult[]) {
  const counts: Partial<Record<ResultStatus, number>> = {};
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
