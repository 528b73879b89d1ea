import { SpanKind, TraceFlags, context, trace, type Tracer } from '@opentelemetry/api';
import type { SendQuery } from '../../db/driver.ts';
import { inSpan } from './in-span.ts';

/**
 * Returns a wrapper that makes a span for each statement sent to PostgreSQL within a trace, including `BEGIN` and
 * `COMMIT`. The span has the text, with numbered placeholders instead of values, and the number of rows.
 */
export function traceStatements(tracer: Tracer) {
  return (send: SendQuery): SendQuery =>
    (text, ...rest) => {
      const parent = context.active();
      const around = trace.getSpanContext(parent);
      if (!around || (around.traceFlags & TraceFlags.SAMPLED) === 0) return send(text, ...rest);
      const attributes = { 'db.system.name': 'postgresql', 'db.query.text': text };
      const kind = SpanKind.CLIENT;
      const span = tracer.startSpan(summarize(text), { kind, attributes }, parent);
      return inSpan(span, parent, async () => {
        const result = await send(text, ...rest);
        span.setAttribute('db.response.returned_rows', result.rowCount ?? 0);
        return result;
      });
    };
}

/** Our SQL has its keywords in capitals. */
const CHANGES =
  /\b(INSERT|UPDATE|DELETE|MERGE)\s+(?:INTO\s+|FROM\s+)?(?:ONLY\s+)?"?([a-z_][\w.]*)/g;
/** `FOR UPDATE` locks, `DO UPDATE SET` belongs to its insert, `ON DELETE` to a constraint. */
const NO_CHANGES = /\b(?:FOR(?:\s+NO\s+KEY)?|DO|ON)\s+(?:UPDATE|DELETE)\b/g;
/** Excludes functions and subqueries, which aren't tables, and `IS DISTINCT FROM`. */
const READS = /(?<!DISTINCT )\b(?:FROM|JOIN)\s+(?:ONLY\s+)?"?([a-z_][\w.]*)(?!\w|\s*\()/;
const COMMENTS = /\/\*.*?\*\/|--[^\n]*/gs;

/**
 * Returns a short name of a statement for its span: what it changes, such as `UPDATE tenants, INSERT invoices`; or the
 * first table that it reads, such as `SELECT usage_buckets`; or its command. Pure.
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
