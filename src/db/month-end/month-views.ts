import { z } from 'zod';
import { countWithoutOutcome } from '../../domain/control-totals.ts';
import type { Month, Period } from '../../domain/period.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import {
  isServed,
  listParked,
  listRequests,
  sumAtStake,
  sumInvoices,
  type MonthEndStatus,
} from './month-end-status.ts';
import { countQuarantined } from '../usage/quarantine-views.ts';
import { readLastPass, type LastPass } from './last-pass.ts';
import { readReview } from './review-facts.ts';
import { type Page, sql } from '../sql.ts';
import type { Database, Queryable } from '../pool.ts';
import { inOneSnapshot } from '../transactions.ts';
import { countOutcomes, outcomeTotals } from './tenant-outcomes.ts';
import { standsUnvoided } from '../standing.ts';

/** Reads months for the operator pages. */

const monthRow = z.object({
  month: z.string(),
  /** Requests that are not served yet. */
  open_requests: z.number(),
  /** Whether the books balanced when the last request was served; null: no request has been served. */
  balanced: z.boolean().nullable(),
  outcomes: outcomeTotals.pick({ nothing_to_bill: true, parked: true }),
  /** Totals of the live invoices, without void ones; cents as text. */
  totals: z.array(
    z.object({ currency: z.string(), invoices: z.number(), total_cents: z.string() }),
  ),
});
/** A month with at least one request, as a table row. */
export type MonthRow = z.infer<typeof monthRow>;

/** Returns a page of the months that have requests, newest first. */
export function listMonths(
  db: Queryable,
  { after, limit }: Page<Month>,
): Promise<readonly MonthRow[]> {
  const isBefore =
    after === null ? sql.fragment`` : sql.fragment`WHERE period_start < ${`${after}-01`}::date`;
  return db.any(sql.type(monthRow)`
    SELECT to_char(m.period_start, 'YYYY-MM') AS month, open.open_requests, served.balanced,
      -- Only passes record outcomes, so between them the manifest of the last one has them.
      CASE WHEN open.open_requests = 0 AND served.outcomes IS NOT NULL THEN served.outcomes ELSE (
        SELECT jsonb_build_object(
          'nothing_to_bill', count(*) FILTER (WHERE outcome = 'nothing_to_bill'),
          'parked', count(*) FILTER (WHERE outcome = 'parked'))
        FROM tenant_outcomes WHERE period_start = m.period_start
      ) END AS outcomes, coalesce(t.totals, '[]') AS totals
    FROM (
      SELECT DISTINCT period_start FROM month_end_requests ${isBefore}
      ORDER BY period_start DESC LIMIT ${limit}
    ) m
    CROSS JOIN LATERAL (
      SELECT count(*) AS open_requests FROM month_end_requests
      WHERE period_start = m.period_start AND state <> 'finished'
    ) open
    LEFT JOIN LATERAL (
      SELECT (manifest ->> 'balanced')::boolean AS balanced, manifest -> 'tenants' AS outcomes
      FROM month_end_requests WHERE period_start = m.period_start AND state = 'finished'
      ORDER BY request_seq DESC LIMIT 1
    ) served ON true
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('currency', currency, 'invoices', invoices,
        'total_cents', total_cents::text) ORDER BY currency) AS totals
      FROM (
        SELECT currency, count(*) AS invoices, sum(total_cents) AS total_cents FROM invoices i
        WHERE period_start = m.period_start AND ${standsUnvoided('i')}
        GROUP BY currency
      ) by_currency
    ) t
    ORDER BY m.period_start DESC
  `);
}

const pace = z.object({
  /** When the running pass began; null: no pass is running. */
  started_at: z.string().nullable(),
  read_at: z.string(),
  /** Tenants with an outcome since then. */
  served: z.number(),
  /** Those of them with an outcome in the last `window_seconds`. */
  recent: z.number(),
  window_seconds: z.number(),
});
/** How fast a pass progresses. */
export type Pace = z.infer<typeof pace>;

/** Long enough for a steady rate, short enough to show changes. */
const PACE_WINDOW = sql.fragment`interval '30 seconds'`;

function readPace(db: Queryable, { periodStart }: Period): Promise<Pace> {
  return db.one(sql.type(pace)`
    WITH pass AS (
      SELECT min(started_at) AS started_at, now() AS read_at,
        greatest(min(started_at), now() - ${PACE_WINDOW}) AS since
      FROM month_end_requests WHERE period_start = ${periodStart} AND state = 'running'
    )
    SELECT pass.started_at, pass.read_at,
      count(*) FILTER (WHERE o.recorded_at >= pass.started_at) AS served,
      count(*) FILTER (WHERE o.recorded_at >= pass.since) AS recent,
      coalesce(ceil(extract(epoch FROM pass.read_at - pass.since)), 0)::integer AS window_seconds
    FROM pass LEFT JOIN tenant_outcomes o ON o.period_start = ${periodStart}
    GROUP BY pass.started_at, pass.read_at, pass.since
  `);
}

/**
 * The status of a month, without the parts that scan all of its usage, so that it can be read every few
 * seconds.
 */
export interface MonthOverview extends Pick<
  MonthEndStatus,
  | 'month'
  | 'due_tenants'
  | 'outcomes'
  | 'not_looked_at'
  | 'requests'
  | 'totals'
  | 'review'
  | 'at_stake'
  | 'quarantined'
> {
  /** Whether the month has requests and all of them are served. */
  readonly is_served: boolean;
  /** As of the end of the last pass; null while a request is open, or if none has been served. */
  readonly balanced: boolean | null;
  /** Null: no request has been served. */
  readonly last_pass: LastPass | null;
  readonly pace: Pace;
}

/**
 * Returns a month's overview, read in one snapshot.
 * @throws DomainError `invalid_month`
 */
export async function readMonthOverview(db: Database, month: Month): Promise<MonthOverview> {
  const period = (await loadCalendar(db)).periodOf(month);
  return inOneSnapshot(db, async (tx) => {
    const counts = await countOutcomes(tx, period);
    const { due, ...outcomes } = counts;
    const isDone = await isServed(tx, month);
    const lastPass = await readLastPass(tx, month);
    return {
      month,
      due_tenants: due,
      outcomes,
      not_looked_at: countWithoutOutcome(counts),
      requests: await listRequests(tx, period),
      totals: await sumInvoices(tx, period),
      review: await readReview(tx, period),
      at_stake: await sumAtStake(tx, period),
      quarantined: await countQuarantined(tx, { period }),
      is_served: isDone,
      balanced: isDone ? (lastPass?.balanced ?? null) : null,
      last_pass: lastPass,
      pace: await readPace(tx, period),
    };
  });
}

/** A parked tenant, with the reason. */
export type ParkedTenant = MonthEndStatus['parked'][number];

/**
 * Returns a page of a month's due tenants that are parked, ordered by id.
 * @throws DomainError `invalid_month`
 */
export async function listParkedTenants(
  db: Queryable,
  month: Month,
  page: Page<string>,
): Promise<readonly ParkedTenant[]> {
  return listParked(db, (await loadCalendar(db)).periodOf(month), page);
}
