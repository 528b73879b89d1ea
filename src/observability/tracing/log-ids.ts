import { context, trace } from '@opentelemetry/api';

/** What a log line says of the trace that it is written in; nothing outside of one. */
export function traceIds(): { readonly trace_id?: string; readonly span_id?: string } {
  const span = trace.getSpanContext(context.active());
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
