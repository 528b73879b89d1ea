import {
  defineSignal,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  FORCE_RE_RUN_SIGNAL,
  RUN_SIGNAL,
  type RequestSignal,
  type SignalCounts,
} from '../contracts/month-end.ts';

export const runSignal = defineSignal<[unknown]>(RUN_SIGNAL);
export const forceReRunSignal = defineSignal<[unknown]>(FORCE_RE_RUN_SIGNAL);

/** A signal as it came in; nobody has looked at its payload yet. */
export interface Incoming {
  readonly signal: RequestSignal;
  readonly payload: unknown;
  /** Identifies the signal where its sender gave no request id; see {@link Inbox}. */
  readonly signalId: string;
}

/**
 * Accepts every signal without looking at its payload: a handler that throws, or one that
 * is missing, must not harm the workflow. Temporal would silently buffer an unknown name, so it is
 * reported.
 *
 * A signal is identified by its place among the signals of its name since the month was started.
 * A reset applies signals again in their order, those of later runs included, but gives
 * them new event ids and new times, and reseeds `uuid4()`: only the place stays the same (ADR 23).
 */
export class Inbox {
  readonly #waiting: Incoming[] = [];
  readonly #received: Record<RequestSignal, number>;

  /** @param received counts of the runs before this one */
  constructor(received: SignalCounts = { run: 0, forceReRun: 0 }) {
    this.#received = { ...received };
  }

  /**
   * Sets the signal handlers; signals that wait are delivered at once.
   * @param onUnknownSignal called with the name of a signal that doesn't exist
   */
  listen(onUnknownSignal: (name: string) => void): void {
    const take = (signal: RequestSignal) => (payload: unknown) => {
      this.#received[signal] += 1;
      this.#waiting.push({ signal, payload, signalId: idOf(signal, this.#received[signal]) });
    };
    setHandler(runSignal, take(RUN_SIGNAL), { description: 'Look at all due tenants again.' });
    setHandler(forceReRunSignal, take(FORCE_RE_RUN_SIGNAL), {
      description:
        'Rebuild invoices: {"tenantIds": ["…"], "reason": "…"} or {"all": true, "reason": "…"}.',
    });
    setDefaultSignalHandler(onUnknownSignal);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The oldest signal that isn't done. */
  get first(): Incoming | undefined {
    return this.#waiting[0];
  }

  get received(): SignalCounts {
    return { ...this.#received };
  }

  /** Adds a `run` for a workflow that was started by hand, without a signal. */
  addStart(): void {
    this.#waiting.push({ signal: RUN_SIGNAL, payload: null, signalId: idOf('start') });
  }

  /** Removes the oldest signal. */
  removeFirst(): void {
    this.#waiting.shift();
  }
}

/** The first run's id is the same in every run that continues it, and after a reset. */
function idOf(name: string, place?: number): string {
  const { firstExecutionRunId } = workflowInfo();
  return [name, firstExecutionRunId, ...(place === undefined ? [] : [place])].join(':');
}
