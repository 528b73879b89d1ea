import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { PlanVersion } from '../../domain/types.ts';
import { findPlanVersions } from '../catalogue/catalogue.ts';
import { touches } from '../month-end/due-tenants.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';

const addon = z.object({
  code: z.string(),
  name: z.string().nullable(),
  resourceKind: z.string(),
  /** Decimal string. */
  qty: z.string(),
  priceCents: z.number().int(),
  startsAt: z.string(),
  endsAt: z.string().nullable(),
});

const subscription = z.object({
  subscriptionId: z.string(),
  planVersionId: z.string().nullable(),
  startsAt: z.string(),
  endsAt: z.string().nullable(),
  /** Those that touch the period, in the order in which they were attached. */
  addons: z.array(addon),
});

const deployment = z.object({
  tenantId: z.string(),
  deploymentId: z.string(),
  /** Those that touch the period, by start. At least one. */
  subscriptions: z.array(subscription),
});
/** A deployment with all of its subscriptions that touch a period, as they are stored: with their instants. */
export type TouchingDeployment = z.infer<typeof deployment>;

/** Returns all deployments of tenants with a subscription that touches the period, ordered by (tenant, deployment). */
export function deploymentsOf(
  db: Queryable,
  period: Period,
  tenantIds: readonly string[],
): Promise<readonly TouchingDeployment[]> {
  return db.any(sql.type(deployment)`
    ${selectingDeployments(period, sql.fragment`s.tenant_id = ANY(${textArray(tenantIds)})`)}
    ORDER BY s.tenant_id, s.deployment_id
  `);
}

/**
 * Selects {@link TouchingDeployment} rows. A deployment is never split, however many subscriptions it has.
 * @param which condition on `subscriptions s`
 */
export function selectingDeployments(period: Period, which: ReturnType<typeof sql.fragment>) {
  return sql.fragment`
    SELECT s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId",
      json_agg(json_build_object('subscriptionId', s.subscription_id, 'planVersionId', s.plan_version_id,
        'startsAt', s.starts_at, 'endsAt', s.ends_at, 'addons', ${touchingAddons(period)})
        ORDER BY s.starts_at) AS subscriptions
    FROM subscriptions s WHERE ${touches(period, 's')} AND ${which}
    GROUP BY s.tenant_id, s.deployment_id`;
}

function touchingAddons(period: Period) {
  return sql.fragment`(
    SELECT coalesce(json_agg(json_build_object('code', a.addon_code, 'name', a.name, 'resourceKind', a.resource_kind,
      'qty', a.qty::text, 'priceCents', a.price_cents, 'startsAt', a.starts_at, 'endsAt', a.ends_at)
      ORDER BY a.position), '[]')
    FROM subscription_addons a
    WHERE a.subscription_id = s.subscription_id AND ${touches(period, 'a')})`;
}

/** Returns the ids of the plan versions that deployments' subscriptions name. */
export function planVersionsOf(
  deployments: readonly {
    readonly subscriptions: readonly { readonly planVersionId: string | null }[];
  }[],
): readonly string[] {
  return deployments.flatMap(({ subscriptions }) =>
    subscriptions.flatMap(({ planVersionId }) => planVersionId ?? []),
  );
}

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
