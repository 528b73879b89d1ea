import { createSqlTag, type FragmentSqlToken } from 'slonik';
import { z } from 'zod';

/**
 * Slonik's tag: values are bound, never pasted. `sql.typeAlias('nothing')` is for
 * statements that return no rows.
 */
export const sql = createSqlTag({
  typeAliases: { nothing: z.strictObject({}) },
});

/**
 * Rows for `json_to_recordset`: the way to write many at once. Not `jsonb`, which would be made of the
 * text only to be taken apart again; and not Slonik's `sql.json`, which looks at each value twice.
 */
export function jsonRows(rows: readonly object[]) {
  return sql.fragment`${JSON.stringify(rows)}::json`;
}

/** All of these, or anything where there is none; what is false says nothing. */
export function allOf(conditions: readonly (FragmentSqlToken | false)[]) {
  const said = conditions.filter((condition) => condition !== false);
  return sql.join([sql.fragment`true`, ...said], sql.fragment` AND `);
}

/** A `text[]`. */
export function textArray(values: readonly string[]) {
  return sql.array([...values], 'text');
}

/** A `uuid[]`. */
export function uuidArray(values: readonly string[]) {
  return sql.array([...values], 'uuid');
}

/**
 * `= $1` for one value, `= ANY($1)` for several. A plan for one value costs the same whether the value is known or
 * not, so that PostgreSQL keeps it; with an array of one it plans each time.
 */
export function isOneOf(values: readonly string[], type: 'text' | 'uuid') {
  const [first, ...others] = values;
  if (first === undefined || others.length > 0) {
    return sql.fragment`= ANY(${sql.array([...values], type)})`;
  }
  return type === 'uuid' ? sql.fragment`= ${first}::uuid` : sql.fragment`= ${first}::text`;
}
