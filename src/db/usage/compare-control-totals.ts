import { z } from 'zod';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import type { Month, Period } from '../../domain/period.ts';
import {
  DEPLOYMENT_STATES,
  areEqual,
  judgeDeployment,
  type DifferentDay,
} from '../../domain/gateway-totals.ts';
import type { Queryable } from '../pool.ts';
import { allOf, sql, textArray, type Page } from '../sql.ts';
import { latestTotals } from './control-totals.ts';
import {
  comparedDaySchema,
  compareDays,
  differentDays,
  figuresSchema,
  type ComparedDay,
  type DeploymentKey,
} from './compare-days.ts';

/**
 * Compares the gateway's control totals with the ledger (docs/spec.md#control-totals): first the sums of the month, from
 * buckets; by day, from events, only for deployments whose sums differ.
 */

export const comparedDeploymentSchema = z.object({
  tenant_id: z.string(),
  deployment_id: z.string(),
  currency: z.string(),
  state: z
    .enum(DEPLOYMENT_STATES)
    .describe(
      'That of its most serious day; `equal` if the sums of the month agree. `unstated`: no control total in the ' +
        'month. `expired`: the sums differ, and the events of the month are no longer kept.',
    ),
  stated_days: z.int().describe('Days with a control total.'),
  stated: figuresSchema.describe('The sum of its control totals of the month.'),
  ledger: figuresSchema.describe('Its accepted events of the month.'),
  days: z.array(comparedDaySchema).describe('The days that are not equal.'),
});
export type ComparedDeployment = z.infer<typeof comparedDeploymentSchema>;

export interface ComparisonFilter {
  /** Only these tenants. */
  readonly tenantIds?: readonly string[] | undefined;
  /** Only this deployment. */
  readonly deploymentId?: string | undefined;
  /** Also deployments whose sums agree, and those of tenants without any control total in the month. */
  readonly isWhole?: boolean;
}

const sums = z.object({
  tenant_id: z.string(),
  deployment_id: z.string(),
  currency: z.string(),
  stated_days: z.number(),
  /** The sum of the days' latest revisions, which grows whenever a total is stated. */
  revisions: z.number(),
  stated_requests: z.string(),
  stated_cents: z.string(),
  ledger_requests: z.string(),
  ledger_cents: z.string(),
});
type Sums = z.infer<typeof sums>;

/**
 * Selects the sums of deployments with control totals or LLM usage in the month. Without any control total in the month
 * it reads no usage.
 */
function monthSums(period: Period, { tenantIds, deploymentId }: ComparisonFilter) {
  const of = (alias: string) =>
    allOf([
      tenantIds !== undefined &&
        sql.fragment`${sql.identifier([alias, 'tenant_id'])} = ANY(${textArray(tenantIds)})`,
      deploymentId !== undefined &&
        sql.fragment`${sql.identifier([alias, 'deployment_id'])} = ${deploymentId}`,
    ]);
  return sql.fragment`
    SELECT both_sides.tenant_id, both_sides.deployment_id, sum(days) AS stated_days, sum(revision) AS revisions,
      sum(stated_requests) AS stated_requests, sum(stated_cents) AS stated_cents,
      sum(ledger_requests) AS ledger_requests, sum(ledger_cents) AS ledger_cents
    FROM (
      SELECT c.tenant_id, c.deployment_id, 1 AS days, c.revision, c.requests AS stated_requests,
        c.charge_cents AS stated_cents, 0 AS ledger_requests, 0::numeric AS ledger_cents
      FROM (${latestTotals(period, of('t'))}) c
      UNION ALL
      SELECT b.tenant_id, b.deployment_id, 0, 0, 0, 0, b.event_count, b.total
      FROM usage_buckets b
      WHERE b.service_month = ${period.periodStart} AND b.source = 'llm' AND b.event_count > 0 AND ${of('b')}
        AND (SELECT EXISTS (SELECT FROM control_totals any_total WHERE any_total.day
          BETWEEN ${period.periodStart}::date AND ${period.periodEnd}::date AND ${of('any_total')}))
    ) both_sides
    GROUP BY both_sides.tenant_id, both_sides.deployment_id`;
}

/** Condition on sums `s`: those of the month differ. */
const DIFFERS = sql.fragment`(s.stated_requests, s.stated_cents) <> (s.ledger_requests, s.ledger_cents)`;

export const comparisonCountsSchema = z.object({
  equal: z.int().describe('Deployments whose sums of the month agree.'),
  unequal: z.int().describe('Deployments whose sums differ: by wrong or by missing totals.'),
  unstated: z.int().describe('Deployments with LLM usage and no control total in the month.'),
});
export type ComparisonCounts = z.infer<typeof comparisonCountsSchema>;

/** Counts deployments by how the sums of the month compare. All are 0 if the month has no control total. */
export function countCompared(
  db: Queryable,
  period: Period,
  filter: ComparisonFilter = {},
): Promise<ComparisonCounts> {
  return db.one(sql.type(comparisonCountsSchema)`
    SELECT count(*) FILTER (WHERE s.stated_days > 0 AND NOT ${DIFFERS}) AS equal,
      count(*) FILTER (WHERE s.stated_days > 0 AND ${DIFFERS}) AS unequal,
      count(*) FILTER (WHERE s.stated_days = 0) AS unstated
    FROM (${monthSums(period, filter)}) s
  `);
}

const ALL: Page<DeploymentKey> = { after: null, limit: 1_000_000 };

/**
 * Compares a page of deployments, ordered by tenant and deployment. By default those whose sums differ, and those without
 * control totals whose tenant has some.
 */
export async function compareControlTotals(
  db: Queryable,
  calendar: BillingCalendar,
  month: Month,
  filter: ComparisonFilter = {},
  page: Page<DeploymentKey> = ALL,
): Promise<readonly ComparedDeployment[]> {
  const period = calendar.periodOf(month);
  const found = await readSums(db, period, filter, page);
  const days = await compareDays(db, calendar, period, found.filter(isUnequal));
  return found.map((row) => toCompared(row, days));
}

function readSums(
  db: Queryable,
  period: Period,
  filter: ComparisonFilter,
  { after, limit }: Page<DeploymentKey>,
): Promise<readonly Sums[]> {
  return db.any(sql.type(sums)`
    SELECT s.tenant_id, s.deployment_id, t.currency, s.stated_days, s.revisions,
      s.stated_requests::text, trim_scale(s.stated_cents)::text AS stated_cents,
      s.ledger_requests::text, trim_scale(s.ledger_cents)::text AS ledger_cents
    FROM (
      SELECT *, sum(stated_days) OVER (PARTITION BY tenant_id) > 0 AS tenant_states
      FROM (${monthSums(period, filter)}) of_month
    ) s JOIN tenants t USING (tenant_id)
    WHERE ${allOf([
      !filter.isWhole && sql.fragment`s.tenant_states AND ${DIFFERS}`,
      after !== null &&
        sql.fragment`(s.tenant_id, s.deployment_id) > (${after.tenant_id}, ${after.deployment_id})`,
    ])}
    ORDER BY s.tenant_id, s.deployment_id LIMIT ${limit}
  `);
}

function isUnequal(row: Sums): boolean {
  return row.stated_days > 0 && !areEqual(...sidesOf(row));
}

function sidesOf(row: Sums) {
  return [
    { requests: row.stated_requests, charge_cents: row.stated_cents },
    { requests: row.ledger_requests, charge_cents: row.ledger_cents },
  ] as const;
}

function toCompared(
  row: Sums,
  days: ReadonlyMap<string, readonly ComparedDay[]> | 'expired',
): ComparedDeployment {
  const { tenant_id, deployment_id, currency, stated_days } = row;
  const [stated, ledger] = sidesOf(row);
  const compared = { tenant_id, deployment_id, currency, stated_days, stated, ledger };
  if (stated_days === 0) return { ...compared, state: 'unstated', days: [] };
  if (areEqual(stated, ledger)) return { ...compared, state: 'equal', days: [] };
  if (days === 'expired') return { ...compared, state: 'expired', days: [] };
  const own = days.get(deployment_id) ?? [];
  return { ...compared, state: judgeDeployment(own.map(({ state }) => state)), days: [...own] };
}

/** A tenant's months whose control totals decide whether its invoice is issued. */
export interface TenantToCompare {
  readonly tenantId: string;
  readonly months: readonly Month[];
}

/** A deployment whose sums of a month differ. */
export interface UnequalMonth extends Sums {
  readonly month: Month;
}

/** Returns the days that differ without being accepted, of each of the months in order. Missing totals don't differ. */
export type ReadDays = (
  unequal: readonly UnequalMonth[],
) => Promise<readonly (readonly DifferentDay[])[]>;

/**
 * Returns the days whose control totals differ from the ledger without being accepted, by tenant.
 * @param readDays by default it reads the events of the months whose sums differ
 */
export async function findDifferentDays(
  db: Queryable,
  calendar: BillingCalendar,
  tenants: readonly TenantToCompare[],
  readDays: ReadDays = readDifferentDays(db, calendar),
): Promise<ReadonlyMap<string, readonly DifferentDay[]>> {
  const unequal: UnequalMonth[] = [];
  for (const month of [...new Set(tenants.flatMap(({ months }) => months))].sort()) {
    const tenantIds = tenants.flatMap(({ tenantId, months }) =>
      months.includes(month) ? tenantId : [],
    );
    const rows = await readSums(db, calendar.periodOf(month), { tenantIds }, ALL);
    unequal.push(...rows.filter(isUnequal).map((row) => ({ ...row, month })));
  }
  const found = new Map<string, readonly DifferentDay[]>();
  for (const [index, days] of (await readDays(unequal)).entries()) {
    const tenantId = unequal[index]?.tenant_id ?? '';
    if (days.length > 0) found.set(tenantId, [...(found.get(tenantId) ?? []), ...days]);
  }
  return found;
}

/** Returns a function that compares months by day, from all of their events. */
export function readDifferentDays(db: Queryable, calendar: BillingCalendar): ReadDays {
  return async (unequal) => {
    const byMonth = new Map<Month, Awaited<ReturnType<typeof compareDays>>>();
    for (const [month, deployments] of Map.groupBy(unequal, (one) => one.month)) {
      const period = calendar.periodOf(month);
      byMonth.set(month, await compareDays(db, calendar, period, deployments));
    }
    return unequal.map(({ month, deployment_id: deploymentId }) => {
      const days = byMonth.get(month);
      return days === undefined || days === 'expired'
        ? []
        : differentDays(days.get(deploymentId) ?? []);
    });
  };
}
