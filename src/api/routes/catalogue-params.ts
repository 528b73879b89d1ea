import { z } from 'zod';
import { MAX_VERSION } from '../../catalogue/catalogue-fields.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { MAX_BULK_BYTES } from '../http/body-limits.ts';
import { documentedInteger } from '../http/request-fields.ts';
import { HttpProblem } from '../http/problems.ts';

/** Path and query parameters of the catalogue and of subscriptions. */

const VERSION_HINT = `expected a whole number from 1 to ${MAX_VERSION}`;

export const planVersionParams = z.strictObject({
  plan_code: externalId.meta({ example: 'studio' }),
  version: z
    .string()
    .regex(/^[1-9]\d{0,9}$/, { error: VERSION_HINT })
    .meta({ ...documentedInteger(1, MAX_VERSION), example: 1 })
    .transform(Number)
    .refine((value) => value <= MAX_VERSION, { error: VERSION_HINT }),
});
export const addonParams = z.strictObject({
  addon_code: externalId.meta({ example: 'storage_50gb' }),
});
export const tenantParams = z.strictObject({ tenant_id: externalId.meta({ example: 'acme' }) });
export const deploymentParams = z.strictObject({
  deployment_id: externalId.meta({ example: 'acme-web' }),
});
export const subscriptionParams = z.strictObject({
  subscription_id: externalId.meta({ example: 'acme-web-1' }),
});

/** Entries in a bulk import; larger ones have to be sent in parts. */
export const MAX_FEED_ENTRIES = 20_000;

/** Query of a bulk import. */
const dryRunQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .describe('true: reports what would change and what is wrong, but writes nothing.'),
});

/** What every route has that imports a whole file, all or nothing. */
export const FEED = {
  scopes: ['operator'],
  rateLimited: true,
  query: dryRunQuery,
  maxBodyBytes: MAX_BULK_BYTES,
  maxEntries: MAX_FEED_ENTRIES,
} as const;

/** Returns the thing. @throws HttpProblem `not-found` if it is null */
export function found<T>(thing: T | null, what: string): T {
  if (thing !== null) return thing;
  throw new HttpProblem('not-found', `there is no ${what}`);
}

/** How many things of one kind an import added, changed and left unchanged. */
export const changeCounts = z
  .object({ new: z.int(), changed: z.int(), unchanged: z.int() })
  .meta({ example: { new: 1, changed: 0, unchanged: 27 } });
