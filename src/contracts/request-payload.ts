import { z } from 'zod';
import { externalId, trimmedText } from './text.ts';

/** How many tenants one request may name. */
export const MAX_FORCED_TENANTS = 1000;

/** The id of a request, if the sender gives one. */
export const requestIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 visible ASCII characters');
const requestId = requestIdSchema.optional();
const actor = trimmedText(200).optional();
/** The reason for a request. */
export const reasonSchema = trimmedText(1000);

/** The payload of the `run` signal; may be left out altogether. */
export const runPayload = z
  .strictObject({ requestId, actor, reason: reasonSchema.optional() })
  .default({});

/** The tenants that a request is for, by name or all of them. */
const tenants = {
  tenantIds: z.array(externalId).min(1).max(MAX_FORCED_TENANTS).optional(),
  all: z.literal(true).optional(),
};
function namesSomeOrAll({ tenantIds, all }: z.output<z.ZodObject<typeof tenants>>): boolean {
  return (tenantIds === undefined) !== (all === undefined);
}
const SOME_OR_ALL = { message: 'expected either "tenantIds" or "all": true' };

/**
 * The payload of the `forceReRun` signal, as an operator types it into the Web UI:
 * `{"tenantIds": ["acme"], "reason": "…"}` or `{"all": true, "reason": "…"}`.
 * `onlyIfChanged` skips invoices that would not change; `acceptBounds` issues invoices that the
 * safety bounds parked, and requires named tenants.
 */
export const forceReRunPayload = z
  .strictObject({
    requestId,
    actor,
    reason: reasonSchema,
    ...tenants,
    onlyIfChanged: z.boolean().optional(),
    acceptBounds: z.boolean().optional(),
  })
  .refine(namesSomeOrAll, SOME_OR_ALL)
  .refine(({ acceptBounds, all }) => !(acceptBounds && all), {
    message: 'accepting bounds requires tenants by name, because each total must be checked',
    path: ['acceptBounds'],
  });

/**
 * The payload of the `release` signal: `{"tenantIds": ["acme"], "reason": "…"}` or `{"all": true, "reason": "…"}`, which
 * releases every invoice of the month that waits.
 */
export const releasePayload = z
  .strictObject({ requestId, actor, reason: reasonSchema, ...tenants })
  .refine(namesSomeOrAll, SOME_OR_ALL);
