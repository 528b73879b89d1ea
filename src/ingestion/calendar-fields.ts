import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';
import { parseDate, parseServiceMonth } from '../domain/period.ts';

/** Months and dates in requests and files, checked by the domain's own parsers. */

/** A month of the billing calendar, such as `2026-05`. */
export const month = z
  .string()
  .check(passes(parseServiceMonth))
  .meta({ pattern: String.raw`^2[01]\d{2}-(0[1-9]|1[0-2])$`, example: '2026-05' });

/** A calendar date, such as `2026-05-20`. */
export const date = z
  .string()
  .check(passes(parseDate))
  .meta({ format: 'date', example: '2026-05-20' });

/** Rejects what a parser rejects, for the same reason. */
function passes(parse: (text: string) => unknown): z.core.CheckFn<string> {
  return (payload) => {
    try {
      parse(payload.value);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      payload.issues.push({ code: 'custom', message: error.message, input: payload.value });
    }
  };
}
