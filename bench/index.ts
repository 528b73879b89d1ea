import { backpressure } from './backpressure.ts';
import { ingestionBatches } from './ingestion-batches.ts';
import { ingestionSingles } from './ingestion-singles.ts';
import type { Bench } from './lib/bench.ts';
import { monthEnd } from './month-end.ts';

/** All benches, in the order in which they run: a line each. */
export const BENCHES: readonly Bench[] = [
  monthEnd,
  ingestionBatches,
  ingestionSingles,
  backpressure,
];
