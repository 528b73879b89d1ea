import { z } from 'zod';
import type { PlanVersion, QuoteAddon } from '../../domain/types.ts';
import type { Queryable } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { DEFINED_UNIT, WITH_DEFINED_UNIT, definedUnitSchema } from './units.ts';

const planItem = z.object({
  resourceKind: z.string(),
  name: z.string().nullable(),
  includedQty: z.string().nullable(),
  hardCapQty: z.string().nullable(),
  overagePriceCents: z.string().nullable(),
  overageUnit: z.string().nullable(),
  definedUnit: definedUnitSchema.nullable(),
});
const planVersion = z.object({
  id: z.string(),
  name: z.string().nullable(),
  version: z.number(),
  currency: z.string(),
  basePriceCents: z.number(),
  proration: z.enum(['daily', 'none']),
  items: z.array(planItem),
}) satisfies z.ZodType<PlanVersion>;
const addon = z.object({
  code: z.string(),
  name: z.string().nullable(),
  resourceKind: z.string(),
  qty: z.string(),
  priceCents: z.number(),
});

/** Quantities and prices as text: inside JSON they would become floats. */
const SELECT_PLAN_VERSIONS = sql.fragment`
  SELECT v.plan_version_id AS id, v.name, v.version, v.currency, v.base_price_cents AS "basePriceCents",
    v.proration, (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'resourceKind', i.resource_kind,
        'name', i.name,
        'includedQty', trim_scale(i.included_qty)::text,
        'hardCapQty', trim_scale(i.hard_cap_qty)::text,
        'overagePriceCents', trim_scale(i.overage_price_cents)::text,
        'overageUnit', i.overage_unit,
        'definedUnit', ${DEFINED_UNIT}
      ) ORDER BY i.position), '[]')
      FROM plan_items i ${WITH_DEFINED_UNIT} WHERE i.plan_version_id = v.plan_version_id
    ) AS items
  FROM plan_versions v`;

/**
 * Returns the plan's highest version, which a new subscription would get, with its items in order; null if the
 * plan has no version.
 */
export function currentPlanVersion(db: Queryable, planCode: string): Promise<PlanVersion | null> {
  return db.maybeOne(sql.type(planVersion)`
    ${SELECT_PLAN_VERSIONS} WHERE v.plan_code = ${planCode} ORDER BY v.version DESC LIMIT 1
  `);
}

/** Returns plan versions with their items in order. Versions are immutable, so callers can cache them. */
export function findPlanVersions(
  db: Queryable,
  ids: readonly string[],
): Promise<readonly PlanVersion[]> {
  return db.any(sql.type(planVersion)`
    ${SELECT_PLAN_VERSIONS} WHERE v.plan_version_id = ANY(${textArray(ids)})
  `);
}

/** Returns the given resource kinds for which any plan version has an item. */
export async function findKnownKinds(
  db: Queryable,
  kinds: readonly string[],
): Promise<ReadonlySet<string>> {
  const known = await db.anyFirst(sql.type(z.object({ kind: z.string() }))`
    SELECT DISTINCT resource_kind AS kind FROM plan_items
    WHERE resource_kind = ANY (${textArray(kinds)})
  `);
  return new Set(known);
}

/** Returns the given addons that are in the catalogue, by code. */
export async function findAddons(
  db: Queryable,
  codes: readonly string[],
): Promise<ReadonlyMap<string, QuoteAddon>> {
  const addons = await db.any(sql.type(addon)`
    SELECT addon_code AS code, name, resource_kind AS "resourceKind", trim_scale(qty)::text AS qty,
      price_cents AS "priceCents"
    FROM addons WHERE addon_code = ANY (${textArray(codes)})
  `);
  return new Map(addons.map((found) => [found.code, found]));
}
