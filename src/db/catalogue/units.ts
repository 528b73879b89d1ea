import { z } from 'zod';
import type { Unit } from '../../domain/units.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { jsonRows, sql } from '../sql.ts';

/** Units of prices: the built-in ones and those that the catalogue defines (docs/spec.md#units). */

/** A unit by the catalogue's terms. A built-in one has no label here: documents have their own words for it. */
export type StoredUnit = Omit<Unit, 'label'> & { readonly label: string | null };

/** Returns all units, by code. There are few. */
export async function readUnits(db: Queryable): Promise<ReadonlyMap<string, StoredUnit>> {
  const units = await listUnits(db);
  return new Map(
    units.map(({ label_plural: labelPlural, ...unit }) => [unit.code, { ...unit, labelPlural }]),
  );
}

export const definedUnitSchema = z.object({
  factor: z.string(),
  label: z.string(),
  labelPlural: z.string().nullable(),
});
/** Joins the unit `u` of plan items `i`, if the catalogue defines it. */
export const WITH_DEFINED_UNIT = sql.fragment`
  LEFT JOIN units u ON u.unit_code = i.overage_unit AND NOT u.is_built_in`;
/** It as JSON; null otherwise. The factor as text, because inside JSON it would become a float. */
export const DEFINED_UNIT = sql.fragment`
  CASE WHEN u.unit_code IS NOT NULL THEN jsonb_build_object('factor', trim_scale(u.factor)::text,
    'label', u.label, 'labelPlural', u.label_plural) END`;

/** Inserts units of the catalogue. */
export async function insertUnits(tx: Transaction, units: readonly Unit[]): Promise<void> {
  if (units.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO units (unit_code, factor, label, label_plural)
    SELECT code, factor, label, "labelPlural"
    FROM json_to_recordset(${jsonRows(units)})
      AS u (code text, factor numeric, label text, "labelPlural" text)
  `);
}

export const unitSchema = z
  .object({
    code: z.string(),
    factor: z.string().describe('Base units per unit: a price per unit is for that many of them.'),
    label: z.string().nullable().describe('What documents call one of it. Null: built in.'),
    label_plural: z.string().nullable(),
  })
  .meta({
    example: {
      code: 'block_of_10',
      factor: '10',
      label: 'block of 10',
      label_plural: 'blocks of 10',
    },
  });

export type UnitView = z.infer<typeof unitSchema>;

/** Returns all units as the API serves them, the built-in ones first. */
export function listUnits(db: Queryable): Promise<readonly UnitView[]> {
  return db.any(sql.type(unitSchema)`
    SELECT unit_code AS code, trim_scale(factor)::text AS factor, label, label_plural
    FROM units ORDER BY is_built_in DESC, unit_code
  `);
}
