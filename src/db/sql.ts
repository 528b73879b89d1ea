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

/** Joins conditions with AND; false ones are ignored, and without conditions the result is true. */
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

/** PostgreSQL's name of a column's type, as `pg_type` has it. */
type ColumnType = 'text' | 'uuid' | 'int4' | 'int8' | 'numeric' | 'json' | 'jsonb' | 'bool';

/**
 * `alias (column, …)` for FROM, with these rows: `VALUES` for one row, so that PostgreSQL keeps the plan; arrays for
 * several, whose number it knows when it plans. (It expects 100 rows of `json_to_recordset`, and then reads whole
 * tables to join them.)
 * @param columns the type of each column, by its name and the rows' property
 */
export function rowsAs<Column extends string>(
  alias: string,
  columns: Readonly<Record<Column, ColumnType>>,
  rows: readonly Readonly<Record<NoInfer<Column>, string | number | boolean | null>>[],
) {
  const typed = Object.entries<ColumnType>(columns) as [Column, ColumnType][];
  const names = sql.join(
    typed.map(([name]) => sql.identifier([name])),
    sql.fragment`, `,
  );
  const [first, ...others] = rows;
  const table =
    first && others.length === 0
      ? sql.fragment`(VALUES (${sql.join(
          typed.map(([name, type]) => sql.fragment`${first[name]}::${sql.identifier([type])}`),
          sql.fragment`, `,
        )}))`
      : sql.fragment`unnest(${sql.join(
          typed.map(([name, type]) => {
            const values = columnArray(rows.map((row) => row[name]));
            return sql.fragment`${values}::${sql.identifier([`_${type}`])}`;
          }),
          sql.fragment`, `,
        )})`;
  return sql.fragment`${table} AS ${sql.identifier([alias])} (${names})`;
}

/**
 * A column of many rows, as PostgreSQL reads an array: for `unnest`. Names are not repeated for each
 * row, as in JSON, and there is nothing to be looked up by name.
 */
export function columnArray(values: readonly (string | number | boolean | null)[]): string {
  // JSON has them the same way, and is faster, unless there is something to escape.
  const json = JSON.stringify(values);
  if (!json.includes('\\')) return `{${json.slice(1, -1)}}`;
  return `{${values.map(toElement).join(',')}}`;
}

function toElement(value: string | number | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return String(value);
  // Quoted, whatever it says: an id may be the word null.
  return `"${SPECIAL.test(value) ? value.replace(EACH_SPECIAL, '\\$&') : value}"`;
}

const SPECIAL = /["\\]/;
const EACH_SPECIAL = /["\\]/g;

/** What to read of a list that is ordered by a key which never changes. */
export interface Page<Key> {
  /** The key of the last entry of the page before; null for the first page. */
  readonly after: Key | null;
  readonly limit: number;
}
