import { ROOT_CONTEXT, context, trace, type Context } from '@opentelemetry/api';

/**
 * Does what several have asked for once, in the trace of one of them. Its span and those of the others link
 * to each other: who looks at theirs finds where the work was done. Without tracing it only does it.
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
