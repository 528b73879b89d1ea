import { SpanKind, context, trace, type Tracer } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { activityFacts, factAttributes } from '../activity-facts.ts';
import { contextOf, withTrace } from './trace-headers.ts';
import { inSpan } from './in-span.ts';

/** Makes a span for each attempt of an activity, in the trace of its workflow. */
export function traceActivities(tracer: Tracer): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute(input, next) {
        const parent = contextOf(input.headers);
        const attributes = {
          'temporal.workflow.id': info.workflowExecution?.workflowId,
          'temporal.workflow.run_id': info.workflowExecution?.runId,
          'temporal.activity.attempt': info.attempt,
          ...factAttributes(activityFacts(input.args[0], null)),
        };
        const { activityType } = info;
        const span = tracer.startSpan(
          activityType,
          { kind: SpanKind.CONSUMER, attributes },
          parent,
        );
        return inSpan(span, parent, async () => {
          const result = await next(input);
          span.setAttributes(factAttributes(activityFacts(input.args[0], result)));
          return result;
        });
      },
    },
  });
}

/** Passes the caller's trace to the workflow that it signals. Without a trace, it does nothing. */
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
