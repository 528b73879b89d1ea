import type { BenchServers, ServerOptions } from './servers.ts';

/** A number and what it counts. */
export interface Quantity {
  readonly value: number;
  /** As in `tenants/s`. */
  readonly unit: string;
}

/** What a figure is held against: its ratio, or, where it has none, what was measured. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/**
 * A row of the table: what was measured and, where there is a limit, what it was measured against
 * in the same run. Only ratios and counts are held against bounds: they mean the same on any machine.
 */
export interface Figure {
  readonly name: string;
  readonly measured: Quantity;
  /** The limit, measured in the same run. */
  readonly against?: Quantity & { readonly name: string };
  /** Measured over limit, or as the figure's name says. */
  readonly ratio?: number;
  readonly bound?: Bound;
  /** What else the reader has to know: counts, sizes. */
  readonly note?: string;
}

/** Points of a chart of growth. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  /** The file's name, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

export interface BenchReport {
  readonly figures: readonly Figure[];
  readonly charts?: readonly Chart[];
}

export interface BenchContext {
  /** Small enough for CI: shows that the bench runs, and nothing about speed. */
  readonly isSmoke: boolean;
  /** Generated data is the same for the same seed. */
  readonly seed: number;
  /** Sizes given on the command line, by the bench's own names (`--tenants 5000`), or by default. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Progress, for who waits; not part of the result. */
  readonly log: (message: string) => void;
  /**
   * PostgreSQL and Temporal, of this call alone; dispose of them. For `--smoke` all benches share
   * one of each, and disposing leaves them.
   */
  readonly startServers: (options?: ServerOptions) => Promise<BenchServers>;
}

/** One file in `bench/` each; `npm run bench -- NAME` runs it alone. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** Default of each size, for a whole run and for `--smoke`. */
  readonly sizes: Readonly<Record<string, { readonly full: number; readonly smoke: number }>>;
  run(context: BenchContext): Promise<BenchReport>;
}

/** A size of the bench. @throws Error for one that it doesn't have */
export function sizeOf({ sizes }: BenchContext, name: string): number {
  const size = sizes[name];
  if (size === undefined) throw new Error(`the bench has no size ${name}`);
  return size;
}
