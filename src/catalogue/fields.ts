import { z } from 'zod';
import { normalizeDecimalString } from '../domain/decimal.ts';
import {
  currencyCode,
  decimalString,
  externalId,
  instant,
  text,
  visibleId,
} from '../ingestion/fields.ts';

/** Fields that the files of plans and subscriptions share. */

export { currencyCode };

/** An id that the feeding platform has chosen, of anything. */
export function id(example: string) {
  return externalId.meta({ example });
}

/** What is metered, and priced by a plan item. */
export const resourceKind = visibleId(100).meta({ example: 'spaces_gb_month' });

/** A tenant's name. */
export const displayName = text(200).meta({ example: 'Acme Pty Ltd' });

const VERSION_HINT = 'expected a whole number from 1 to 2147483647';
export const MAX_VERSION = 2_147_483_647;
/** Of a plan. */
export const versionNumber = z
  .int({ error: VERSION_HINT })
  .min(1, VERSION_HINT)
  .max(MAX_VERSION, VERSION_HINT)
  .meta({ example: 1 });

/** In the canonical form, so that the same quantity is the same text. */
export const quantity = decimalString.describe('In base units.').transform(normalizeDecimalString);

const CENTS_HINT = 'expected whole cents from 0 to 2^53 - 1';
export const priceCents = z
  .int({ error: CENTS_HINT })
  .nonnegative({ error: CENTS_HINT })
  .meta({ maximum: Number.MAX_SAFE_INTEGER, example: 750 });

/** As PostgreSQL keeps it, in UTC. */
export const storedInstant = instant.transform(({ stored }) => stored);
