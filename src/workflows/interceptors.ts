import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import {
  ApplicationFailure,
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type WorkflowInterceptorsFactory,
} from '@temporalio/workflow';
import {
  TRACE_HEADER,
  readCarrier,
  toCarrier,
  type TracePoint,
  type TracingSinks,
} from '../contracts/trace-carrier.ts';
import { RunSpans } from './run-spans.ts';

/** The step that ends a pass. Requests made before the pass began are served once it is done. */
const ENDS_REQUESTS = 'finishPass';

/**
 * Carries a trace through a workflow. A start or signal names its trace in a header; without that header the
 * interceptors do nothing.
 *
 * They must not change a run: they await nothing and return the promises they get, so the order of commands stays the
 * same, and a history replays with or without them.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const { workflowType, runId } = workflowInfo();
  const { tracing } = proxySinks<TracingSinks>();
  let input: unknown;
  const spans = new RunSpans(runId, (span) => tracing.spanEnded({ ...span, input }));

  const end = (failureType: string | null) => spans.endAll(failureType, Date.now());
  const withTrace = <T extends { readonly headers: Headers }>(call: T): T =>
    spans.newest === null ? call : { ...call, headers: toHeaders(call.headers, spans.newest) };
  /** A regular or local activity. */
  const step = <T extends { readonly activityType: string; readonly headers: Headers }>(
    call: T,
    next: (call: T) => Promise<unknown>,
  ): Promise<unknown> => {
    const result = next(withTrace(call));
    if (call.activityType === ENDS_REQUESTS) observe(result, () => end(null));
    return result;
  };

  return {
    inbound: [
      {
        execute(call, next) {
          [input] = call.args;
          spans.begin(workflowType, readHeaders(call.headers), Date.now());
          const result = next(call);
          observe(
            result,
            () => end(null),
            (error) => end(failureTypeOf(error)),
          );
          return result;
        },
        handleSignal(call, next) {
          const name = `${workflowType} ${call.signalName.slice(0, 100)}`;
          spans.begin(name, readHeaders(call.headers), Date.now());
          return next(call);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: step,
        scheduleLocalActivity: step,
        startChildWorkflowExecution: (call, next) => next(withTrace(call)),
        continueAsNew: (call, next) => next(withTrace(call)),
      },
    ],
  };
};

function readHeaders(headers: Headers): TracePoint | null {
  const payload = headers[TRACE_HEADER];
  if (!payload) return null;
  try {
    return readCarrier(defaultPayloadConverter.fromPayload(payload));
  } catch {
    // A bad header must not fail the workflow.
    return null;
  }
}

function toHeaders(headers: Headers, at: TracePoint): Headers {
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(toCarrier(at)) };
}

/** Calls back once a promise settles, without affecting others that await it. */
function observe(
  promise: Promise<unknown>,
  onEnd: () => void,
  onFailure: (error: unknown) => void = () => undefined,
): void {
  promise.then(onEnd, onFailure);
}

function failureTypeOf(error: unknown): string | null {
  if (error instanceof ContinueAsNew) return null;
  if (error instanceof ApplicationFailure) return error.type ?? error.name;
  return error instanceof Error ? error.name : typeof error;
}
