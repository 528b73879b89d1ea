import { SpanStatusCode, context, trace, type Context, type Span } from '@opentelemetry/api';
import { ApplicationFailure } from '@temporalio/common';

/**
 * Does something within a span, and ends it. Of an error it says the kind alone: messages may hold what
 * tenants have sent.
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

/** The failure's type, as operators know it; PostgreSQL's code; or the error's name. */
function errorType(error: unknown): string {
  if (error instanceof ApplicationFailure && error.type != null) return error.type;
  return sqlState(error) ?? (error instanceof Error ? error.name : typeof error);
}

function sqlState(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return sqlState(error.cause);
}
