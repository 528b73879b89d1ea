import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { ThresholdLimit } from '../../domain/spend-thresholds.ts';
import type { Queryable } from '../pool.ts';
import { rowsAs, sql } from '../sql.ts';
import { eventsOf, telling } from './outbox-events.ts';

/** A threshold that a tenant's month has reached. */
export interface ReachedThreshold {
  readonly tenantId: string;
  readonly thresholdId: string;
  readonly limit: ThresholdLimit;
  /** The amount that it comes to. */
  readonly thresholdCents: number;
  /** What the running invoice comes to. */
  readonly reachedCents: number;
}

/**
 * Records thresholds as reached in a period, with `usage.threshold_reached` for each: the insert of the notice is the
 * check, so it can run again at any time, also concurrently (docs/spec.md#spend-thresholds).
 * @returns how many of them had not been reported before
 */
export async function noticeThresholds(
  db: Queryable,
  { periodStart, month }: Period,
  reached: readonly ReachedThreshold[],
): Promise<number> {
  if (reached.length === 0) return 0;
  const rows = reached.map(({ limit, ...threshold }) => ({ ...threshold, ...limit }));
  return db.oneFirst(sql.type(z.object({ noticed: z.number() }))`
    WITH noticed AS (
      INSERT INTO threshold_notices
        (tenant_id, period_start, threshold_id, amount_cents, percent_of_plan, threshold_cents, reached_cents)
      SELECT "tenantId", ${periodStart}::date, "thresholdId", "amountCents", "percentOfPlan", "thresholdCents",
        "reachedCents"
      FROM ${rowsAs('r', REACHED, rows)}
      ORDER BY 1, 3
      ON CONFLICT ON CONSTRAINT threshold_notices_once DO NOTHING
      RETURNING tenant_id, threshold_id, amount_cents, percent_of_plan, threshold_cents, reached_cents
    ), ${telling([
      eventsOf(
        'usage.threshold_reached',
        sql.fragment`n.tenant_id`,
        sql.fragment`jsonb_build_object('tenant_id', n.tenant_id, 'month', ${month}::text,
          'threshold_id', n.threshold_id, 'amount_cents', n.amount_cents, 'percent_of_plan', n.percent_of_plan,
          'currency', t.currency, 'threshold_cents', n.threshold_cents, 'reached_cents', n.reached_cents,
          'links', jsonb_build_object('usage', '/api/v1/usage/current?tenant_id=' || n.tenant_id,
            'thresholds', '/api/v1/usage-thresholds?tenant_id=' || n.tenant_id))`,
        sql.fragment`FROM noticed n JOIN tenants t USING (tenant_id) WHERE true`,
      ),
    ])}
    SELECT count(*) AS noticed FROM noticed
  `);
}

const REACHED = {
  tenantId: 'text',
  thresholdId: 'text',
  amountCents: 'int8',
  percentOfPlan: 'int4',
  thresholdCents: 'int8',
  reachedCents: 'int8',
} as const;
