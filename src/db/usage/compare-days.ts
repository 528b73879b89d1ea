import { z } from 'zod';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import { DAY_STATES, judgeDay, type DifferentDay } from '../../domain/gateway-totals.ts';
import type { Period } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { latestTotals } from './control-totals.ts';
import { isOfPeriod } from './quarantine-views.ts';

/** Compares control totals with the ledger by day, from events (docs/spec.md#control-totals). */

export const figuresSchema = z.object({
  requests: z.string().meta({ example: '1204' }),
  charge_cents: z.string().describe('Exact.').meta({ example: '51.170000000001' }),
});

export const comparedDaySchema = z.object({
  deployment_id: z.string(),
  day: z.iso.date(),
  state: z
    .enum(DAY_STATES)
    .describe(
      '`missing`: usage without a control total. `accepted`: different, and an operator accepted it.',
    ),
  stated: figuresSchema
    .nullable()
    .describe('The latest control total of the day; null: there is none.'),
  revision: z.int().nullable().describe('Of that control total.'),
  ledger: figuresSchema.describe(
    'Accepted events of the day, whether billed, pending or excluded.',
  ),
  held: figuresSchema.describe(
    'Events of the day that wait in the quarantine. The ledger does not have them.',
  ),
  acceptance: z
    .object({ actor: z.string(), reason: z.string(), accepted_at: z.iso.datetime() })
    .nullable(),
});
export type ComparedDay = z.infer<typeof comparedDaySchema>;

/** A deployment and its tenant. */
export interface DeploymentKey {
  readonly tenant_id: string;
  readonly deployment_id: string;
}

const dayRow = z.object({
  deployment_id: z.string(),
  day: z.string(),
  revision: z.number().nullable(),
  stated_requests: z.string().nullable(),
  stated_cents: z.string().nullable(),
  ledger_requests: z.string(),
  ledger_cents: z.string(),
  held_requests: z.string(),
  held_cents: z.string(),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
  accepted_at: z.string().nullable(),
});

/**
 * Compares the days of deployments. Both sides are read by one statement, so usage that arrives in between can't look like
 * a difference.
 * @returns the days that are not equal, by deployment; `expired` if the month's events are no longer kept
 */
export async function compareDays(
  db: Queryable,
  calendar: BillingCalendar,
  period: Period,
  deployments: readonly DeploymentKey[],
): Promise<ReadonlyMap<string, readonly ComparedDay[]> | 'expired'> {
  if (deployments.length === 0) return new Map();
  if (await haveExpired(db, period)) return 'expired';
  const ofThese = (alias: string) => {
    const column = (name: string) => sql.identifier([alias, name]);
    return sql.fragment`${column('tenant_id')} = ANY(${textArray([...new Set(deployments.map((d) => d.tenant_id))])})
      AND ${column('deployment_id')} = ANY(${textArray(deployments.map((d) => d.deployment_id))})`;
  };
  const first = sql.fragment`${period.periodStart}::date`;
  const starts = sql.array([...calendar.dayStartsOf(period.month)], 'timestamptz');
  const rows = await db.any(sql.type(dayRow)`
    WITH held_buckets AS (
      SELECT b.bucket_id, b.deployment_id FROM usage_buckets b
      WHERE b.service_month = ${period.periodStart} AND b.source = 'llm' AND b.event_count > 0 AND ${ofThese('b')}
    )
    SELECT f.deployment_id, f.day::text, f.revision, f.stated_requests::text, trim_scale(f.stated_cents)::text AS stated_cents,
      f.ledger_requests::text, trim_scale(f.ledger_cents)::text AS ledger_cents,
      f.held_requests::text, trim_scale(f.held_cents)::text AS held_cents,
      a.actor, a.reason, a.accepted_at
    FROM (
      SELECT deployment_id, day, max(revision) AS revision, max(stated_requests) AS stated_requests, max(stated_cents) AS stated_cents,
        sum(ledger_requests) AS ledger_requests, sum(ledger_cents) AS ledger_cents,
        sum(held_requests) AS held_requests, sum(held_cents) AS held_cents
      FROM (
        SELECT c.deployment_id, c.day, c.revision, c.requests AS stated_requests, c.charge_cents AS stated_cents,
          0::bigint AS ledger_requests, 0::numeric AS ledger_cents, 0 AS held_requests, 0::numeric AS held_cents
        FROM (${latestTotals(period, ofThese('t'))}) c
        UNION ALL
        SELECT h.deployment_id, ${first} + (u.day_no - 1), NULL, NULL, NULL, u.requests, u.charges, 0, 0
        FROM llm_usage_by_day(${first}, ARRAY(SELECT bucket_id FROM held_buckets), ${starts}) u
        JOIN held_buckets h ON h.bucket_id = u.bucket
        UNION ALL
        SELECT q.deployment_id, ${first} + (width_bucket(q.occurred_at, ${starts}) - 1), NULL, NULL, NULL, 0, 0, 1,
          CASE WHEN q.currency IS NULL OR q.currency = t.currency THEN coalesce(q.charge_cents, 0) ELSE 0 END
        FROM quarantined_events q JOIN tenants t USING (tenant_id)
        WHERE q.state = 'held' AND q.occurred_at IS NOT NULL AND q.reason <> 'unpriced_model' AND ${ofThese('q')}
          AND ${isOfPeriod(period)}
      ) sides GROUP BY deployment_id, day
    ) f
    LEFT JOIN control_total_acceptances a ON ${ofThese('a')} AND a.deployment_id = f.deployment_id
      AND a.day = f.day AND a.revision = f.revision
      AND a.ledger_requests = f.ledger_requests AND a.ledger_charge_cents = f.ledger_cents
    ORDER BY f.deployment_id, f.day
  `);
  const days = rows.map(toComparedDay).filter(({ state }) => state !== 'equal');
  return Map.groupBy(days, ({ deployment_id }) => deployment_id);
}

function toComparedDay(row: z.infer<typeof dayRow>): ComparedDay {
  const {
    deployment_id,
    day,
    revision,
    stated_requests,
    stated_cents,
    actor,
    reason,
    accepted_at,
  } = row;
  const stated =
    stated_requests === null || stated_cents === null
      ? null
      : { requests: stated_requests, charge_cents: stated_cents };
  const ledger = { requests: row.ledger_requests, charge_cents: row.ledger_cents };
  const acceptance =
    actor === null || reason === null || accepted_at === null
      ? null
      : { actor, reason, accepted_at };
  return {
    deployment_id,
    day,
    state: judgeDay(stated, ledger, acceptance !== null),
    stated,
    revision,
    ledger,
    held: { requests: row.held_requests, charge_cents: row.held_cents },
    acceptance,
  };
}

function haveExpired(db: Queryable, { periodStart }: Period): Promise<boolean> {
  return db.oneFirst(sql.type(z.object({ have_expired: z.boolean() }))`
    SELECT EXISTS (
      SELECT FROM usage_archives
      WHERE service_month = ${periodStart} AND source = 'llm' AND expired_at IS NOT NULL
    ) AS have_expired
  `);
}

/** A day that differs, and the revision of its control total. */
export interface RevisedDay extends DifferentDay {
  readonly revision: number;
}

/** Returns the days that differ without being accepted. */
export function differentDays(days: readonly ComparedDay[]): readonly RevisedDay[] {
  return daysIn('different', days);
}

/** Returns the days that differ and were accepted exactly as they are. */
export function acceptedDays(days: readonly ComparedDay[]): readonly RevisedDay[] {
  return daysIn('accepted', days);
}

function daysIn(
  wanted: 'different' | 'accepted',
  days: readonly ComparedDay[],
): readonly RevisedDay[] {
  return days.flatMap(({ state, deployment_id, day, stated, revision, ledger, held }) =>
    state === wanted && stated !== null && revision !== null
      ? { deployment_id, day, stated, revision, ledger, held }
      : [],
  );
}
