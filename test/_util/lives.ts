import type { Database, Queryable } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';

/** Lives of subscriptions within a month: starts, ends, changes of plan, and addons that come and go. */

export interface Life {
  readonly id: string;
  /** A plan version. */
  readonly plan: string;
  readonly startsAt?: string;
  readonly endsAt?: string | null;
  readonly addons?: readonly LifeAddon[];
}

export interface LifeAddon {
  readonly code: string;
  readonly resourceKind: string;
  readonly qty: string;
  readonly priceCents: number;
  /** By default as long as the subscription. */
  readonly startsAt?: string;
  readonly endsAt?: string | null;
}

export const LONG_AGO = '2025-01-01T00:00:00Z';

export interface SeedItem {
  readonly resourceKind: string;
  readonly includedQty?: string | null;
  readonly overagePriceCents?: string | number | null;
  readonly overageUnit?: string | null;
  readonly hardCapQty?: string | null;
}

/** The first version of a plan, in AUD. @returns its id */
export async function seedPlan(
  db: Database,
  code: string,
  terms: {
    readonly proration: 'daily' | 'none';
    readonly basePriceCents: number;
    readonly items?: readonly SeedItem[];
  },
): Promise<string> {
  await db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`INSERT INTO plans (plan_code) VALUES (${code})`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
      VALUES (${code}, 1, 'AUD', ${terms.basePriceCents}, ${terms.proration})`);
    const items = (terms.items ?? []).map((item, index) => ({ ...item, position: index + 1 }));
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO plan_items (plan_version_id, position, resource_kind, included_qty,
        overage_price_cents, overage_unit, hard_cap_qty)
      SELECT ${`${code}-v1`}, position, "resourceKind", "includedQty", "overagePriceCents",
        "overageUnit", "hardCapQty"
      FROM jsonb_to_recordset(${sql.jsonb(items)}) AS i (position int, "resourceKind" text,
        "includedQty" numeric, "overagePriceCents" numeric, "overageUnit" text, "hardCapQty" numeric)`);
  });
  return `${code}-v1`;
}

/** Gives a tenant, which is created if it isn't there, a deployment with these subscriptions. */
export async function seedLives(
  db: Queryable,
  tenantId: string,
  deploymentId: string,
  lives: readonly Life[],
): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO tenants (tenant_id, name, currency) VALUES (${tenantId}, ${tenantId}, 'AUD')
    ON CONFLICT DO NOTHING`);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO deployments (deployment_id, tenant_id) VALUES (${deploymentId}, ${tenantId})
    ON CONFLICT DO NOTHING`);
  for (const life of lives) {
    const { id, plan, startsAt = LONG_AGO, endsAt = null, addons = [] } = life;
    await db.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions
        (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
      VALUES (${id}, ${tenantId}, ${deploymentId}, ${plan}, ${startsAt}, ${endsAt})`);
    for (const [index, addon] of addons.entries()) {
      await db.query(sql.typeAlias('nothing')`
        INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty,
          price_cents, starts_at, ends_at)
        VALUES (${id}, ${index + 1}, ${addon.code}, ${addon.resourceKind}, ${addon.qty},
          ${addon.priceCents}, ${addon.startsAt ?? startsAt},
          ${addon.endsAt === undefined ? endsAt : addon.endsAt})`);
    }
  }
}

/** Ends a subscription and its addons. Null: without an end. */
export async function endLife(db: Queryable, id: string, endsAt: string | null): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET ends_at = ${endsAt} WHERE subscription_id = ${id}`);
}
