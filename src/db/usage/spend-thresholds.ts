import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import {
  MAX_SETTINGS_A_DAY,
  MAX_THRESHOLDS,
  type ThresholdLimit,
} from '../../domain/spend-thresholds.ts';
import type { Queryable } from '../pool.ts';
import { sql, type Page } from '../sql.ts';

/** Sets, removes and lists spend thresholds (docs/spec.md#spend-thresholds). Views have the names that the API serves. */

const cents = z.int().nullable();

/** A threshold, as the API serves it. */
export const thresholdSchema = z.object({
  tenant_id: z.string(),
  threshold_id: z.string(),
  currency: z.string(),
  amount_cents: cents.describe('Before tax. Null for a share of the plan.'),
  percent_of_plan: cents.describe('Of the recurring charges of the month. Null for an amount.'),
  set_at: z.iso.datetime(),
  reached: z
    .object({
      month: z.string(),
      threshold_cents: z.int().describe('The amount that the threshold came to.'),
      reached_cents: z.int().describe('What the running invoice came to when that was noticed.'),
      reached_at: z.iso.datetime(),
    })
    .nullable()
    .describe('Null: the running month has not reached it, or no sweep has noticed it yet.'),
});
export type ThresholdView = z.infer<typeof thresholdSchema>;

/** The last threshold of a page. */
export type ThresholdKey = Pick<ThresholdView, 'tenant_id' | 'threshold_id'>;

const THRESHOLDS = sql.fragment`
  SELECT th.tenant_id, th.threshold_id, t.currency, th.amount_cents, th.percent_of_plan, th.set_at, (
    SELECT jsonb_build_object('month', to_char(n.period_start, 'YYYY-MM'),
      'threshold_cents', n.threshold_cents, 'reached_cents', n.reached_cents,
      'reached_at', to_char(n.reached_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    FROM threshold_notices n
    WHERE n.period_start = billing_month(now()) AND ${isAboutIt()}
  ) AS reached
  FROM spend_thresholds th JOIN tenants t USING (tenant_id)
  WHERE th.removed_at IS NULL`;

/** Condition: a notice `n` reports a threshold `th`, by what it says now. */
function isAboutIt() {
  return sql.fragment`(n.tenant_id, n.threshold_id) = (th.tenant_id, th.threshold_id)
    AND (n.amount_cents, n.percent_of_plan) IS NOT DISTINCT FROM (th.amount_cents, th.percent_of_plan)`;
}

/** Returns a page of the thresholds in force, by tenant and id. @param tenantId undefined: of all tenants */
export function listThresholds(
  db: Queryable,
  tenantId: string | undefined,
  { after, limit }: Page<ThresholdKey>,
): Promise<readonly ThresholdView[]> {
  const ofTenant =
    tenantId === undefined ? sql.fragment`` : sql.fragment`AND th.tenant_id = ${tenantId}`;
  const next =
    after === null
      ? sql.fragment``
      : sql.fragment`AND (th.tenant_id, th.threshold_id) > (${after.tenant_id}, ${after.threshold_id})`;
  return db.any(sql.type(thresholdSchema)`
    ${THRESHOLDS} ${ofTenant} ${next} ORDER BY th.tenant_id, th.threshold_id LIMIT ${limit}
  `);
}

/** Returns a threshold in force; null if there is none. */
export function showThreshold(
  db: Queryable,
  tenantId: string,
  thresholdId: string,
): Promise<ThresholdView | null> {
  return db.maybeOne(sql.type(thresholdSchema)`
    ${THRESHOLDS} AND th.tenant_id = ${tenantId} AND th.threshold_id = ${thresholdId}
  `);
}

export interface ThresholdToSet {
  readonly tenantId: string;
  readonly thresholdId: string;
  readonly limit: ThresholdLimit;
  /** Who sets it: `key:acme`. */
  readonly actor: string;
}

const outcomes = z.enum(['added', 'changed', 'unchanged', 'too_many', 'too_often']);
/**
 * What setting a threshold did. `unchanged`: it said the same before. Refused are `too_many`, if the tenant has
 * `MAX_THRESHOLDS`, and `too_often`, after `MAX_SETTINGS_A_DAY` in the last 24 hours.
 */
export type ThresholdOutcome = z.infer<typeof outcomes>;

/** Returns why a threshold was not set; null if it was. */
export function whyNotSet(outcome: ThresholdOutcome, tenantId: string): string | null {
  switch (outcome) {
    case 'too_many':
      return `tenant ${tenantId} has ${MAX_THRESHOLDS} thresholds already: remove one first`;
    case 'too_often':
      return `thresholds of tenant ${tenantId} were set ${MAX_SETTINGS_A_DAY} times in the last 24 hours, which is the maximum: try again later`;
    case 'added':
    case 'changed':
    case 'unchanged':
      return null;
  }
}

/**
 * Sets a threshold of a tenant that exists. Calls for a tenant wait for each other.
 * @param db not a transaction; a tenant's scope is sufficient
 */
export function setThreshold(
  db: Queryable,
  { tenantId, thresholdId, limit, actor }: ThresholdToSet,
): Promise<ThresholdOutcome> {
  return db.oneFirst(sql.type(z.object({ outcome: outcomes }))`
    SELECT set_spend_threshold(${tenantId}, ${thresholdId}, ${limit.amountCents}, ${limit.percentOfPlan},
      ${MAX_THRESHOLDS}, ${MAX_SETTINGS_A_DAY}, ${actor}) AS outcome
  `);
}

/**
 * Removes a threshold. What was reported stays on record, so setting it again in the same month doesn't repeat it.
 * @param db a tenant's scope is sufficient
 * @returns false if there is none
 */
export async function removeThreshold(
  db: Queryable,
  { tenantId, thresholdId, actor }: Omit<ThresholdToSet, 'limit'>,
): Promise<boolean> {
  const { rowCount } = await db.query(sql.typeAlias('nothing')`
    UPDATE spend_thresholds SET removed_by = ${actor}, removed_at = now()
    WHERE tenant_id = ${tenantId} AND threshold_id = ${thresholdId} AND removed_at IS NULL
  `);
  return rowCount > 0;
}

const thresholdLimit = z.union([
  z.object({ amountCents: z.number(), percentOfPlan: z.null() }),
  z.object({ amountCents: z.null(), percentOfPlan: z.number() }),
]);
const unreported = z.object({
  tenantId: z.string(),
  thresholds: z.array(z.object({ thresholdId: z.string(), limit: thresholdLimit })),
  /** What the period's first invoice comes to; null: there is none yet. */
  invoiced: z.object({ subtotalCents: z.number(), recurringCents: z.number() }).nullable(),
});
/** A tenant with thresholds that no notice of a period reports. */
export type UnreportedThresholds = z.infer<typeof unreported>;

/**
 * Returns a page of the tenants with thresholds that a period has not reported yet, by id; without those that were set
 * after its end. Once the period's invoice is released, that decides, so only thresholds that it has reached are among
 * them. None are while it waits for its release, and none if the period's month end has passed without one. It reads
 * thresholds in force, and nothing of tenants without any.
 */
export function listUnreported(
  db: Queryable,
  { periodStart, endsAt }: Period,
  { after, limit }: Page<string>,
): Promise<readonly UnreportedThresholds[]> {
  const next = after === null ? sql.fragment`` : sql.fragment`AND th.tenant_id > ${after}`;
  return db.any(sql.type(unreported)`
    SELECT th.tenant_id AS "tenantId", jsonb_agg(jsonb_build_object('thresholdId', th.threshold_id,
      'limit', jsonb_build_object('amountCents', th.amount_cents, 'percentOfPlan', th.percent_of_plan))
      ORDER BY th.threshold_id) AS thresholds, CASE WHEN i.subtotal IS NOT NULL THEN
        jsonb_build_object('subtotalCents', i.subtotal, 'recurringCents', i.recurring) END AS invoiced
    FROM spend_thresholds th LEFT JOIN LATERAL (
      -- Corrections repeat nothing, and reach nothing.
      SELECT i.subtotal_cents AS subtotal, i.plan_base_cents + i.addon_cents AS recurring FROM invoices i
      WHERE i.tenant_id = th.tenant_id AND i.period_start = ${periodStart} AND i.kind = 'invoice' AND i.revision = 1
    ) i ON true
    WHERE th.removed_at IS NULL AND th.set_at < ${endsAt}::timestamptz ${next} AND NOT EXISTS (
      SELECT FROM threshold_notices n WHERE n.period_start = ${periodStart} AND ${isAboutIt()}
    ) AND CASE
      WHEN i.subtotal IS NULL THEN month_end_state(th.tenant_id, ${periodStart}::date) = 'open'
      ELSE (
        i.subtotal >= th.amount_cents
        OR (i.recurring > 0 AND i.subtotal::numeric * 100 >= i.recurring::numeric * th.percent_of_plan)
      ) AND EXISTS (
        SELECT FROM releases r WHERE r.tenant_id = th.tenant_id AND r.period_start = ${periodStart}
      ) END
    GROUP BY th.tenant_id, i.subtotal, i.recurring ORDER BY th.tenant_id LIMIT ${limit}
  `);
}
