import { z } from 'zod';
import { normalizeDecimalString } from '../domain/decimal.ts';
import { UNIT_PRICE_HINT, UNIT_PRICE_PATTERN } from '../domain/unit-price.ts';
import { date } from '../ingestion/calendar-fields.ts';
import {
  currencyCode,
  decimalString,
  externalId,
  instant,
  text,
  visibleId,
} from '../ingestion/usage-fields.ts';

/** Fields and checks that catalogue and subscriptions files share. */

export { currencyCode };

/** An id chosen by the platform that applies the file. */
export function id(example: string) {
  return externalId.meta({ example });
}

/** A kind of metered resource, which a plan item prices. */
export const resourceKind = visibleId(100).meta({ example: 'spaces_gb_month' });

/** A tenant's name. */
export const displayName = text(200).meta({ example: 'Acme Pty Ltd' });

/** What people call a plan, an addon or a resource kind. */
export const catalogueName = text(100)
  .nullable()
  .default(null)
  .describe('What documents say, such as "Studio". Null: the code in words.');

const VERSION_HINT = 'expected a whole number from 1 to 2147483647';
export const MAX_VERSION = 2_147_483_647;
/** The number of a plan version. */
export const versionNumber = z
  .int({ error: VERSION_HINT })
  .min(1, VERSION_HINT)
  .max(MAX_VERSION, VERSION_HINT)
  .meta({ example: 1 });

/** A quantity in canonical form, so that equal quantities have equal text. */
export const quantity = decimalString.describe('In base units.').transform(normalizeDecimalString);

const CENTS_HINT = 'expected whole cents from 0 to 2^53 - 1';
export const priceCents = z
  .int({ error: CENTS_HINT })
  .nonnegative({ error: CENTS_HINT })
  .meta({ maximum: Number.MAX_SAFE_INTEGER, example: 750 });

/** A price per unit in canonical form, from text or whole cents, so that equal prices have equal text. */
export const unitPrice = z
  .union(
    [
      z
        .int(UNIT_PRICE_HINT)
        .nonnegative(UNIT_PRICE_HINT)
        .meta({ maximum: Number.MAX_SAFE_INTEGER }),
      z.string().regex(UNIT_PRICE_PATTERN, UNIT_PRICE_HINT),
    ],
    { error: UNIT_PRICE_HINT },
  )
  .transform((price) => normalizeDecimalString(String(price)))
  .meta({ example: '0.0425' });

/** Returns whether a start or an end is a local date rather than an instant. */
export function isLocalDate(dateOrInstant: string): boolean {
  return !dateOrInstant.includes('T');
}

const EDGE_HINT =
  'expected a local date such as "2026-05-20", or an RFC 3339 instant with Z or an offset, such as ' +
  '"2026-05-20T00:00:00Z", of the years 2000 to 2999';

/**
 * A start or an end: a local date, which means its first instant in the billing time zone, or an instant, in UTC as
 * PostgreSQL stores it. `toInstant` resolves the date.
 */
export const dateOrInstant = z.union(
  [
    instant.transform(({ stored }) => stored),
    date.refine((text) => text.startsWith('2'), { error: EDGE_HINT }),
  ],
  { error: EDGE_HINT },
);

const FACTOR_HINT =
  'expected a number above 0: whole, or a decimal as a string such as "0.5", ' +
  'with at most 12 digits before and 12 after the point';
/** A decimal above 0. */
const FACTOR_PATTERN = /^(?=.*[1-9])(?:0|[1-9]\d{0,11})(?:\.\d{1,12})?$/;
/** How many base units a unit is, in canonical form. */
export const unitFactor = z
  .union(
    [
      z.int(FACTOR_HINT).positive(FACTOR_HINT).max(999_999_999_999, FACTOR_HINT),
      z.string().regex(FACTOR_PATTERN, FACTOR_HINT),
    ],
    { error: FACTOR_HINT },
  )
  .transform((factor) => normalizeDecimalString(String(factor)))
  .meta({ example: '10' });

/** What documents call a unit. */
export const unitLabel = text(60).meta({ example: 'block of 10' });

/**
 * Returns whether one instant is before another, both in UTC as PostgreSQL stores them. They are compared as
 * text, because Date has no microseconds; without the Z, a fraction sorts after its whole second.
 */
export function isBefore(instant: string, other: string): boolean {
  return instant.replace('Z', '') < other.replace('Z', '');
}

/**
 * Returns a check for `superRefine`: an element with the key of an earlier one is an error.
 * @param field the field of the element that the error points to
 */
export function uniqueBy<T>(
  what: string,
  field: keyof T & string,
  keyOf: (element: T) => string | number = (element) => String(element[field]),
) {
  return (elements: readonly T[], context: z.RefinementCtx): void => {
    const seen = new Set<string | number>();
    elements.forEach((element, index) => {
      const key = keyOf(element);
      if (seen.has(key)) {
        context.addIssue({
          code: 'custom',
          path: [index, field],
          message: `${what} ${JSON.stringify(key)} is here twice`,
        });
      }
      seen.add(key);
    });
  };
}
