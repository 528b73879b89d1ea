import type { z } from 'zod';
import { explainIssue } from '../../lib/explain-issue.ts';
import { toFieldErrors } from '../../ingestion/field-errors.ts';
import { invalidRequest } from './problems.ts';

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
