import { z } from 'zod';
import { isDecimalString } from '../domain/decimal.ts';
import { parseUtcInstant } from './instant.ts';

/** Fields that both kinds of usage have (docs/spec.md#usage). */

/** A deployment's or tenant's id. */
export const externalId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'expected an id: 1 to 64 letters, digits, dots, underscores or hyphens',
  })
  .meta({ example: 'acme' });

/** For OpenAPI, whose readers mostly don't know `\p{Cc}`; JSON has no half of a pair by itself. */
const NO_CONTROL = String.raw`[^\u0000-\u001f\u007f-\u009f]`;

/**
 * Text that a sender chose: no control characters, and no half of a surrogate pair, which
 * PostgreSQL can't store and which would make it refuse everybody's events of the same group.
 */
export function text(maxLength: number) {
  return z
    .string()
    .regex(new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${maxLength}}$`, 'u'), {
      error: `expected 1 to ${maxLength} characters, none of them a control character`,
    })
    .meta({ pattern: `^${NO_CONTROL}{1,${maxLength}}$` });
}

const DECIMAL_HINT =
  'expected a decimal as a string, such as "0.25": digits with at most 12 before and 12 after ' +
  'the point, without sign, exponent or leading zeros';

/** What `isDecimalString` takes, for OpenAPI. */
export const DECIMAL_PATTERN = String.raw`^(?:0|[1-9]\d{0,11})(?:\.\d{1,12})?$`;

/** A decimal string; a JSON number is refused, because it has been through a binary float. */
export const decimalString = z
  .string({
    error: ({ input }) =>
      typeof input === 'number' ? `${DECIMAL_HINT}; JSON numbers are not exact` : DECIMAL_HINT,
  })
  .refine(isDecimalString)
  .meta({ pattern: DECIMAL_PATTERN, example: '0.000125' });

/** An instant, read once: bursts of events consist of little else. */
export const instant = z
  .string()
  .meta({ format: 'date-time', example: '2026-05-31T23:59:59.123Z' })
  .transform((value, context) => {
    const parsed = parseUtcInstant(value);
    if (parsed !== null) return parsed;
    context.addIssue(
      'expected an RFC 3339 instant with Z or an offset, of the years 2000 to 2999, ' +
        'such as "2026-05-31T23:59:59Z"',
    );
    return z.NEVER;
  });

export const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, { error: 'expected a currency code such as "AUD"' })
  .meta({ example: 'AUD' });

export const tokenCount = z
  .int({ error: 'expected a whole number from 0 to 2^53 - 1' })
  .nonnegative();
