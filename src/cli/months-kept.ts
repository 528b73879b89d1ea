import { monthOfInstant, previousMonth, type Month } from '../domain/period.ts';
import { CliError } from './errors.ts';

/**
 * Refuses to reach into the months that are kept: the present one, and so many full ones before it.
 * @throws CliError
 */
export function requireOlder(before: Month, monthsKept: number, variable: string, now: Date): void {
  const oldestKept = Array.from({ length: monthsKept }).reduce<Month>(
    previousMonth,
    monthOfInstant(now),
  );
  if (before <= oldestKept) return;
  throw new CliError(
    `${monthsKept} full months are kept (${variable}): --before can be ${oldestKept} at the latest`,
  );
}
