import {
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import {
  TRACE_HEADER,
  readCarrier,
  toCarrier,
  type TracePoint,
} from '../../contracts/trace-carrier.ts';

/** Converts a point of a trace to OpenTelemetry's type. Pure. */
export function toSpanContext({ traceId, spanId, isSampled, traceState }: TracePoint): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(traceState !== undefined && { traceState: new TraceState(traceState) }),
  };
}

/** Reads the trace from Temporal's headers; without one, returns the root context. */
export function contextOf(headers: Headers): Context {
  const payload = headers[TRACE_HEADER];
  const point = payload ? readCarrier(defaultPayloadConverter.fromPayload(payload)) : null;
  return point ? trace.setSpanContext(ROOT_CONTEXT, toSpanContext(point)) : ROOT_CONTEXT;
}

/** Adds the trace to Temporal's headers. */
export function withTrace(
  headers: Headers,
  { traceId, spanId, traceFlags, traceState }: SpanContext,
): Headers {
  const carrier = toCarrier({
    traceId,
    spanId,
    isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
    ...(traceState && { traceState: traceState.serialize() }),
  });
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}
