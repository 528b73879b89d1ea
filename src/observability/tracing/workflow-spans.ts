import { SpanKind, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { InjectedSinks } from '@temporalio/worker';
import type { TracingSinks, WorkflowSpan } from '../../contracts/trace-carrier.ts';
import { activityFacts } from '../activity-facts.ts';
import { toSpanContext } from './trace-headers.ts';
import { factAttributes } from './facts.ts';

type Run = Readonly<Record<'workflowId' | 'runId', string>>;

/** Takes the spans that workflows tell: they know no clock and no SDK, and tell them whole, at the end. */
export function takeWorkflowSpans(
  processor: SpanProcessor,
  resource: Resource,
): InjectedSinks<TracingSinks> {
  return {
    tracing: {
      spanEnded: {
        fn: (run, span) => processor.onEnd(toReadableSpan(run, span, resource)),
        // It was told when it happened.
        callDuringReplay: false,
      },
    },
  };
}

/** As the exporter takes it. Pure. */
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
