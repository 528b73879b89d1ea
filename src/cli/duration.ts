import { InvalidArgumentError } from 'commander';
import ms, { type StringValue } from 'ms';

/** One unit, spelled as Temporal's options and `ms` do; a day has 24 hours. */
const DURATION = /^\d{1,5}[mhdw]$/;

/**
 * A length of time on the command line, such as `90d`.
 * @returns milliseconds
 */
export function durationArgument(text: string): number {
  if (DURATION.test(text)) return ms(text as StringValue);
  throw new InvalidArgumentError(
    'expected minutes, hours, days or weeks, such as 30m, 12h, 90d, 2w',
  );
}
