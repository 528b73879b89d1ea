/** Ours are written so: keywords in capitals. */
const CHANGES =
  /\b(INSERT|UPDATE|DELETE|MERGE)\s+(?:INTO\s+|FROM\s+)?(?:ONLY\s+)?"?([a-z_][\w.]*)/g;
/** `FOR UPDATE` locks, `DO UPDATE SET` belongs to its insert, `ON DELETE` to a constraint. */
const NO_CHANGES = /\b(?:FOR(?:\s+NO\s+KEY)?|DO|ON)\s+(?:UPDATE|DELETE)\b/g;
/** Functions and subqueries are no tables, and `IS DISTINCT FROM` reads none. */
const READS = /(?<!DISTINCT )\b(?:FROM|JOIN)\s+(?:ONLY\s+)?"?([a-z_][\w.]*)(?!\w|\s*\()/;
const COMMENTS = /\/\*.*?\*\/|--[^\n]*/gs;

/**
 * A statement in a few words, to tell spans apart by: what it changes, such as
 * `UPDATE tenants, INSERT invoices`; or where it reads first, such as `SELECT usage_buckets`; or its command.
 * Pure.
 */
export function summarize(statement: string): string {
  const text = statement.replaceAll(COMMENTS, ' ').trim();
  const changes = [...text.replaceAll(NO_CHANGES, '').matchAll(CHANGES)];
  if (changes.length > 0) {
    return [...new Set(changes.map(([, verb, table]) => `${verb} ${table}`))].join(', ');
  }
  if (/^(?:SELECT|WITH)\b/.test(text)) {
    const [, table] = READS.exec(text) ?? [];
    return table === undefined ? 'SELECT' : `SELECT ${table}`;
  }
  return /^[A-Z]+(?: TRANSACTION)?/.exec(text)?.[0] ?? 'SQL';
}
