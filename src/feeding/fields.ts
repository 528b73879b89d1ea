import { z } from 'zod';
import { normalizeDecimalString } from '../domain/decimal.ts';
import { currencyCode, decimalString, externalId, instant, text } from '../ingestion/fields.ts';

/** Fields that the files of plans and subscriptions share. */

export { currencyCode, externalId as id };

/** What is metered, and priced by a plan item. */
export const resourceKind = text(100);

/** A tenant's name. */
export const displayName = text(200);

/** In the canonical form, so that the same quantity is the same text. */
export const quantity = decimalString.transform(normalizeDecimalString);

const CENTS_HINT = 'expected whole cents from 0 to 2^53 - 1';
export const priceCents = z.int({ error: CENTS_HINT }).nonnegative({ error: CENTS_HINT });

/** As PostgreSQL keeps it, in UTC. */
export const storedInstant = instant.transform(({ stored }) => stored);
