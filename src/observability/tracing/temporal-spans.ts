import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { activityFacts } from '../activity-facts.ts';
import { contextOf } from './trace-headers.ts';
import { factAttributes } from './facts.ts';
import { inSpan } from './in-span.ts';

/** A span for each attempt at an activity, in the trace of the workflow that asks for it. */
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
