import { z } from 'zod';
import { reasonSchema } from '../../contracts/request-payload.ts';
import {
  listQuarantined,
  quarantinedSchema,
  showQuarantined,
  type QuarantinedEvent,
} from '../../db/usage/quarantine-views.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { QUARANTINE_REASONS, QUARANTINE_STATES, remedyFor } from '../../domain/quarantine.ts';
import { UnfilteredAssignmentError } from '../../ingestion/quarantine/assignment.ts';
import { dismissQuarantined } from '../../ingestion/quarantine/dismiss-quarantined.ts';
import { releaseQuarantined } from '../../ingestion/quarantine/release-quarantined.ts';
import { toTimeBounds } from '../../ingestion/time-bounds.ts';
import { currencyCode, externalId, visibleId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { documentedInteger, month, pageLimit } from '../http/request-fields.ts';

/** A call releases or dismisses at most so many events, so that it ends within seconds. */
const MAX_EVENTS = 5_000;
const MAX_IDS = 1_000;

const heldFor = z.enum(QUARANTINE_REASONS).meta({ example: 'unknown_tenant' });
/** The tenant that the gateway named: it may not exist, and what it sent may not be an id. */
const sentTenant = visibleId(200).describe('As sent: the tenant may not exist.');

const shown = quarantinedSchema
  .extend({ remedy: z.string().nullable().describe('What to do about it. Null: it is not held.') })
  .meta({ id: 'QuarantinedUsage' });

function toShown(event: QuarantinedEvent) {
  return { ...event, remedy: remedyFor(event) };
}

/** Pages through quarantined events, latest first. */
export const pageOfQuarantined = pagedBy(
  z.int().positive(),
  (event: QuarantinedEvent) => event.quarantine_id,
);

/** Lists quarantined usage. */
export const getQuarantinedUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/quarantined-usage',
    operationId: 'getQuarantinedUsage',
    tag: 'Usage',
    summary: 'List usage that was sent and could not be accepted, latest first',
    description:
      'Events from integrations that always answer 200, such as LiteLLM. Held events are not billed. An event is ' +
      'released into the ledger, or dismissed with a reason; both are final.',
    scopes: ['operator'],
    rateLimited: true,
    query: z.strictObject({
      state: z.enum(QUARANTINE_STATES).optional().meta({ example: 'held' }),
      held_for: heldFor.optional(),
      tenant_id: sentTenant.optional(),
      month: month
        .optional()
        .describe('The service month; of events without a readable time, the month they came in.'),
      limit: pageLimit(500, 100),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of events',
        schema: z.object({ events: z.array(shown), next_cursor: nextCursor }),
      },
    },
  },
  async ({ query }, { db }) => {
    const { state, held_for, tenant_id: tenantId, month: asked } = query;
    const period = asked === undefined ? undefined : (await loadCalendar(db)).periodOf(asked);
    const { entries, next_cursor } = await pageOfQuarantined(query, (page) =>
      listQuarantined(db, { state, heldFor: held_for, tenantId, period }, page),
    );
    return reply(200, { events: entries.map(toShown), next_cursor });
  },
);

/** Path parameters of a quarantined event. */
export const quarantineParams = z.strictObject({
  quarantine_id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'expected the id of a quarantined event' })
    .transform(Number)
    .meta(documentedInteger(1, 999_999_999_999_999)),
});

/** Shows a quarantined event. */
export const getQuarantinedEvent = defineRoute(
  {
    method: 'get',
    path: '/api/v1/quarantined-usage/{quarantine_id}',
    operationId: 'getQuarantinedEvent',
    tag: 'Usage',
    summary: 'Show usage that was sent and could not be accepted',
    scopes: ['operator'],
    rateLimited: true,
    params: quarantineParams,
    responses: { 200: { description: 'The event', schema: shown } },
    problems: ['not-found'],
  },
  async ({ params }, { db }) => {
    const event = await showQuarantined(db, params.quarantine_id);
    if (event === null) {
      throw new HttpProblem('not-found', `there is no quarantined event ${params.quarantine_id}`);
    }
    return reply(200, toShown(event));
  },
);

const filter = {
  quarantine_ids: z
    .array(z.int().positive())
    .min(1)
    .max(MAX_IDS)
    .optional()
    .describe('By default all held events that the other fields match.')
    .meta({ example: [17] }),
  held_for: heldFor.optional(),
  tenant_id: sentTenant.optional(),
};

/** The body of a release; the page sends the same. */
const releaseBody = z.strictObject({
  reason: reasonSchema,
  ...filter,
  assign: z
    .strictObject({
      tenant_id: externalId.optional(),
      deployment_id: externalId.optional().meta({ example: 'acme-a' }),
      currency: currencyCode.optional(),
    })
    .optional()
    .describe(
      'Fields to replace in these events, because the gateway sent wrong ones. Requires `quarantine_ids`, `held_for` ' +
        'or `tenant_id`. Amounts are not converted: an event stays held if its own currency has other decimals.',
    ),
});

/** Releases quarantined usage into the ledger. */
export const releaseQuarantinedUsage = defineRoute(
  {
    method: 'post',
    path: '/api/v1/quarantine-releases',
    operationId: 'releaseQuarantinedUsage',
    tag: 'Usage',
    summary: 'Release held usage into the ledger',
    description:
      'Tries held events again. Accepted ones are billed like other usage: those of a month that has been invoiced go ' +
      'onto the next invoice of their tenant. Others stay held with their reason. An event counts once, so retries are ' +
      'safe. Events that are `malformed`, `too_old` or of an `unpriced_model` are only released if `held_for` or ' +
      `\`quarantine_ids\` names them. A call handles up to ${MAX_EVENTS} events; repeat it until is_complete is true.`,
    scopes: ['operator'],
    rateLimited: true,
    body: releaseBody,
    bodyExamples: {
      'After creating a tenant': { tenant_id: 'newco', reason: 'newco was created late' },
      'Old usage': { held_for: 'too_old', reason: 'the gateway was offline for three months' },
      'Wrong ids': {
        tenant_id: 'team-7',
        assign: { tenant_id: 'acme', deployment_id: 'acme-a' },
        reason: 'the key had no metadata',
      },
    },
    responses: {
      200: {
        description: 'What was released, and what is still held',
        schema: z.object({
          released: z.int(),
          already_accepted: z
            .int()
            .describe('Of these, events that were sent again and accepted before the release.'),
          added: z
            .array(z.object({ currency: z.string(), charge_cents: z.string() }))
            .describe('Exact charges that this release added to the ledger.'),
          still_held: z.array(
            z.object({
              held_for: z.enum(QUARANTINE_REASONS),
              events: z.int(),
              example: z.string().describe('Why, for one of them.'),
            }),
          ),
          is_complete: z.boolean().describe('False: release again for the rest.'),
        }),
      },
    },
  },
  async ({ body, caller }, { db, now, config }) => {
    const { quarantine_ids: quarantineIds, held_for, tenant_id: tenantId, assign, reason } = body;
    const released = await releaseQuarantined(
      db,
      { quarantineIds, heldFor: held_for, tenantId },
      { actor: `key:${caller.label}`, reason, assign },
      { now: now(), timeBounds: toTimeBounds(config.usage), maxEvents: MAX_EVENTS },
    ).catch(refuseUnfiltered);
    return reply(200, released);
  },
);

function refuseUnfiltered(error: unknown): never {
  if (!(error instanceof UnfilteredAssignmentError)) throw error;
  throw invalidRequest([{ pointer: '/quarantine_ids', detail: error.message }]);
}

/** Dismisses quarantined usage. */
export const dismissQuarantinedUsage = defineRoute(
  {
    method: 'post',
    path: '/api/v1/quarantine-dismissals',
    operationId: 'dismissQuarantinedUsage',
    tag: 'Usage',
    summary: 'Dismiss held usage, permanently',
    description:
      'Dismissed events are not billed, and stay visible with the reason. Their ids stay free: if the gateway sends one ' +
      'again and it can be accepted by then, it is billed. ' +
      `A call handles up to ${MAX_EVENTS} events; repeat it until is_complete is true.`,
    scopes: ['operator'],
    rateLimited: true,
    body: z
      .strictObject({ reason: reasonSchema, ...filter })
      .refine(
        ({ quarantine_ids, held_for }) => quarantine_ids !== undefined || held_for !== undefined,
        {
          error: 'give "quarantine_ids" or "held_for"',
          path: ['quarantine_ids'],
        },
      ),
    bodyExamples: {
      'Some events': { quarantine_ids: [17, 18], reason: 'test requests' },
      'All of a reason': { held_for: 'malformed', tenant_id: 'acme', reason: 'sent again by hand' },
    },
    responses: {
      200: {
        description: 'How many were dismissed',
        schema: z.object({
          dismissed: z.int(),
          already_accepted: z
            .int()
            .describe(
              'Events that stay held, because they were sent again and accepted: release them.',
            ),
          is_complete: z.boolean().describe('False: dismiss again for the rest.'),
        }),
      },
    },
  },
  async ({ body, caller }, { db }) => {
    const { quarantine_ids: quarantineIds, held_for, tenant_id: tenantId, reason } = body;
    const dismissed = await dismissQuarantined(
      db,
      { quarantineIds, heldFor: held_for, tenantId },
      { actor: `key:${caller.label}`, reason },
      MAX_EVENTS,
    );
    return reply(200, dismissed);
  },
);
