import { SpanStatusCode, context, trace, type Context, type Span } from '@opentelemetry/api';
import { ApplicationFailure } from '@temporalio/common';

/**
 * Runs work within a span and ends the span. It records only the type of an error, because messages may contain
 * tenants' data.
 */
export async function inSpan<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Returns the failure's type, PostgreSQL's code, or the error's name. */
function errorType(error: unknown): string {
  if (error instanceof ApplicationFailure && error.type != null) return error.type;
  return sqlState(error) ?? (error instanceof Error ? error.name : typeof error);
}

function sqlState(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return sqlState(error.cause);
}

/** Returns the ids of the active trace for log lines; nothing outside of a trace. */
export function traceIds(): { readonly trace_id?: string; readonly span_id?: string } {
  const span = trace.getSpanContext(context.active());
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
