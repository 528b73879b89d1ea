import { z } from 'zod';
import { allOf, sql } from '../sql.ts';
import type { Database, Queryable } from '../pool.ts';

/** The events to deliver again. */
export interface ReplaySelection {
  /** Null: every live endpoint that the event was addressed to. */
  readonly endpointId: string | null;
  readonly eventId: string | null;
  /** Instant of the earliest event; null: any time. */
  readonly since: string | null;
  /** Replay only dead deliveries. */
  readonly deadOnly: boolean;
}

/** The events `v` and live endpoints `e` that a replay delivers, with the deliveries `d` that exist. */
function replayed({ endpointId, eventId, since, deadOnly }: ReplaySelection) {
  return sql.fragment`
    FROM webhook_events v JOIN webhook_endpoints e ON v.type = ANY(e.event_types)
    LEFT JOIN webhook_deliveries d ON d.event_id = v.event_id AND d.endpoint_id = e.endpoint_id
    WHERE ${allOf([
      sql.fragment`e.disabled_at IS NULL`,
      eventId !== null && sql.fragment`v.event_id = ${eventId}::uuid`,
      since !== null && sql.fragment`v.occurred_at >= ${since}::timestamptz`,
      endpointId === null
        ? sql.fragment`d.event_id IS NOT NULL`
        : sql.fragment`e.endpoint_id = ${endpointId}::uuid`,
      deadOnly && sql.fragment`d.state = 'dead'`,
    ])}`;
}

/**
 * Schedules events for redelivery and restarts their attempts from 1. If the selection names an endpoint, that
 * endpoint also receives events that were addressed only to others, if it subscribes to their type and
 * `deadOnly` is false.
 * @returns the number of deliveries that this made pending
 */
export async function replayEvents(db: Database, selection: ReplaySelection): Promise<number> {
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    INSERT INTO webhook_deliveries (event_id, endpoint_id)
    SELECT v.event_id, e.endpoint_id ${replayed(selection)}
    ON CONFLICT (event_id, endpoint_id) DO UPDATE
    SET state = 'pending', attempts = 0, next_attempt_at = now(), settled_at = NULL
  `);
  return rowCount;
}

const replayCount = z.object({
  /** Deliveries that exist, by state. */
  pending: z.number(),
  delivered: z.number(),
  dead: z.number(),
  /** Events that the endpoint was never addressed with. */
  added: z.number(),
  /** Attempts that these deliveries have had. */
  attempts: z.number(),
  /** Instant of the earliest event; null if nothing is selected. */
  since: z.string().nullable(),
});
export type ReplayCount = z.infer<typeof replayCount>;

/** Returns what `replayEvents` would deliver again, so that people can see it before they confirm. */
export function countReplay(db: Queryable, selection: ReplaySelection): Promise<ReplayCount> {
  return db.one(sql.type(replayCount)`
    SELECT count(*) FILTER (WHERE d.state = 'pending') AS pending,
      count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
      count(*) FILTER (WHERE d.state = 'dead') AS dead,
      count(*) FILTER (WHERE d.state IS NULL) AS added,
      coalesce(sum(d.attempts), 0)::bigint AS attempts, min(v.occurred_at) AS since
    ${replayed(selection)}
  `);
}
