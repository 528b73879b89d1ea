/**
 * How a trace passes through Temporal: in the same header as Temporal's own OpenTelemetry
 * interceptors of every language use, so that their traces are understood.
 */
export const TRACE_HEADER = '_tracer-data';

/** The header's content: the W3C Trace Context of HTTP. */
export interface TraceCarrier {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** A position in a trace. Ids are hexadecimal, with 32 and 16 digits. */
export interface TracePoint {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  /** Entries added by other systems on the way. */
  readonly traceState?: string;
}

/** A finished part of a workflow's work. */
export interface WorkflowSpan {
  readonly name: string;
  readonly at: TracePoint;
  readonly parentSpanId: string;
  /** By the workflow's clock, in milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The type of its failure; null: it succeeded. */
  readonly failureType: string | null;
  /** The span in which the awaited work continued; null: this one. */
  readonly continuedAt: TracePoint | null;
  /** The workflow's input, which names month and tenants. */
  readonly input: unknown;
}

/** The sink of the worker to which a workflow reports its spans; it isn't called during replay. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- the SDK's `Sinks` takes no interface
export type TracingSinks = {
  readonly tracing: { spanEnded(span: WorkflowSpan): void };
};

/** Version, trace id, span id, flags: https://www.w3.org/TR/trace-context/#traceparent-header-field-values */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;

/** Reads a carrier; null if it is empty or not W3C Trace Context. Pure. */
export function readCarrier(carrier: unknown): TracePoint | null {
  if (typeof carrier !== 'object' || carrier === null) return null;
  const { traceparent, tracestate } = carrier as Readonly<Record<string, unknown>>;
  if (typeof traceparent !== 'string') return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return {
    traceId,
    spanId,
    isSampled,
    ...(typeof tracestate === 'string' && { traceState: tracestate }),
  };
}

/** Writes a carrier. Pure. */
export function toCarrier({ traceId, spanId, isSampled, traceState }: TracePoint): TraceCarrier {
  return {
    traceparent: `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`,
    ...(traceState !== undefined && { tracestate: traceState }),
  };
}
