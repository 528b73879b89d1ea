import { z } from 'zod';
import { isCurrency } from '../domain/currency.ts';
import { isDecimalString } from '../domain/decimal.ts';
import { parseUtcInstant } from './instant.ts';

/** Fields that both kinds of usage share (docs/spec.md#usage). */

export { externalId, text, visibleId } from '../contracts/text.ts';

const DECIMAL_HINT =
  'expected a decimal as a string, such as "0.25": digits with at most 12 before and 12 after ' +
  'the point, without sign, exponent or leading zeros';

/** The pattern of `isDecimalString`, for OpenAPI. */
export const DECIMAL_PATTERN = String.raw`^(?:0|[1-9]\d{0,11})(?:\.\d{1,12})?$`;

/** A decimal string. A JSON number is rejected, because it has been through a binary float. */
export const decimalString = z
  .string({
    error: ({ input }) =>
      typeof input === 'number' ? `${DECIMAL_HINT}; JSON numbers are not exact` : DECIMAL_HINT,
  })
  .refine(isDecimalString)
  .meta({ pattern: DECIMAL_PATTERN, example: '0.000125' });

/** An instant, parsed only once, because bursts of events consist of little else. */
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

/** An ISO 4217 currency that has a minor unit. */
export const currencyCode = z
  .string()
  .refine(isCurrency, {
    error: 'expected a currency code such as "AUD", of ISO 4217 and with a minor unit',
  })
  .meta({ pattern: '^[A-Z]{3}$', example: 'AUD' })
  .describe(
    'An ISO 4217 code that has a minor unit. `…_cents` count that unit: yen for JPY, fils for KWD.',
  );

export const tokenCount = z
  .int({ error: 'expected a whole number from 0 to 2^53 - 1' })
  .nonnegative();
