import { ROOT_CONTEXT, context, trace, type Context } from '@opentelemetry/api';

/**
 * Runs work shared by several requests in the trace of one of them. Its span and the spans of the
 * others link to each other, so each trace shows where the work was done. Without tracing it only
 * runs the work.
 */
export function inOneTrace<T>(contexts: readonly Context[], work: () => T): T {
  const doer = contexts.find((each) => trace.getSpan(each)?.isRecording()) ?? contexts[0];
  const span = doer && trace.getSpan(doer);
  if (span) {
    for (const each of contexts) {
      const other = trace.getSpan(each);
      if (!other || other === span) continue;
      other.addLink({ context: span.spanContext() });
      span.addLink({ context: other.spanContext() });
    }
  }
  return context.with(doer ?? ROOT_CONTEXT, work);
}
