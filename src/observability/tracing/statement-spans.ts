import { SpanKind, TraceFlags, context, trace, type Tracer } from '@opentelemetry/api';
import type { SendQuery } from '../../db/driver.ts';
import { inSpan } from './in-span.ts';
import { summarize } from './summarize.ts';

/**
 * A span for each statement that is sent to PostgreSQL within a trace, `BEGIN` and `COMMIT` too: its text,
 * in which values are numbered places, and how many rows it brought or changed. Never a value.
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
