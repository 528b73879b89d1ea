import type { Proration } from '../../domain/types.ts';
import type { Transaction } from '../pool.ts';
import { jsonRows, sql, textArray } from '../sql.ts';

/** Writes the catalogue. Fields are named as in a catalogue file. */

export interface NewPlanItem {
  readonly resource_kind: string;
  readonly name: string | null;
  readonly included_qty: string | null;
  readonly overage_price_cents: string | null;
  readonly overage_unit: string | null;
  readonly hard_cap_qty: string | null;
}

export interface NewPlanVersion {
  /** The id that the database will generate. */
  readonly id: string;
  readonly code: string;
  readonly version: number;
  readonly name: string | null;
  readonly currency: string;
  readonly base_price_cents: number;
  readonly proration: Proration;
  readonly items: readonly NewPlanItem[];
}

export interface NewAddon {
  readonly code: string;
  readonly name: string | null;
  readonly resource_kind: string;
  readonly qty: string;
  readonly price_cents: number;
}

/** Inserts plan versions with their items, and plans that don't exist yet. */
export async function insertPlanVersions(
  tx: Transaction,
  versions: readonly NewPlanVersion[],
): Promise<void> {
  if (versions.length === 0) return;
  const codes = [...new Set(versions.map(({ code }) => code))];
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO plans (plan_code) SELECT unnest(${textArray(codes)}) ON CONFLICT DO NOTHING
  `);
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO plan_versions (plan_code, version, name, currency, base_price_cents, proration)
    SELECT code, version, name, currency, base_price_cents, proration
    FROM json_to_recordset(${jsonRows(versions)})
      AS v (code text, version int, name text, currency text, base_price_cents bigint,
        proration text)
  `);
  // All items in one statement: a trigger rejects items that are added to a version later.
  const items = versions.flatMap(({ id, items }) =>
    items.map((item, index) => ({ ...item, plan_version_id: id, position: index + 1 })),
  );
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO plan_items (plan_version_id, position, resource_kind, name, included_qty,
      overage_price_cents, overage_unit, hard_cap_qty)
    SELECT plan_version_id, position, resource_kind, name, included_qty,
      overage_price_cents, overage_unit, hard_cap_qty
    FROM json_to_recordset(${jsonRows(items)}) AS i (plan_version_id text, position int,
      resource_kind text, name text, included_qty numeric, overage_price_cents numeric, overage_unit text,
      hard_cap_qty numeric)
  `);
}

/** Inserts new addons and updates existing ones. Attached addons keep their snapshots. */
export async function upsertAddons(tx: Transaction, addons: readonly NewAddon[]): Promise<void> {
  if (addons.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO addons (addon_code, name, resource_kind, qty, price_cents)
    SELECT code, name, resource_kind, qty, price_cents
    FROM json_to_recordset(${jsonRows(addons)})
      AS a (code text, name text, resource_kind text, qty numeric, price_cents bigint)
    ON CONFLICT (addon_code) DO UPDATE SET name = excluded.name, resource_kind = excluded.resource_kind,
      qty = excluded.qty, price_cents = excluded.price_cents, updated_at = now()
  `);
}
