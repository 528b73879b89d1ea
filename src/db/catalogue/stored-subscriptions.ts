import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { jsonRows, sql, textArray } from '../sql.ts';

/** Reads and writes tenants, deployments and subscriptions, for applying subscriptions. */

const storedTenant = z.object({
  tenantId: z.string(),
  name: z.string(),
  currency: z.string(),
});
export type StoredTenant = z.infer<typeof storedTenant>;

export function findTenants(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly StoredTenant[]> {
  return db.any(sql.type(storedTenant)`
    SELECT tenant_id AS "tenantId", name, currency FROM tenants
    WHERE tenant_id = ANY (${textArray(tenantIds)})
  `);
}

const storedDeployment = z.object({ deploymentId: z.string(), tenantId: z.string() });
export type StoredDeployment = z.infer<typeof storedDeployment>;

export function findDeployments(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<readonly StoredDeployment[]> {
  return db.any(sql.type(storedDeployment)`
    SELECT deployment_id AS "deploymentId", tenant_id AS "tenantId" FROM deployments
    WHERE deployment_id = ANY (${textArray(deploymentIds)})
  `);
}

const storedSubscription = z.object({
  subscriptionId: z.string(),
  deploymentId: z.string(),
  planVersionId: z.string().nullable(),
  startsAt: z.string().nullable(),
  endsAt: z.string().nullable(),
});
export type StoredSubscription = z.infer<typeof storedSubscription>;

/** Returns all subscriptions of these deployments, and the subscriptions with these ids. */
export function findSubscriptions(
  db: Queryable,
  deploymentIds: readonly string[],
  subscriptionIds: readonly string[],
): Promise<readonly StoredSubscription[]> {
  return db.any(sql.type(storedSubscription)`
    SELECT subscription_id AS "subscriptionId", deployment_id AS "deploymentId",
      plan_version_id AS "planVersionId", starts_at AS "startsAt", ends_at AS "endsAt"
    FROM subscriptions
    WHERE deployment_id = ANY (${textArray(deploymentIds)})
      OR subscription_id = ANY (${textArray(subscriptionIds)})
    ORDER BY subscription_id
  `);
}

const storedAddon = z.object({
  subscriptionId: z.string(),
  position: z.number(),
  code: z.string(),
  startsAt: z.string(),
  endsAt: z.string().nullable(),
  allowRepeated: z.boolean(),
});
export type StoredAddon = z.infer<typeof storedAddon>;

export function findSubscriptionAddons(
  db: Queryable,
  subscriptionIds: readonly string[],
): Promise<readonly StoredAddon[]> {
  return db.any(sql.type(storedAddon)`
    SELECT subscription_id AS "subscriptionId", position, addon_code AS code,
      starts_at AS "startsAt", ends_at AS "endsAt", allow_repeated AS "allowRepeated"
    FROM subscription_addons WHERE subscription_id = ANY (${textArray(subscriptionIds)})
    ORDER BY subscription_id, position
  `);
}

export async function upsertTenants(
  tx: Transaction,
  tenants: readonly StoredTenant[],
): Promise<void> {
  if (tenants.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO tenants (tenant_id, name, currency)
    SELECT "tenantId", name, currency
    FROM json_to_recordset(${jsonRows(tenants)}) AS t ("tenantId" text, name text, currency text)
    -- Locks tenants in the order of their ids, as month end does.
    ORDER BY "tenantId"
    ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name
  `);
}

export async function insertDeployments(
  tx: Transaction,
  deployments: readonly StoredDeployment[],
): Promise<void> {
  if (deployments.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO deployments (deployment_id, tenant_id)
    SELECT "deploymentId", "tenantId"
    FROM json_to_recordset(${jsonRows(deployments)}) AS d ("deploymentId" text, "tenantId" text)
  `);
}

export async function insertSubscriptions(
  tx: Transaction,
  subscriptions: readonly (StoredSubscription & { readonly tenantId: string })[],
): Promise<void> {
  if (subscriptions.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO subscriptions
      (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
    SELECT "subscriptionId", "tenantId", "deploymentId", "planVersionId", "startsAt", "endsAt"
    FROM json_to_recordset(${jsonRows(subscriptions)}) AS s ("subscriptionId" text,
      "tenantId" text, "deploymentId" text, "planVersionId" text, "startsAt" timestamptz,
      "endsAt" timestamptz)
  `);
}

/** Updates the starts and ends of subscriptions, and sets the plan of those that had none. */
export async function updateSubscriptions(
  tx: Transaction,
  subscriptions: readonly StoredSubscription[],
): Promise<void> {
  if (subscriptions.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE subscriptions s SET plan_version_id = n."planVersionId", starts_at = n."startsAt",
      ends_at = n."endsAt"
    FROM json_to_recordset(${jsonRows(subscriptions)}) AS n ("subscriptionId" text,
      "planVersionId" text, "startsAt" timestamptz, "endsAt" timestamptz)
    WHERE s.subscription_id = n."subscriptionId"
  `);
}

/** Attaches addons with their current terms in the catalogue. */
export async function attachAddons(tx: Transaction, addons: readonly StoredAddon[]): Promise<void> {
  if (addons.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO subscription_addons (subscription_id, position, addon_code, name, resource_kind, qty,
      price_cents, starts_at, ends_at, allow_repeated)
    SELECT n."subscriptionId", n.position, a.addon_code, a.name, a.resource_kind, a.qty, a.price_cents,
      n."startsAt", n."endsAt", n."allowRepeated"
    FROM json_to_recordset(${jsonRows(addons)}) AS n ("subscriptionId" text, position int,
      code text, "startsAt" timestamptz, "endsAt" timestamptz, "allowRepeated" boolean)
    JOIN addons a ON a.addon_code = n.code
  `);
}

/** Updates the end of attached addons and whether they may be repeated; the rest of a snapshot is immutable. */
export async function updateAddons(tx: Transaction, addons: readonly StoredAddon[]): Promise<void> {
  if (addons.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE subscription_addons s SET ends_at = n."endsAt", allow_repeated = n."allowRepeated"
    FROM json_to_recordset(${jsonRows(addons)}) AS n ("subscriptionId" text, position int,
      "endsAt" timestamptz, "allowRepeated" boolean)
    WHERE s.subscription_id = n."subscriptionId" AND s.position = n.position
  `);
}
