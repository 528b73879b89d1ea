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
