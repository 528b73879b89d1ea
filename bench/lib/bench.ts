import type { BenchServers, ServerOptions } from './servers.ts';

/** A number and its unit. */
export interface Quantity {
  readonly value: number;
  /** For example `tenants/s`. */
  readonly unit: string;
}

/** The bound of a figure's ratio, or of the measured value if it has no ratio. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/**
 * A row of the table: the measured value and, if there is one, the limit measured in the same run.
 * Ratios and counts have bounds, because they mean the same on any machine; and a response time that is promised.
 */
export interface Figure {
  readonly name: string;
  readonly measured: Quantity;
  /** The limit, measured in the same run. */
  readonly against?: Quantity & { readonly name: string };
  /** Measured value divided by the limit, unless the figure's name says otherwise. */
  readonly ratio?: number;
  readonly bound?: Bound;
  /** Further information for the reader: counts, sizes. */
  readonly note?: string;
}

/** Points of a chart of growth. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  /** The file's name without extension. */
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
  /** Small enough for CI: checks that the bench runs, and says nothing about speed. */
  readonly isSmoke: boolean;
  /** The same seed generates the same data. */
  readonly seed: number;
  /** Sizes from the command line, by the bench's own names (`--tenants 5000`), or the defaults. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Reports progress; not part of the result. */
  readonly log: (message: string) => void;
  /**
   * Starts PostgreSQL and Temporal for this call; dispose of them. With `--smoke` all benches share
   * one of each, and disposing keeps them.
   */
  readonly startServers: (options?: ServerOptions) => Promise<BenchServers>;
}

/** Each bench is one file in `bench/`; `npm run bench -- NAME` runs only that one. */
export interface Bench {
  readonly name: string;
  readonly title: string;
  /** Default of each size, for a whole run and for `--smoke`. */
  readonly sizes: Readonly<Record<string, { readonly full: number; readonly smoke: number }>>;
  run(context: BenchContext): Promise<BenchReport>;
}

/** Returns a size of the bench. @throws Error for an unknown size */
export function sizeOf({ sizes }: BenchContext, name: string): number {
  const size = sizes[name];
  if (size === undefined) throw new Error(`the bench has no size ${name}`);
  return size;
}
