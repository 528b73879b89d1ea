/**
 * How a trace gets through Temporal: in the header in which Temporal's own OpenTelemetry interceptors, of
 * every language, put it, so that a caller that uses those is understood.
 */
export const TRACE_HEADER = '_tracer-data';

/** What the header holds: the W3C Trace Context of HTTP. */
export interface TraceCarrier {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Where in a trace something belongs. Ids are hexadecimal: 32 digits, 16 digits. */
export interface TracePoint {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  /** What other systems on the way have added. */
  readonly traceState?: string;
}

/** A stretch of a workflow's work, told when it is over. */
export interface WorkflowSpan {
  readonly name: string;
  readonly at: TracePoint;
  readonly parentSpanId: string;
  /** By the workflow's clock, in milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The type of the failure that it ended by; null: it ended well. */
  readonly failureType: string | null;
  /** Where the work went on that it waited for; null: in itself. */
  readonly continuedAt: TracePoint | null;
  /** What the workflow was started with, to name month and tenants by. */
  readonly input: unknown;
}

/** Where a workflow tells its spans: a sink of the worker, which isn't called while history is replayed. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- the SDK's `Sinks` takes no interface
export type TracingSinks = {
  readonly tracing: { spanEnded(span: WorkflowSpan): void };
};

/** Version, trace id, span id, flags: https://www.w3.org/TR/trace-context/#traceparent-header-field-values */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;

/** Reads a carrier; null where it says nothing, or not in the way of W3C. Pure. */
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
