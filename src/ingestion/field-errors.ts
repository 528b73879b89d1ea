import type { z } from 'zod';
import { toPointer } from '../lib/json-pointer.ts';
import type { FieldError } from './results.ts';

/** More would only repeat themselves. */
export const MAX_ERRORS = 20;
/** Of an unknown field's name: enough to find it. */
const MAX_KEY_LENGTH = 100;

/** What zod found wrong, with a JSON pointer (RFC 6901) each. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): readonly FieldError[] {
  // Not more issues than are told: an object may have thousands of fields that are wrong.
  return issues.slice(0, MAX_ERRORS).flatMap(toErrors).slice(0, MAX_ERRORS);
}

function toErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MAX_ERRORS).map((key) => ({
      pointer: toPointer([...issue.path, key.slice(0, MAX_KEY_LENGTH)]),
      detail: 'unknown field',
    }));
  }
  return [{ pointer: toPointer(issue.path), detail: issue.message }];
}
