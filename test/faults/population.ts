import type pg from 'pg';
import type { Random } from '../../dev/random.ts';

/** The month that is closed, the one before, whose events come late, and the one after. */
export const MONTH = '2026-05';
export const EARLIER_MONTH = '2026-04';
export const NEXT_MONTH = '2026-06';

/** What a tenant is like; all but `sound` can't be invoiced, or only for LLM usage. */
export type TenantKind = 'sound' | 'no plan version' | 'mixed currencies' | 'left';

export interface Tenant {
  readonly tenantId: string;
  readonly kind: TenantKind;
  readonly deploymentIds: readonly string[];
}

/** For each kind of tenant that can't be invoiced, one in this many tenants has that kind, and at least one. */
const ONE_BAD_IN = 250;

/** Tenants with one to three deployments; the bad ones are spread among the others. */
export function planPopulation(count: number, random: Random): readonly Tenant[] {
  const bad = Math.max(1, Math.round(count / ONE_BAD_IN));
  const kinds = new Map<number, TenantKind>();
  for (const kind of ['no plan version', 'mixed currencies', 'left'] as const) {
    for (let placed = 0; placed < bad;) {
      const at = random.integer(0, count - 1);
      if (kinds.has(at)) continue;
      kinds.set(at, kind);
      placed += 1;
    }
  }
  return Array.from({ length: count }, (_, index) => {
    const tenantId = `tenant-${String(index + 1).padStart(4, '0')}`;
    const deployments = random.integer(1, 3);
    return {
      tenantId,
      kind: kinds.get(index) ?? 'sound',
      deploymentIds: ['a', 'b', 'c'].slice(0, deployments).map((name) => `${tenantId}-${name}`),
    };
  });
}

/** Writes catalogue and tenants, set-based: there are thousands of rows. */
export async function insertPopulation(
  client: pg.ClientBase,
  tenants: readonly Tenant[],
  { isReviewed }: { readonly isReviewed: boolean } = { isReviewed: false },
): Promise<void> {
  await client.query(`
    INSERT INTO plans VALUES ('studio'), ('yankee');
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
      VALUES ('studio', 1, 'AUD', 5000, 'daily'), ('yankee', 1, 'USD', 900, 'daily');
    INSERT INTO plan_items (plan_version_id, position, resource_kind, included_qty,
      overage_price_cents, overage_unit, hard_cap_qty) VALUES
      ('studio-v1', 1, 'droplet_hours', 744, 2, 'hour', NULL),
      ('studio-v1', 2, 'llm_tokens', 1000, 1, '1k_tokens', NULL),
      ('studio-v1', 3, 'spaces_gb_month', 100, 2, 'gb_month', 5000),
      ('studio-v1', 4, 'snapshots', 3, NULL, NULL, NULL)`);
  await client.query(
    `INSERT INTO seller_details (version, legal_name, abn, address, release)
     VALUES (1, 'Arcadia Cloud Pty Ltd', '80000000001', '{Sydney}', $1)`,
    [isReviewed ? 'review' : 'immediate'],
  );
  await client.query(
    `INSERT INTO tenants (tenant_id, name, currency)
     SELECT t, t, 'AUD' FROM unnest($1::text[]) t`,
    [tenants.map(({ tenantId }) => tenantId)],
  );
  const deployments = tenants.flatMap(({ tenantId, kind, deploymentIds }) =>
    deploymentIds.map((deploymentId, index) => ({
      tenantId,
      deploymentId,
      plan: kind === 'no plan version' ? null : 'studio-v1',
      // A subscription in another currency, beside one that is good.
      ...(kind === 'mixed currencies' && index === 0 && { plan: 'yankee-v1' }),
      endsAt: kind === 'left' ? '2026-02-10T00:00:00Z' : null,
      hasAddon: index === 1,
    })),
  );
  await client.query(
    `WITH d AS MATERIALIZED (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS d ("tenantId" text, "deploymentId" text,
         plan text, "endsAt" timestamptz, "hasAddon" boolean)
     ), deployed AS (
       INSERT INTO deployments (deployment_id, tenant_id) SELECT "deploymentId", "tenantId" FROM d
     ), subscribed AS (
       INSERT INTO subscriptions
         (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
       SELECT 'sub-' || "deploymentId", "tenantId", "deploymentId", plan, '2025-01-01Z', "endsAt"
       FROM d
     )
     INSERT INTO subscription_addons
       (subscription_id, position, addon_code, resource_kind, qty, price_cents, starts_at)
     SELECT 'sub-' || "deploymentId", 1, 'storage_50gb', 'spaces_gb_month', 50, 750, '2025-01-01Z'
     FROM d WHERE "hasAddon"`,
    [JSON.stringify(deployments)],
  );
  await client.query('ANALYZE');
}
