import type { Bench } from './lib/bench.ts';
import { fanOut } from './fan-out.ts';
import { monthEnd } from './month-end.ts';

/** All benches, in the order in which they run: a line each. */
export const BENCHES: readonly Bench[] = [monthEnd, fanOut];
