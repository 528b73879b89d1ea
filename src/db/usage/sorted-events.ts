import { z } from 'zod';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import type { UsageOfDay } from '../../domain/daily-figures.ts';
import type { Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { allOf, sql } from '../sql.ts';
import { eventsBehind } from './events-behind.ts';

/**
 * The events behind a line in another order than that of their ids, and their sums by day. No index helps, so each
 * function reads all of the line's events: keep what it returns (`src/api/http/compute-once.ts`).
 */

/** `largest` puts the largest amounts first, whether above or below 0. */
export const EVENT_ORDERS = ['largest', 'latest'] as const;
export type EventOrder = (typeof EVENT_ORDERS)[number];

export interface EventFilter {
  readonly order: EventOrder;
  /** A model with a bucket of its own. */
  readonly model?: string | undefined;
  /** Instants, half open: [from, until). */
  readonly time?: { readonly from: string; readonly until: string } | undefined;
}

/** Returns the ids of the first events of a line in an order; none if they have expired. @param limit how many at most */
export function listSortedEvents(
  db: Queryable,
  documentId: string,
  lineNo: number,
  { order, model, time }: EventFilter,
  limit: number,
): Promise<readonly string[]> {
  const conditions = [
    model !== undefined && sql.fragment`bucket_model = ${model}`,
    time !== undefined &&
      sql.fragment`occurred_at >= ${time.from}::timestamptz AND occurred_at < ${time.until}::timestamptz`,
  ];
  const by = {
    largest: sql.fragment`abs(amount - excluded) DESC`,
    latest: sql.fragment`occurred_at DESC`,
  };
  return db.anyFirst(sql.type(z.object({ event_id: z.string() }))`
    SELECT event_id FROM (${eventsBehind(documentId, lineNo, null)}) e WHERE ${allOf(conditions)}
    ORDER BY ${by[order]}, event_id COLLATE "C" LIMIT ${limit}
  `);
}

const sumOfDay = z.object({
  day: z.int(),
  model: z.string().nullable(),
  events: z.int(),
  amount: z.string(),
});

/** A line with usage behind it. */
export interface UsedLine {
  readonly documentId: string;
  readonly lineNo: number;
  /** The month of the usage. */
  readonly month: Month;
  /** `llm_usage`, or the resource kind of metered usage. */
  readonly resourceKind: string;
  /** Of the charges; null for metered usage. */
  readonly currency: string | null;
}

/** Returns the usage behind a line by day and model; none if its events have expired. Excluded events don't count. */
export async function sumLineByDay(
  db: Queryable,
  calendar: BillingCalendar,
  { documentId, lineNo, month, resourceKind, currency }: UsedLine,
): Promise<readonly UsageOfDay[]> {
  const starts = sql.array([...calendar.dayStartsOf(month)], 'timestamptz');
  const sums = await db.any(sql.type(sumOfDay)`
    SELECT width_bucket(occurred_at, ${starts}) AS day, bucket_model AS model,
      count(*) FILTER (WHERE NOT is_excluded) AS events, trim_scale(sum(amount - excluded))::text AS amount
    FROM (${eventsBehind(documentId, lineNo, null)}) e
    GROUP BY 1, 2 HAVING count(*) FILTER (WHERE NOT is_excluded) > 0 OR sum(amount - excluded) <> 0
    ORDER BY 1, bucket_model COLLATE "C"
  `);
  return sums.map((sum) => ({ ...sum, resourceKind, currency }));
}
