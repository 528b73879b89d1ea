import type { z } from 'zod';
import { sayOf } from '../lib/explain-issue.ts';
import { toPointer } from '../lib/json-pointer.ts';
import type { FieldError } from './results.ts';

/** The maximum number of errors; more would only be repetitive. */
export const MAX_ERRORS = 20;
/** The maximum length of an unknown field's name; enough to find the field. */
const MAX_KEY_LENGTH = 100;

/** Returns zod's issues as errors, each with a JSON pointer (RFC 6901). */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): readonly FieldError[] {
  // Limited before the conversion, because an object may have thousands of invalid fields.
  return issues.slice(0, MAX_ERRORS).flatMap(toErrors).slice(0, MAX_ERRORS);
}

/** Joins errors to the reason of a rejection: `/month is missing; /taxable: expected a boolean`. */
export function reasonOf(errors: readonly FieldError[]): string {
  return errors.map(({ pointer, detail }) => sayOf(pointer, detail)).join('; ');
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
