import type { DriverTypeParser } from 'slonik';

/**
 * How PostgreSQL's values become ours. Slonik's defaults turn `numeric` into a
 * float, and money with it: here a quantity stays a decimal string, cents become
 * a number only where they are exact, and dates and instants stay text.
 */
export const typeParsers: DriverTypeParser[] = [
  { name: 'int8', parse: parseSafeInteger },
  { name: 'numeric', parse: (value) => value },
  { name: 'date', parse: (value) => value },
  { name: 'timestamptz', parse: toUtcInstant },
];

/** Refuses what a JavaScript number cannot hold exactly. */
function parseSafeInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new RangeError(`${value} from the database is beyond 2^53 - 1`);
  }
  return number;
}

/** `2026-05-01 00:00:00.123456+00` → `2026-05-01T00:00:00.123456Z`; sessions are in UTC. */
function toUtcInstant(value: string): string {
  if (!value.endsWith('+00')) {
    throw new RangeError(`expected an instant in UTC from the database, got ${value}`);
  }
  return `${value.slice(0, -3).replace(' ', 'T')}Z`;
}
