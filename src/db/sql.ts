import { createSqlTag, type FragmentSqlToken } from 'slonik';
import { z } from 'zod';

/**
 * Slonik's tag, which binds values instead of interpolating them. `sql.typeAlias('nothing')` is for statements
 * that return no rows.
 */
export const sql = createSqlTag({
  typeAliases: { nothing: z.strictObject({}) },
});

/**
 * Returns rows for `json_to_recordset`, to write many at once. It isn't `jsonb`, which PostgreSQL would build
 * from the text only to take it apart again, nor Slonik's `sql.json`, which traverses each value twice.
 */
export function jsonRows(rows: readonly object[]) {
  return sql.fragment`${JSON.stringify(rows)}::json`;
}

/** Joins conditions with AND; false ones are ignored, and without conditions the result is true. */
export function allOf(conditions: readonly (FragmentSqlToken | false)[]) {
  const said = conditions.filter((condition) => condition !== false);
  return sql.join([sql.fragment`true`, ...said], sql.fragment` AND `);
}

/** A period whose bounds are values, or columns of a query that is about several periods. */
export type PeriodBounds = Readonly<
  Record<'periodStart' | 'startsAt' | 'endsAt', string | FragmentSqlToken>
>;

/** Returns a `text[]`. */
export function textArray(values: readonly string[]) {
  return sql.array([...values], 'text');
}

/** Returns a `uuid[]`. */
export function uuidArray(values: readonly string[]) {
  return sql.array([...values], 'uuid');
}

/**
 * Returns `= $1` for one value and `= ANY($1)` for several. PostgreSQL caches the plan for one value, which
 * costs the same whether the value is known or not; it would plan each time for an array of one.
 */
export function isOneOf(values: readonly string[], type: 'text' | 'uuid') {
  const [first, ...others] = values;
  if (first === undefined || others.length > 0) {
    return sql.fragment`= ANY(${sql.array([...values], type)})`;
  }
  return type === 'uuid' ? sql.fragment`= ${first}::uuid` : sql.fragment`= ${first}::text`;
}

/** A column's type, named as in `pg_type`. */
type ColumnType = 'text' | 'uuid' | 'int4' | 'int8' | 'numeric' | 'json' | 'jsonb' | 'bool';

/**
 * Returns `alias (column, …)` for FROM, with these rows: `VALUES` for one row, so that PostgreSQL caches the
 * plan; arrays for several, because it knows their length when it plans. (It expects 100 rows from
 * `json_to_recordset`, and would scan whole tables to join them.)
 * @param columns the type of each column; its name is also the name of the rows' property
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
 * Returns a column of many rows as a PostgreSQL array literal, for `unnest`. Unlike JSON, it doesn't repeat
 * names for each row, and PostgreSQL needs no lookup by name.
 */
export function columnArray(values: readonly (string | number | boolean | null)[]): string {
  // JSON has the same format, and is faster to produce, unless a value needs escaping.
  const json = JSON.stringify(values);
  if (!json.includes('\\')) return `{${json.slice(1, -1)}}`;
  return `{${values.map(toElement).join(',')}}`;
}

function toElement(value: string | number | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return String(value);
  // Always quoted, because an id may be the word null.
  return `"${SPECIAL.test(value) ? value.replace(EACH_SPECIAL, '\\$&') : value}"`;
}

const SPECIAL = /["\\]/;
const EACH_SPECIAL = /["\\]/g;

/** A page of a list that is ordered by an immutable key. */
export interface Page<Key> {
  /** The key of the previous page's last entry; null for the first page. */
  readonly after: Key | null;
  readonly limit: number;
}
