import type { TracePoint, WorkflowSpan } from '../contracts/trace-carrier.ts';

interface OpenSpan {
  readonly name: string;
  readonly at: TracePoint;
  readonly parentSpanId: string;
  readonly startedAtMs: number;
}

/**
 * The spans of one workflow run: one for each request that came with a trace. A month is open for weeks and serves many
 * requests, so a span covers the time of one request, not of the run.
 *
 * Work that the run starts belongs to the newest request, because one pass serves all waiting requests. Span ids are
 * derived from the run's id, so that a replay on another worker makes the same ones.
 */
export class RunSpans {
  readonly #onEnd: (span: Omit<WorkflowSpan, 'input'>) => void;
  readonly #firstId: bigint;
  #begun = 0n;
  #open: readonly OpenSpan[] = [];
  /** The parent of work that starts now. Stays after its span has ended, for later work; null: no trace. */
  newest: TracePoint | null = null;

  constructor(runId: string, onEnd: (span: Omit<WorkflowSpan, 'input'>) => void) {
    this.#onEnd = onEnd;
    // The last 64 bits of a UUID are random; the first may be a timestamp.
    this.#firstId = BigInt(`0x${runId.replaceAll('-', '').slice(-16)}`);
  }

  /** Begins one span per parent: a signal-with-start passes the same parent twice. */
  begin(name: string, parent: TracePoint | null, startedAtMs: number): void {
    if (parent === null) return;
    if (this.#open.some(({ parentSpanId }) => parentSpanId === parent.spanId)) return;
    const at = { ...parent, spanId: this.#nextId() };
    this.#open = [...this.#open, { name, at, parentSpanId: parent.spanId, startedAtMs }];
    this.newest = at;
  }

  endAll(failureType: string | null, endedAtMs: number): void {
    const { newest } = this;
    for (const span of this.#open) {
      if (!span.at.isSampled) continue;
      const continuedAt = span.at === newest ? null : newest;
      this.#onEnd({ ...span, endedAtMs, failureType, continuedAt });
    }
    this.#open = [];
  }

  #nextId(): string {
    const id = BigInt.asUintN(64, this.#firstId + this.#begun);
    this.#begun += 1n;
    // An id of all zeros is invalid.
    return (id === 0n ? 1n : id).toString(16).padStart(16, '0');
  }
}
