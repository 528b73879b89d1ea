import type { Bound, Figure } from './bench.ts';

/** Whether a figure is within its bound; `none`: it has no bound. */
export type Verdict = 'ok' | 'short' | 'none';

/** Compares a figure's ratio, or the measured value if it has no ratio, with its bound. */
export function verdictOf({ bound, ratio, measured }: Figure): Verdict {
  if (!bound) return 'none';
  return isWithin(ratio ?? measured.value, bound) ? 'ok' : 'short';
}

/** NaN is outside every bound. */
function isWithin(value: number, bound: Bound): boolean {
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}
