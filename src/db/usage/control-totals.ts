import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { allOf, rowsAs, sql, textArray, type Page } from '../sql.ts';

/** The gateway's control totals as stored: revisions, of which the latest counts (docs/spec.md#control-totals). */

/** What a gateway states about a day of a deployment. */
export interface StatedTotal {
  readonly tenantId: string;
  readonly deploymentId: string;
  /** `2026-05-20`, in the billing time zone. */
  readonly day: string;
  readonly requests: number;
  /** Decimal string: exact minor units. */
  readonly chargeCents: string;
}

/**
 * Selects the latest control total of each day and deployment in a month, with the columns of `control_totals`.
 * @param which condition on `control_totals t`
 */
export function latestTotals(
  { periodStart, periodEnd }: Period,
  which: FragmentSqlToken | ReturnType<typeof allOf>,
) {
  return sql.fragment`
    SELECT DISTINCT ON (t.tenant_id, t.day, t.deployment_id) t.*
    FROM control_totals t
    WHERE t.day BETWEEN ${periodStart}::date AND ${periodEnd}::date AND ${which}
    ORDER BY t.tenant_id, t.day, t.deployment_id, t.revision DESC`;
}

/** An arbitrary advisory lock key that nothing else uses. */
const LOCK_KEY = 4_217_023;

const revised = z.object({
  deploymentId: z.string(),
  day: z.string(),
  revision: z.number(),
  isNew: z.boolean(),
});
export type RevisedTotal = z.infer<typeof revised>;

/**
 * Records totals that differ from the latest revision of their day, each as the next revision. Callers wait for each
 * other, so that revisions have no gap and the last call counts.
 * @param totals each deployment and day once, of known deployments
 * @returns for each total, its latest revision and whether this call recorded it
 */
export async function insertTotals(
  tx: Transaction,
  totals: readonly StatedTotal[],
  actor: string,
): Promise<readonly RevisedTotal[]> {
  if (totals.length === 0) return [];
  await tx.query(sql.typeAlias('nothing')`SELECT FROM pg_advisory_xact_lock(${LOCK_KEY})`);
  // A separate statement, so that it sees what was committed while the lock was awaited.
  return tx.any(sql.type(revised)`
    WITH compared AS MATERIALIZED (
      SELECT n."tenantId", n."deploymentId", n.day::date AS day, n.requests, n."chargeCents",
        coalesce(latest.revision, 0) AS revision,
        (latest.requests, latest.charge_cents) IS DISTINCT FROM (n.requests, n."chargeCents") AS "isNew"
      FROM ${rowsAs('n', TOTAL, totals)} LEFT JOIN LATERAL (
        SELECT t.revision, t.requests, t.charge_cents FROM control_totals t
        WHERE t.tenant_id = n."tenantId" AND t.day = n.day::date AND t.deployment_id = n."deploymentId"
        ORDER BY t.revision DESC LIMIT 1
      ) latest ON true
    ), inserted AS (
      INSERT INTO control_totals (tenant_id, deployment_id, day, revision, requests, charge_cents, actor)
      SELECT "tenantId", "deploymentId", day, revision + 1, requests, "chargeCents", ${actor}
      FROM compared WHERE "isNew"
    )
    SELECT "deploymentId", day::text, CASE WHEN "isNew" THEN revision + 1 ELSE revision END AS revision, "isNew"
    FROM compared
  `);
}

const TOTAL = {
  tenantId: 'text',
  deploymentId: 'text',
  day: 'text',
  requests: 'int8',
  chargeCents: 'numeric',
} as const;

/** Returns which of these tenants have a control total of any day. */
export async function findTenantsWithTotals(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await db.anyFirst(sql.type(z.object({ tenant_id: z.string() }))`
    SELECT n.tenant_id FROM unnest(${textArray(tenantIds)}) AS n (tenant_id)
    WHERE EXISTS (SELECT FROM control_totals t WHERE t.tenant_id = n.tenant_id)
  `);
  return new Set(found);
}

/** A revision of a control total, in the format of the API. */
export const controlTotalSchema = z.object({
  tenant_id: z.string(),
  deployment_id: z.string(),
  day: z.iso.date(),
  revision: z.int().describe('Counted from 1. The highest one counts.'),
  requests: z.int().meta({ example: 1204 }),
  charge_cents: z.string().describe('Exact.').meta({ example: '51.170000000001' }),
  currency: z.string(),
  actor: z.string().describe('Who stated it.'),
  stated_at: z.iso.datetime(),
});
export type ControlTotal = z.infer<typeof controlTotalSchema>;

/** The position of a control total in a list. */
export type TotalKey = Pick<ControlTotal, 'tenant_id' | 'day' | 'deployment_id'>;

const SHOWN = sql.fragment`c.tenant_id, c.deployment_id, c.day::text, c.revision, c.requests,
  trim_scale(c.charge_cents)::text AS charge_cents, t.currency, c.actor, c.stated_at`;

/** Returns a page of the latest control totals of a month, ordered by tenant, day and deployment. */
export function listTotals(
  db: Queryable,
  period: Period,
  {
    tenantId,
    deploymentId,
  }: { readonly tenantId?: string | undefined; readonly deploymentId?: string | undefined },
  { after, limit }: Page<TotalKey>,
): Promise<readonly ControlTotal[]> {
  const which = allOf([
    tenantId !== undefined && sql.fragment`t.tenant_id = ${tenantId}`,
    deploymentId !== undefined && sql.fragment`t.deployment_id = ${deploymentId}`,
    after !== null &&
      sql.fragment`(t.tenant_id, t.day, t.deployment_id)
        > (${after.tenant_id}, ${after.day}::date, ${after.deployment_id})`,
  ]);
  return db.any(sql.type(controlTotalSchema)`
    SELECT ${SHOWN} FROM (${latestTotals(period, which)}) c JOIN tenants t USING (tenant_id)
    ORDER BY c.tenant_id, c.day, c.deployment_id LIMIT ${limit}
  `);
}

/** Returns the revisions of a deployment's control total of a day, latest first. */
export function listRevisions(
  db: Queryable,
  deploymentId: string,
  day: string,
): Promise<readonly ControlTotal[]> {
  return db.any(sql.type(controlTotalSchema)`
    SELECT ${SHOWN}
    FROM deployments d JOIN control_totals c USING (tenant_id, deployment_id) JOIN tenants t USING (tenant_id)
    WHERE d.deployment_id = ${deploymentId} AND c.day = ${day}::date
    ORDER BY c.revision DESC LIMIT 1000
  `);
}
