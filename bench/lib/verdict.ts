import type { Bound, Figure } from './bench.ts';

/** Whether a figure is within its bound; `none`: it has no bound. */
export type Verdict = 'ok' | 'short' | 'none';

/** Holds a figure's ratio, or what was measured where there is none, against its bound. */
export function verdictOf({ bound, ratio, measured }: Figure): Verdict {
  if (!bound) return 'none';
  return isWithin(ratio ?? measured.value, bound) ? 'ok' : 'short';
}

/** What isn't a number is within no bound. */
function isWithin(value: number, bound: Bound): boolean {
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}
