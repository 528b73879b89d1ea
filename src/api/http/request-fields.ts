import { z } from 'zod';
import { DomainError } from '../../domain/errors.ts';
import { parseDate, parseServiceMonth } from '../../domain/period.ts';
import { explainIssue } from '../../lib/explain-issue.ts';
import { toFieldErrors } from '../../ingestion/field-errors.ts';
import { invalidRequest } from './problems.ts';

/** Fields of requests that several routes share. */

/** A calendar month of the years 2000 to 2999, `2026-05`. */
export const month = z
  .string()
  .check(passes(parseServiceMonth))
  .meta({ pattern: String.raw`^2\d{3}-(0[1-9]|1[0-2])$`, example: '2026-05' });

/** A calendar date, `2026-05-20`. */
export const date = z
  .string()
  .check(passes(parseDate))
  .meta({ format: 'date', example: '2026-05-20' });

/** How many entries a page has, in a URL. */
export function pageLimit(max: number, byDefault: number) {
  const error = `expected a number from 1 to ${max}`;
  return z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error })
    .transform(Number)
    .refine((value) => value <= max, { error })
    .default(byDefault)
    .meta({ ...documentedInteger(1, max), default: byDefault });
}

/**
 * What a number in a URL is to OpenAPI: the text of an integer, not any text.
 * @param min inclusive, as is `max`
 */
export function documentedInteger(min: number, max: number) {
  return { type: 'integer', minimum: min, maximum: max, pattern: undefined } as const;
}

/** What the domain accepts; its reason is the error. */
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

/**
 * A part of a request, as its schema makes it; undefined without a schema.
 * @param place how its mistakes are named: parameters, or pointers into the body
 * @throws HttpProblem `invalid-request`
 */
export function check(
  schema: z.ZodType | undefined,
  value: unknown,
  place: 'parameter' | 'pointer',
): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value, { error: explainIssue });
  if (result.success) return result.data;
  throw invalidRequest(
    toFieldErrors(result.error.issues).map(({ pointer, detail }) =>
      place === 'pointer' ? { pointer, detail } : { parameter: pointer.slice(1), detail },
    ),
  );
}
