import { createSqlTag } from 'slonik';
import { z } from 'zod';

/**
 * Slonik's tag: values are bound, never pasted. `sql.typeAlias('nothing')` is for
 * statements that return no rows.
 */
export const sql = createSqlTag({
  typeAliases: { nothing: z.strictObject({}) },
});

/** Rows for `jsonb_to_recordset`: the way to write many at once. */
export function jsonRows(rows: readonly object[]) {
  return sql.jsonb(rows);
}

/** A `text[]`. */
export function textArray(values: readonly string[]) {
  return sql.array([...values], 'text');
}

/** A `uuid[]`. */
export function uuidArray(values: readonly string[]) {
  return sql.array([...values], 'uuid');
}
