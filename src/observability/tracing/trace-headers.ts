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

/** A point of a trace as OpenTelemetry has it. Pure. */
export function toSpanContext({ traceId, spanId, isSampled, traceState }: TracePoint): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(traceState !== undefined && { traceState: new TraceState(traceState) }),
  };
}

/** What a header of Temporal's says of the trace; without, the beginning of a new one. */
export function contextOf(headers: Headers): Context {
  const payload = headers[TRACE_HEADER];
  const point = payload ? readCarrier(defaultPayloadConverter.fromPayload(payload)) : null;
  return point ? trace.setSpanContext(ROOT_CONTEXT, toSpanContext(point)) : ROOT_CONTEXT;
}

/** Headers that lead what is asked for into the trace. */
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
