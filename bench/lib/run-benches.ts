import { describeMachine } from '../../test/_util/machine.ts';
import type { Bench, BenchContext } from './bench.ts';
import { startBenchServers, type BenchServers, type ServerOptions } from './servers.ts';
import type { BenchResult } from './results.ts';

export interface RunOptions {
  readonly isSmoke: boolean;
  readonly seed: number;
  readonly sizes: Readonly<Record<string, number>>;
  readonly log: (message: string) => void;
}

/** The outcome of a bench: its result, or why it has none. */
export type BenchOutcome =
  | { readonly bench: Bench; readonly result: BenchResult }
  | { readonly bench: Bench; readonly error: unknown };

/** Runs benches one after another; a failed bench doesn't stop the others. */
export async function* runBenches(
  benches: readonly Bench[],
  options: RunOptions,
): AsyncGenerator<BenchOutcome> {
  await using shared = new SharedServers();
  for (const bench of benches) {
    try {
      yield { bench, result: await runBench(bench, options, shared) };
    } catch (error) {
      yield { bench, error };
    }
  }
}

async function runBench(
  bench: Bench,
  { isSmoke, seed, sizes, log }: RunOptions,
  shared: SharedServers,
): Promise<BenchResult> {
  const context: BenchContext = {
    isSmoke,
    seed,
    sizes: Object.fromEntries(
      Object.entries(bench.sizes).map(([name, { full, smoke }]) => [
        name,
        sizes[name] ?? (isSmoke ? smoke : full),
      ]),
    ),
    log: (message) => log(`${bench.name}: ${message}`),
    startServers: isSmoke ? (servers) => shared.use(servers) : startBenchServers,
  };
  const startedAt = performance.now();
  const report = await bench.run(context);
  return {
    bench: bench.name,
    title: bench.title,
    ...report,
    sizes: context.sizes,
    seed,
    machine: describeMachine(),
    finishedAt: new Date().toISOString(),
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

/** Servers that start on first use and outlive that use, unless a bench asks for a certain Temporal server. */
class SharedServers implements AsyncDisposable {
  #servers: Promise<BenchServers> | undefined;

  async use({ cluster }: ServerOptions = {}): Promise<BenchServers> {
    if (cluster !== undefined) return startBenchServers({ durable: false, cluster });
    this.#servers ??= startBenchServers({ durable: false });
    return { ...(await this.#servers), [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = await this.#servers?.catch(() => undefined);
    await servers?.[Symbol.asyncDispose]();
  }
}
