import { SpanKind, context, trace, type Tracer } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { withTrace } from './trace-headers.ts';
import { inSpan } from './in-span.ts';

/** Takes the trace of whoever asks for a workflow into it. What nobody traces starts no trace here. */
export function traceClient(tracer: Tracer): WorkflowClientInterceptor {
  return {
    signalWithStart(input, next) {
      const parent = context.active();
      if (!trace.getSpan(parent)) return next(input);
      const { workflowType, signalName, options } = input;
      const attributes = { 'temporal.workflow.id': options.workflowId };
      const span = tracer.startSpan(
        `signal ${workflowType} ${signalName}`,
        { kind: SpanKind.PRODUCER, attributes },
        parent,
      );
      return inSpan(span, parent, async () => {
        const headers = withTrace(input.headers, span.spanContext());
        const runId = await next({ ...input, headers });
        span.setAttribute('temporal.workflow.run_id', runId);
        return runId;
      });
    },
  };
}
