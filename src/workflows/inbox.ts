import {
  defineSignal,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  FORCE_RE_RUN_SIGNAL,
  RELEASE_SIGNAL,
  RUN_SIGNAL,
  type RequestSignal,
  type SignalCounts,
} from '../contracts/month-end-types.ts';

export const runSignal = defineSignal<[unknown]>(RUN_SIGNAL);
export const forceReRunSignal = defineSignal<[unknown]>(FORCE_RE_RUN_SIGNAL);
export const releaseSignal = defineSignal<[unknown]>(RELEASE_SIGNAL);

/** A signal as received. Its payload is not validated yet. */
export interface Incoming {
  readonly signal: RequestSignal;
  readonly payload: unknown;
  /** Identifies the signal if its sender gave no request id; see {@link Inbox}. */
  readonly signalId: string;
}

/**
 * Queues signals without validating them: a handler that throws would fail the workflow task. Temporal silently
 * buffers signals with an unknown name, so the inbox reports them.
 *
 * A signal is identified by its position among the signals of its name since the month was started. A reset re-applies
 * signals in the same order, including those of later runs, but with new event ids and times, and it reseeds
 * `uuid4()`: only the position stays the same (ADR 23).
 */
export class Inbox {
  readonly #waiting: Incoming[] = [];
  readonly #received: Record<RequestSignal, number>;

  /** @param received signal counts of the earlier runs */
  constructor(received: SignalCounts = { run: 0, forceReRun: 0, release: 0 }) {
    this.#received = { ...received };
  }

  /**
   * Sets the signal handlers, which delivers waiting signals at once.
   * @param onUnknownSignal called with the name of each unknown signal
   */
  listen(onUnknownSignal: (name: string) => void): void {
    const receive = (signal: RequestSignal) => (payload: unknown) => {
      this.#received[signal] += 1;
      this.#waiting.push({ signal, payload, signalId: idOf(signal, this.#received[signal]) });
    };
    setHandler(runSignal, receive(RUN_SIGNAL), {
      description: 'Invoice due tenants that have no invoice, and retry parked ones.',
    });
    setHandler(forceReRunSignal, receive(FORCE_RE_RUN_SIGNAL), {
      description:
        'Rebuild invoices: {"tenantIds": ["…"], "reason": "…"} or {"all": true, "reason": "…"}.',
    });
    setHandler(releaseSignal, receive(RELEASE_SIGNAL), {
      description:
        'Release reviewed invoices to their tenants: {"tenantIds": ["…"], "reason": "…"} or {"all": true, "reason": "…"}.',
    });
    setDefaultSignalHandler(onUnknownSignal);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The oldest signal that is not handled yet. */
  get first(): Incoming | undefined {
    return this.#waiting[0];
  }

  get received(): SignalCounts {
    return { ...this.#received };
  }

  /** Adds a `run` for a workflow that was started without a signal. */
  addStart(): void {
    this.#waiting.push({ signal: RUN_SIGNAL, payload: null, signalId: idOf('start') });
  }

  removeFirst(): void {
    this.#waiting.shift();
  }
}

/** Built on the first run's id, which stays the same after a continue-as-new and after a reset. */
function idOf(name: string, position?: number): string {
  const { firstExecutionRunId } = workflowInfo();
  return [name, firstExecutionRunId, ...(position === undefined ? [] : [position])].join(':');
}
