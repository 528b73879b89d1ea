import { msToNumber } from '@temporalio/common/lib/time.js';
import { InvalidArgumentError } from 'commander';

/** One unit, as Temporal's options and the package `ms` spell it; a day has 24 hours. */
const DURATION = /^(\d{1,5})(m|h|d|w)$/;

/**
 * A length of time on the command line, such as `90d`.
 * @returns milliseconds
 */
export function durationArgument(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) {
    return msToNumber(`${Number(count)}${unit as 'm' | 'h' | 'd' | 'w'}`);
  }
  throw new InvalidArgumentError(
    'expected minutes, hours, days or weeks, such as 30m, 12h, 90d, 2w',
  );
}
