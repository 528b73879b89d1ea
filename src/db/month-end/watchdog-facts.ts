import { z } from 'zod';
import type { OutcomeCounts } from '../../contracts/month-end-types.ts';
import { countWithoutOutcome } from '../../domain/control-totals.ts';
import { monthStart, type Month, type Period } from '../../domain/period.ts';
import { loadCalendar } from '../settings/load-calendar.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';
import { readReview } from './review-facts.ts';
import { countOutcomes } from './tenant-outcomes.ts';
import { dueTenants } from './due-tenants.ts';

const monthRequests = z.object({
  month: z.string(),
  /** Queued or running. */
  openRequests: z.number(),
  finishedRequests: z.number(),
  /** When the oldest open request was made. */
  waitingSince: z.string().nullable(),
  /** While requests are open: when the latest pass began, outcome was recorded or draft was opened. */
  lastMovedAt: z.string().nullable(),
  /** Whether the manifest of the last finished request says that the books don't balance. */
  isOutOfBalance: z.boolean(),
});

/** The progress of a month, as the watchdog checks it. Instants are UTC. */
export type MonthFacts = z.infer<typeof monthRequests> &
  OutcomeCounts & {
    readonly dueTenants: number;
    /** Due tenants without an outcome. */
    readonly withoutOutcome: number;
    /** Issued invoices that wait for their release, and since when the first of them does. */
    readonly unreleased: number;
    readonly unreleasedSince: string | null;
  };

/**
 * Returns the months that may need attention, in order: the given month, which is the last that is over; months
 * with open requests or books that don't add up; and, since the first invoice and within the year up to the
 * given month, months that were never closed, have due tenants without an outcome or invoices that wait for release.
 * @throws DomainError `invalid_month`
 */
export async function readMonthFacts(
  db: Queryable,
  lastMonth: Month,
): Promise<readonly MonthFacts[]> {
  const facts: MonthFacts[] = [];
  const { periodOf } = await loadCalendar(db);
  for (const requests of await listMonths(db, lastMonth)) {
    const period = periodOf(requests.month);
    const counts = await countOutcomes(db, period);
    const { waiting: unreleased, since: unreleasedSince } = await readReview(db, period);
    const { due, ...outcomes } = counts;
    const withoutOutcome = countWithoutOutcome(counts);
    facts.push({
      ...requests,
      dueTenants: due,
      withoutOutcome,
      unreleased,
      unreleasedSince,
      ...outcomes,
    });
  }
  return facts.filter((month) => month.month === lastMonth || needsLook(month));
}

function needsLook(month: MonthFacts): boolean {
  const { openRequests, finishedRequests, isOutOfBalance, withoutOutcome, unreleased } = month;
  return (
    openRequests > 0 ||
    finishedRequests === 0 ||
    isOutOfBalance ||
    withoutOutcome > 0 ||
    unreleased > 0
  );
}

function listMonths(db: Queryable, lastMonth: Month) {
  const last = monthStart(lastMonth);
  return db.any(sql.type(monthRequests)`
    WITH asked AS (
      SELECT period_start,
        count(*) FILTER (WHERE state <> 'finished') AS open_requests,
        count(*) FILTER (WHERE state = 'finished') AS finished_requests,
        min(requested_at) FILTER (WHERE state <> 'finished') AS waiting_since,
        max(started_at) AS started_at,
        (array_agg(manifest -> 'balanced' ORDER BY finished_at DESC, request_seq DESC)
          FILTER (WHERE state = 'finished'))[1] = 'false' AS is_out_of_balance
      FROM month_end_requests GROUP BY period_start
    ), last_year AS (
      SELECT series.month::date AS period_start
      FROM (SELECT min(period_start) AS month FROM invoices) first_invoiced,
        generate_series(
          greatest(first_invoiced.month, ${last}::date - interval '11 months'),
          ${last}::date, interval '1 month'
        ) AS series (month)
      WHERE first_invoiced.month IS NOT NULL
    ), looked_at AS (
      SELECT ${last}::date AS period_start
      UNION SELECT period_start FROM last_year
      UNION SELECT period_start FROM asked WHERE open_requests > 0 OR is_out_of_balance
    )
    SELECT to_char(m.period_start, 'YYYY-MM') AS month,
      coalesce(a.open_requests, 0) AS "openRequests",
      coalesce(a.finished_requests, 0) AS "finishedRequests",
      a.waiting_since AS "waitingSince",
      CASE WHEN a.open_requests > 0 THEN greatest(
        a.started_at,
        (SELECT max(o.recorded_at) FROM tenant_outcomes o WHERE o.period_start = m.period_start),
        (SELECT max(d.opened_at) FROM invoice_drafts d
          WHERE d.period_start = m.period_start AND d.state = 'open')
      ) END AS "lastMovedAt",
      coalesce(a.is_out_of_balance, false) AS "isOutOfBalance"
    FROM looked_at m LEFT JOIN asked a ON a.period_start = m.period_start
    ORDER BY m.period_start
  `);
}

/** More than the number of known types; limits the list if failures have arbitrary types. */
const MAX_REASONS = 50;

const parkedReason = z.object({ reasonType: z.string(), tenants: z.number() });
/** A stable reason type, and the number of due tenants of a month that are parked for it. */
export type ParkedReason = z.infer<typeof parkedReason>;

/** Counts the due tenants of a month whose latest outcome is `parked`, by reason type. */
export function countParkedReasons(
  db: Queryable,
  period: Period,
): Promise<readonly ParkedReason[]> {
  return db.any(sql.type(parkedReason)`
    SELECT o.reason_type AS "reasonType", count(*) AS tenants
    FROM (${dueTenants(period)}) due
    JOIN tenant_outcomes o
      ON o.tenant_id = due.tenant_id AND o.period_start = ${period.periodStart}
    WHERE o.outcome = 'parked'
    GROUP BY o.reason_type ORDER BY tenants DESC, o.reason_type LIMIT ${MAX_REASONS}
  `);
}
