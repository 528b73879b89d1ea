import { InvalidArgumentError } from 'commander';
import { reasonSchema } from '../contracts/request-payload.ts';
import { DomainError } from '../domain/errors.ts';
import { parseServiceMonth, type Month } from '../domain/period.ts';
import { parseUtcInstant } from '../ingestion/instant.ts';

/** A month on the command line. */
export function monthArgument(text: string): Month {
  try {
    return parseServiceMonth(text);
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

/** An RFC 3339 instant. */
export function instantArgument(text: string): Date {
  const instant = parseUtcInstant(text);
  if (instant !== null) return new Date(instant.epochMs);
  throw new InvalidArgumentError('expected an RFC 3339 instant such as 2027-01-01T00:00:00Z');
}

/** Why somebody does something, by the rule of the API and the signals. */
export function reasonArgument(text: string): string {
  const parsed = reasonSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('expected 1 to 1000 characters, none of them a control character');
}
