import type { TracePoint, WorkflowSpan } from '../contracts/tracing.ts';

interface OpenSpan {
  readonly name: string;
  readonly at: TracePoint;
  readonly parentSpanId: string;
  readonly startedAtMs: number;
}

/**
 * The spans of one workflow run: one for each request that has come with a trace. A month is open for
 * weeks and serves many requests, so a span isn't the run's life but the time that a request took.
 *
 * What the run begins belongs to the newest request: that is where the work of all that wait is done.
 * Ids come of the run's id, so that a run that is replayed elsewhere goes on with the same ones.
 */
export class RunSpans {
  readonly #tell: (span: Omit<WorkflowSpan, 'input'>) => void;
  readonly #firstId: bigint;
  #begun = 0n;
  #open: readonly OpenSpan[] = [];
  /** Where what is begun now belongs; stays when it has ended, for what comes after; null: nowhere. */
  newest: TracePoint | null = null;

  constructor(runId: string, tell: (span: Omit<WorkflowSpan, 'input'>) => void) {
    this.#tell = tell;
    // The end of a UUID is random, its beginning may be the time.
    this.#firstId = BigInt(`0x${runId.replaceAll('-', '').slice(-16)}`);
  }

  /** Once for each parent: what starts a run with a signal says both with the same one. */
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
      this.#tell({ ...span, endedAtMs, failureType, continuedAt });
    }
    this.#open = [];
  }

  #nextId(): string {
    const id = BigInt.asUintN(64, this.#firstId + this.#begun);
    this.#begun += 1n;
    // All zeros would be none.
    return (id === 0n ? 1n : id).toString(16).padStart(16, '0');
  }
}
