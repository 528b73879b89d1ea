import { SpanKind, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { InjectedSinks } from '@temporalio/worker';
import type { TracingSinks, WorkflowSpan } from '../../contracts/trace-carrier.ts';
import { activityFacts, factAttributes } from '../activity-facts.ts';
import { toSpanContext } from './trace-headers.ts';

type Run = Readonly<Record<'workflowId' | 'runId', string>>;

/** Exports the spans of workflows. Workflow code can't use the SDK, so it passes each span on once it has ended. */
export function takeWorkflowSpans(
  processor: SpanProcessor,
  resource: Resource,
): InjectedSinks<TracingSinks> {
  return {
    tracing: {
      spanEnded: {
        fn: (run, span) => processor.onEnd(toReadableSpan(run, span, resource)),
        // The span was exported when it ended.
        callDuringReplay: false,
      },
    },
  };
}

/** Converts a span to the exporter's type. Pure. */
function toReadableSpan(run: Run, span: WorkflowSpan, resource: Resource): ReadableSpan {
  const { at, parentSpanId, startedAtMs, endedAtMs, failureType, continuedAt } = span;
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => toSpanContext(at),
    parentSpanContext: toSpanContext({ ...at, spanId: parentSpanId }),
    startTime: toHrTime(startedAtMs),
    endTime: toHrTime(endedAtMs),
    duration: toHrTime(endedAtMs - startedAtMs),
    ended: true,
    status: { code: failureType === null ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: {
      'temporal.workflow.id': run.workflowId,
      'temporal.workflow.run_id': run.runId,
      ...factAttributes(activityFacts(span.input, null)),
      ...(failureType !== null && { 'error.type': failureType }),
    },
    links: continuedAt === null ? [] : [{ context: toSpanContext(continuedAt) }],
    events: [],
    resource,
    instrumentationScope: { name: 'arcadia-invoicing' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function toHrTime(ms: number): HrTime {
  return [Math.trunc(ms / 1000), (ms % 1000) * 1_000_000];
}
