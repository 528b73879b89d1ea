import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { PlanVersion } from '../../domain/types.ts';
import { inForceAtEndOf } from '../catalogue/due-tenants.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

const addon = z.object({
  code: z.string(),
  resourceKind: z.string(),
  /** Decimal string. */
  qty: z.string(),
  priceCents: z.number().int(),
});

const subscription = z.object({
  tenantId: z.string(),
  deploymentId: z.string(),
  subscriptionId: z.string(),
  planVersionId: z.string().nullable(),
  /** In the order in which they were attached. */
  addons: z.array(addon),
});
/** A subscription in force at the period's last instant, with the addons in force then. */
export type DueSubscription = z.infer<typeof subscription>;

/** Returns all subscriptions of the tenants that a month end would quote, ordered by (tenant, deployment). */
export function subscriptionsOf(
  db: Queryable,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly DueSubscription[]> {
  return db.any(sql.type(subscription)`
    ${selectingDue(period)} AND s.tenant_id = ANY(${textArray(tenantIds)})
    ORDER BY s.tenant_id, s.deployment_id
  `);
}

/** Selects {@link DueSubscription} rows from subscriptions `s`. More conditions can follow. */
export function selectingDue(period: Period) {
  return sql.fragment`
    SELECT ${SUBSCRIPTION_COLUMNS} FROM subscriptions s ${withAddons(period)}
    WHERE ${inForceAtEndOf(period, 's')}`;
}

const SUBSCRIPTION_COLUMNS = sql.fragment`
  s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId",
  s.subscription_id AS "subscriptionId", s.plan_version_id AS "planVersionId",
  coalesce(addons.list, '[]') AS addons
`;

function withAddons(period: Period) {
  return sql.fragment`LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('code', a.addon_code, 'resourceKind', a.resource_kind,
        'qty', a.qty::text, 'priceCents', a.price_cents) ORDER BY a.position) AS list
      FROM subscription_addons a
      WHERE a.subscription_id = s.subscription_id AND ${inForceAtEndOf(period, 'a')}
    ) addons ON true`;
}

const planVersion = z.object({
  id: z.string(),
  version: z.number(),
  currency: z.string(),
  basePriceCents: z.number(),
  proration: z.enum(['daily', 'none']),
  items: z.array(
    z.object({
      resourceKind: z.string(),
      includedQty: z.string().nullable(),
      hardCapQty: z.string().nullable(),
      overagePriceCents: z.string().nullable(),
      overageUnit: z.string().nullable(),
    }),
  ),
}) satisfies z.ZodType<PlanVersion>;

/**
 * Reads the plan versions that aren't in `known` yet and adds them. Versions are immutable, so each is read
 * once.
 */
export async function learnPlanVersions(
  db: Queryable,
  known: Map<string, PlanVersion>,
  ids: Iterable<string>,
): Promise<void> {
  const unknown = new Set(ids);
  for (const id of known.keys()) unknown.delete(id);
  if (unknown.size === 0) return;
  for (const version of await findPlanVersions(db, [...unknown])) known.set(version.id, version);
}

/** Returns plan versions with their items in order. Versions are immutable, so callers can cache them. */
export function findPlanVersions(
  db: Queryable,
  ids: readonly string[],
): Promise<readonly PlanVersion[]> {
  return db.any(sql.type(planVersion)`
    SELECT v.plan_version_id AS id, v.version, v.currency, v.base_price_cents AS "basePriceCents",
      v.proration, coalesce((
        SELECT jsonb_agg(jsonb_build_object('resourceKind', i.resource_kind,
          'includedQty', i.included_qty::text, 'hardCapQty', i.hard_cap_qty::text,
          'overagePriceCents', i.overage_price_cents::text, 'overageUnit', i.overage_unit)
          ORDER BY i.position)
        FROM plan_items i WHERE i.plan_version_id = v.plan_version_id
      ), '[]') AS items
    FROM plan_versions v WHERE v.plan_version_id = ANY(${textArray(ids)})
  `);
}
