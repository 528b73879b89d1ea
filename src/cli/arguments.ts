import { InvalidArgumentError } from 'commander';
import { DomainError } from '../domain/errors.ts';
import { isOver, parseMonth, periodOf, type Month } from '../domain/period.ts';
import { CliError } from './errors.ts';

/** A month on the command line. */
export function monthArgument(text: string): Month {
  try {
    return parseMonth(text);
  } catch (error) {
    if (error instanceof DomainError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** A whole number within bounds. */
export function integerArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/**
 * Only a month that is over can be closed. The workflow refuses others too; here it is said at
 * once, and nothing is signalled.
 * @throws CliError
 */
export function requireOver(month: Month, now: Date): void {
  if (isOver(month, now)) return;
  throw new CliError(
    `${month} is not over yet: it can be closed from ${periodOf(month).endsAt} on`,
  );
}
