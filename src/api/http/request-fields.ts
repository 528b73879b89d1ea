import { z } from 'zod';
import { explainIssue } from '../../lib/explain-issue.ts';
import { toFieldErrors } from '../../ingestion/field-errors.ts';
import { invalidRequest } from './problems.ts';

/** Request fields that several routes share, and the validation of requests. */

export { date, month } from '../../ingestion/calendar-fields.ts';

/** A remark about a field of the body that was accepted. */
export const remarkSchema = z.object({
  pointer: z.string().describe('JSON pointer to the field in question.'),
  detail: z.string(),
});

/** Query parameter: the number of entries per page. */
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
 * Documents a number in a URL as an integer; its schema validates text.
 * @param min inclusive, as is `max`
 */
export function documentedInteger(min: number, max: number) {
  return { type: 'integer', minimum: min, maximum: max, pattern: undefined } as const;
}

/**
 * Validates a part of a request and returns the schema's output; undefined without a schema.
 * @param place how errors name their place: by parameter, or by JSON pointer into the body
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
