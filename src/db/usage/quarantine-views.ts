import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import {
  QUARANTINE_REASONS,
  QUARANTINE_STATES,
  type QuarantineReason,
  type QuarantineState,
} from '../../domain/quarantine.ts';
import type { Queryable } from '../pool.ts';
import { allOf, sql, textArray, type Page } from '../sql.ts';

/** Reads the quarantine for the API, the pages and the CLI. Fields have the names that the API serves. */

/** A quarantined event, as the API serves it. */
export const quarantinedSchema = z.object({
  quarantine_id: z.number(),
  source_id: z
    .string()
    .describe("The event's id in the ledger; `sha256:` and the digest of its text if it has none.")
    .meta({ example: 'litellm:5b1c:chatcmpl-77' }),
  held_for: z.enum(QUARANTINE_REASONS).describe('Why it is, or was last, held.'),
  detail: z.string().describe('The same in a sentence.'),
  state: z.enum(QUARANTINE_STATES),
  tenant_id: z
    .string()
    .nullable()
    .describe('As sent: the tenant may not exist. Null: not readable.'),
  deployment_id: z.string().nullable().describe('As sent.'),
  model: z.string().nullable(),
  occurred_at: z.string().nullable(),
  charge_cents: z.string().nullable().describe('Exact cents, or other minor units.'),
  currency: z.string().nullable(),
  fields: z
    .looseObject({})
    .describe('The fields of an LLM usage event, as far as they could be read.'),
  received_at: z.string(),
  gateway_key: z.string().nullable().describe('Label of the key that sent it.'),
  decision: z
    .object({
      actor: z.string().describe('`sweep`: released because its cause was fixed.'),
      reason: z.string(),
      decided_at: z.string(),
      assigned: z
        .looseObject({})
        .nullable()
        .describe('The fields that the release replaced. Null: none.'),
    })
    .nullable()
    .describe('How it was released or dismissed. Null: it is held.'),
});
export type QuarantinedEvent = z.infer<typeof quarantinedSchema>;

const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';

/** Selects events as the API serves them, from those of a query `q`. */
const eventsOf = (found: FragmentSqlToken) => sql.fragment`
  SELECT q.quarantine_id, q.source_id, q.reason AS held_for, q.detail, q.state, q.tenant_id, q.deployment_id,
    q.model, q.occurred_at, trim_scale(q.charge_cents) AS charge_cents, q.currency, q.fields, q.received_at,
    k.label AS gateway_key,
    CASE WHEN q.decided_at IS NOT NULL THEN jsonb_build_object('actor', q.actor, 'reason', q.decision_reason,
      'decided_at', to_char(q.decided_at, ${INSTANT}), 'assigned', q.assigned) END AS decision
  FROM (${found}) q LEFT JOIN api_keys k ON k.key_id = q.gateway_key_id`;

export interface QuarantineFilter {
  readonly quarantineIds?: readonly number[] | undefined;
  readonly state?: QuarantineState | undefined;
  readonly heldFor?: QuarantineReason | undefined;
  /** As sent. */
  readonly tenantId?: string | undefined;
  /** Events that count for this period, whatever their state. */
  readonly period?: Period | undefined;
}

function conditionsOf({ quarantineIds = [], state, heldFor, tenantId, period }: QuarantineFilter) {
  return [
    // Spelled out, so that the planner can use the partial indexes.
    state === 'held' && sql.fragment`q.state = 'held'`,
    state !== undefined && state !== 'held' && sql.fragment`q.state = ${state}`,
    quarantineIds.length > 0 &&
      sql.fragment`q.quarantine_id = ANY(${sql.array([...quarantineIds], 'int8')})`,
    heldFor !== undefined && sql.fragment`q.reason = ${heldFor}`,
    tenantId !== undefined && sql.fragment`q.tenant_id = ${tenantId}`,
    period !== undefined && isOfPeriod(period),
  ];
}

/** Returns a page of quarantined events, latest first. */
export function listQuarantined(
  db: Queryable,
  filter: QuarantineFilter,
  { after, limit }: Page<number>,
): Promise<readonly QuarantinedEvent[]> {
  const isAfter = after !== null && sql.fragment`q.quarantine_id < ${after}`;
  return db.any(sql.type(quarantinedSchema)`
    ${eventsOf(sql.fragment`SELECT * FROM quarantined_events q
      WHERE ${allOf([...conditionsOf(filter), isAfter])}
      ORDER BY q.quarantine_id DESC LIMIT ${limit}`)}
    ORDER BY q.quarantine_id DESC
  `);
}

/** Returns a quarantined event; null if it doesn't exist. */
export function showQuarantined(
  db: Queryable,
  quarantineId: number,
): Promise<QuarantinedEvent | null> {
  return db.maybeOne(sql.type(quarantinedSchema)`
    ${eventsOf(sql.fragment`SELECT * FROM quarantined_events WHERE quarantine_id = ${quarantineId}`)}
  `);
}

/**
 * Condition: an event `q` counts for the period; one without a readable time for that in which it was received. Written
 * as in the index of held events.
 */
export function isOfPeriod({ startsAt, endsAt }: Period) {
  return sql.fragment`coalesce(q.occurred_at, q.received_at) >= ${startsAt}::timestamptz
    AND coalesce(q.occurred_at, q.received_at) < ${endsAt}::timestamptz`;
}

export const quarantineCountSchema = z.object({
  held_for: z.enum(QUARANTINE_REASONS),
  currency: z.string().nullable().describe('Null: not readable.'),
  events: z.int(),
  charge_cents: z.string().describe('The exact sum of the charges that could be read.'),
});
/** Held events of one reason and currency. */
export type QuarantineCount = z.infer<typeof quarantineCountSchema>;

/** Counts the held events that match by reason and currency, with their charges. */
export function countQuarantined(
  db: Queryable,
  filter: Omit<QuarantineFilter, 'state'> = {},
): Promise<readonly QuarantineCount[]> {
  return db.any(sql.type(quarantineCountSchema)`
    SELECT q.reason AS held_for, q.currency, count(*) AS events,
      trim_scale(coalesce(sum(q.charge_cents), 0)) AS charge_cents
    FROM quarantined_events q WHERE ${allOf(conditionsOf({ ...filter, state: 'held' }))}
    GROUP BY 1, 2 ORDER BY 1, 2
  `);
}

const gauge = z.object({
  heldFor: z.enum(QUARANTINE_REASONS),
  events: z.number(),
  /** Age of the oldest one; 0: there is none. */
  oldestSeconds: z.number(),
});

/** Counts the held events by reason, for the metrics; every reason has a row. */
export function readQuarantineGauges(db: Queryable): Promise<readonly z.infer<typeof gauge>[]> {
  return db.any(sql.type(gauge)`
    SELECT reasons.reason AS "heldFor", coalesce(h.events, 0) AS events,
      coalesce(greatest(0, floor(extract(epoch FROM now() - q.received_at)))::bigint, 0) AS "oldestSeconds"
    FROM unnest(${textArray(QUARANTINE_REASONS)}) AS reasons (reason)
    LEFT JOIN (
      SELECT reason, count(*) AS events, min(quarantine_id) AS oldest
      FROM quarantined_events WHERE state = 'held' GROUP BY reason
    ) h USING (reason)
    LEFT JOIN quarantined_events q ON q.quarantine_id = h.oldest
    ORDER BY 1
  `);
}

/** Returns the first models, by name, whose requests are held because they have no price. */
export function listUnpricedModels(db: Queryable, limit: number): Promise<readonly string[]> {
  return db.anyFirst(sql.type(z.object({ model: z.string() }))`
    SELECT DISTINCT model FROM quarantined_events
    WHERE state = 'held' AND reason = 'unpriced_model' AND model IS NOT NULL ORDER BY model LIMIT ${limit}
  `);
}
