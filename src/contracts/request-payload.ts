import { z } from 'zod';

/** How many tenants one forced request may name. */
export const MAX_FORCED_TENANTS = 1000;

/** The id of a request, where the sender gives one. */
export const requestIdSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 visible ASCII characters');
const requestId = requestIdSchema.optional();
const NO_CONTROL = String.raw`[^\u0000-\u001f\u007f-\u009f]`;
const NOT_BLANK = String.raw`[^\u0000-\u001f\u007f-\u009f\s]`;
/** PostgreSQL's text has no NUL, and an operator's reason no other control character. */
const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected no control characters')
    // For OpenAPI, which knows of no trimming and mostly not of `\p{Cc}`: something has to be left.
    .meta({ pattern: `^${NO_CONTROL}*${NOT_BLANK}${NO_CONTROL}*$` });
const actor = text(200).optional();
/** Why somebody asks. */
export const reasonSchema = text(1000);

/** The payload of the `run` signal; may be left out as a whole. */
export const runPayload = z
  .strictObject({ requestId, actor, reason: reasonSchema.optional() })
  .default({});

/**
 * The payload of the `forceReRun` signal, as an operator types it into the Web UI:
 * `{"tenantIds": ["acme"], "reason": "…"}` or `{"all": true, "reason": "…"}`.
 * `onlyIfChanged` leaves an invoice alone that would come out the same; `acceptBounds`
 * issues what the safety bounds had parked, and is for tenants that are named.
 */
export const forceReRunPayload = z
  .strictObject({
    requestId,
    actor,
    reason: reasonSchema,
    tenantIds: z.array(text(200)).min(1).max(MAX_FORCED_TENANTS).optional(),
    all: z.literal(true).optional(),
    onlyIfChanged: z.boolean().optional(),
    acceptBounds: z.boolean().optional(),
  })
  .refine(({ tenantIds, all }) => (tenantIds === undefined) !== (all === undefined), {
    message: 'expected either "tenantIds" or "all": true',
  })
  .refine(({ acceptBounds, all }) => !(acceptBounds && all), {
    message: 'accepting bounds needs the tenants by name: whoever accepts has looked at each',
    path: ['acceptBounds'],
  });
