import { z } from 'zod';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';

/** Reads the catalogue for the API. Fields are named as in a catalogue file. */

const nameView = z.string().nullable().describe('What documents say. Null: the code in words.');

export const planVersionSchema = z
  .object({
    code: z.string(),
    version: z.int(),
    name: nameView,
    currency: z.string(),
    base_price_cents: z.int(),
    proration: z
      .enum(['daily', 'none'])
      .describe('What a part of a month costs: `daily` by days, `none` a full month or nothing.'),
    items: z
      .array(
        z.object({
          resource_kind: z.string(),
          name: nameView,
          included_qty: z.string().nullable(),
          overage_price_cents: z.string().nullable().describe('A decimal. Null: never billed.'),
          overage_unit: z.string().nullable(),
          hard_cap_qty: z.string().nullable(),
        }),
      )
      .describe('In the order of invoice lines.'),
  })
  .meta({
    example: {
      code: 'studio',
      version: 1,
      name: 'Studio',
      currency: 'AUD',
      base_price_cents: 5000,
      proration: 'daily',
      items: [
        {
          resource_kind: 'spaces_gb_month',
          name: 'Spaces storage',
          included_qty: '100',
          overage_price_cents: '2',
          overage_unit: 'gb_month',
          hard_cap_qty: null,
        },
      ],
    },
  });
export type PlanVersionView = z.infer<typeof planVersionSchema>;
export type PlanVersionKey = Pick<PlanVersionView, 'code' | 'version'>;

// Quantities and prices as text: inside JSON they would become floats.
const SELECT_PLAN_VERSIONS = sql.fragment`
  SELECT v.plan_code AS code, v.version, v.name, v.currency, v.base_price_cents, v.proration,
    coalesce((
      SELECT jsonb_agg(jsonb_build_object(
        'resource_kind', i.resource_kind,
        'name', i.name,
        'included_qty', trim_scale(i.included_qty)::text,
        'overage_price_cents', trim_scale(i.overage_price_cents)::text,
        'overage_unit', i.overage_unit,
        'hard_cap_qty', trim_scale(i.hard_cap_qty)::text
      ) ORDER BY i.position)
      FROM plan_items i WHERE i.plan_version_id = v.plan_version_id
    ), '[]') AS items
  FROM plan_versions v
`;

export function showPlanVersion(
  db: Queryable,
  { code, version }: PlanVersionKey,
): Promise<PlanVersionView | null> {
  return db.maybeOne(sql.type(planVersionSchema)`
    ${SELECT_PLAN_VERSIONS} WHERE v.plan_code = ${code} AND v.version = ${version}
  `);
}

/** Returns the current version of each plan, ordered by code; at most 200. */
export function listCurrentPlans(db: Queryable): Promise<readonly PlanVersionView[]> {
  return db.any(sql.type(planVersionSchema)`
    ${SELECT_PLAN_VERSIONS}
    JOIN (SELECT plan_code, max(version) AS version FROM plan_versions GROUP BY plan_code) latest
      USING (plan_code, version)
    ORDER BY v.plan_code LIMIT 200
  `);
}

/** Returns a page of all plan versions, ordered by plan code and version. */
export function listPlanVersions(
  db: Queryable,
  { after, limit }: Page<PlanVersionKey>,
): Promise<readonly PlanVersionView[]> {
  const isAfter =
    after !== null && sql.fragment`(v.plan_code, v.version) > (${after.code}, ${after.version})`;
  return db.any(sql.type(planVersionSchema)`
    ${SELECT_PLAN_VERSIONS} WHERE ${allOf([isAfter])} ORDER BY v.plan_code, v.version LIMIT ${limit}
  `);
}

export const addonSchema = z
  .object({
    code: z.string(),
    name: nameView,
    resource_kind: z.string(),
    qty: z.string(),
    price_cents: z.int(),
  })
  .meta({
    example: {
      code: 'storage_50gb',
      name: 'Extra storage',
      resource_kind: 'spaces_gb_month',
      qty: '50',
      price_cents: 750,
    },
  });
export type AddonView = z.infer<typeof addonSchema>;

const SELECT_ADDONS = sql.fragment`
  SELECT addon_code AS code, name, resource_kind, trim_scale(qty)::text AS qty, price_cents FROM addons
`;

export function showAddon(db: Queryable, code: string): Promise<AddonView | null> {
  return db.maybeOne(sql.type(addonSchema)`${SELECT_ADDONS} WHERE addon_code = ${code}`);
}

/** Returns a page of addons, ordered by code. */
export function listAddons(
  db: Queryable,
  { after, limit }: Page<string>,
): Promise<readonly AddonView[]> {
  const isAfter = after !== null && sql.fragment`addon_code > ${after}`;
  return db.any(sql.type(addonSchema)`
    ${SELECT_ADDONS} WHERE ${allOf([isAfter])} ORDER BY addon_code LIMIT ${limit}
  `);
}
