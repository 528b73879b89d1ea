import { setTimeout as sleep } from 'node:timers/promises';
import { ATTACKS, STREAM_BYTES, countStreams, type Attack, type Scene } from './lib/attacks.ts';
import { createKeys } from './lib/api-keys.ts';
import { startApiProcess } from './lib/api-process.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import {
  describeCondition,
  socketsOf,
  untilIdle,
  watchApi,
  type Condition,
} from './lib/watch-api.ts';

/** Extra time after the clients' limits, for sockets and CPU to recover. */
const PATIENCE_SECONDS = 30;

/** The effects of hostile clients, most of them without a key, during and after their attacks. */
export const hostileConnections: Bench = {
  name: 'hostile-connections',
  title: 'The API under hostile connections',
  sizes: {
    streams: { full: 128, smoke: 8 },
    pipelined: { full: 1_500, smoke: 50 },
    clients: { full: 100, smoke: 8 },
    blankLines: { full: 100_000_000, smoke: 1_000_000 },
    timeoutSeconds: { full: 30, smoke: 1 },
  },
  async run(context) {
    await using servers = await context.startServers();
    const database = await servers.createDatabase();
    const keys = await createKeys(database);
    const figures: Figure[] = [];
    for (const attack of ATTACKS) {
      await using stack = new AsyncDisposableStack();
      const env = settings(attack, context);
      const api = await startApiProcess({ databaseUrl: database.apiUrl, env });
      stack.defer(() => api.stop());
      figures.push(...(await measure(attack, { api, database, context, keys, stack })));
    }
    return { figures };
  },
};

function settings({ env }: Attack, context: BenchContext): Record<string, string> {
  return {
    LOG_LEVEL: 'fatal',
    API_MAX_BODY_BYTES_IN_FLIGHT: String(sizeOf(context, 'streams') * STREAM_BYTES),
    API_CLIENT_TIMEOUT_SECONDS: String(sizeOf(context, 'timeoutSeconds')),
    // The rate limit for outsiders would end most attacks from one address before they began.
    API_STRANGER_REQUESTS_PER_MINUTE: '1000000',
    ...env?.(context),
  };
}

/** Measures an attack; the attackers stay until all measurements are done. */
async function measure(attack: Attack, scene: Scene): Promise<readonly Figure[]> {
  const { api, context } = scene;
  const { log } = context;
  const streamsBefore = await countStreams(scene);
  const before = await watchApi(api, sleep(1_000));
  const running = attack.run(scene);
  const [during, note] = await Promise.all([watchApi(api, running), running]);
  const patienceMs = (sizeOf(context, 'timeoutSeconds') + PATIENCE_SECONDS) * 1000;
  const deadline = performance.now() + patienceMs;
  while (socketsOf(api.pid) > before.sockets && performance.now() < deadline) await sleep(100);
  const startedAt = performance.now();
  const cpuSecondsAfter = await untilIdle(api, patienceMs);
  const busyMs = performance.now() - startedAt;
  const after = await watchApi(api, sleep(1_000));
  const streamsAfter = await countStreams(scene);
  log(`${attack.name}: ${note}`);
  log(`  before: ${describeCondition(before)}, room for ${streamsBefore} streams`);
  log(`  during: ${describeCondition(during)}`);
  log(`  ${cpuSecondsAfter.toFixed(1)} s of CPU in the ${(busyMs / 1000).toFixed(1)} s after it`);
  log(`  after:  ${describeCondition(after)}, room for ${streamsAfter} streams`);
  return toFigures(attack, note, { before, during, after, streamsBefore, streamsAfter });
}

interface Course {
  readonly before: Condition;
  readonly during: Condition;
  readonly after: Condition;
  readonly streamsBefore: number;
  readonly streamsAfter: number;
}

function toFigures({ name }: Attack, note: string, course: Course): readonly Figure[] {
  const { before, during, after, streamsBefore, streamsAfter } = course;
  return [
    {
      name: `${name}: memory`,
      measured: { value: during.memoryMb, unit: 'MB' },
      against: { value: before.memoryMb, unit: 'MB', name: 'before' },
      ratio: during.memoryMb / before.memoryMb,
      bound: { atMost: 3 },
      note: `${note}; ${after.memoryMb.toFixed(0)} MB after`,
    },
    {
      name: `${name}: the slowest \`/healthz\``,
      measured: { value: during.healthMs.worst, unit: 'ms' },
      against: { value: before.healthMs.worst, unit: 'ms', name: 'before' },
      ratio: during.healthMs.worst / before.healthMs.worst,
      note:
        `${during.refusedPercent.toFixed(0)} % refused; ${after.healthMs.worst.toFixed(0)} ms and ` +
        `${after.refusedPercent.toFixed(0)} % refused after`,
    },
    {
      name: `${name}: sockets after`,
      measured: { value: after.sockets, unit: 'sockets' },
      against: { value: before.sockets, unit: 'sockets', name: 'before' },
      ratio: after.sockets / before.sockets,
      bound: { atMost: 1.5 },
      note: `${during.sockets} during; ${during.cpuSeconds.toFixed(1)} s of CPU`,
    },
    {
      name: `${name}: room for bodies after`,
      measured: { value: streamsAfter, unit: 'streams' },
      against: { value: streamsBefore, unit: 'streams', name: 'before' },
      ratio: streamsAfter / streamsBefore,
      bound: { atLeast: 1 },
    },
  ];
}
