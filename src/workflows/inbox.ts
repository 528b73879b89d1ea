import { defineSignal, setDefaultSignalHandler, setHandler, uuid4 } from '@temporalio/workflow';
import { FORCE_RE_RUN_SIGNAL, RUN_SIGNAL, type RequestSignal } from '../contracts/month-end.ts';

export const runSignal = defineSignal<[unknown]>(RUN_SIGNAL);
export const forceReRunSignal = defineSignal<[unknown]>(FORCE_RE_RUN_SIGNAL);

/** A signal as it came in; nobody has looked at its payload yet. */
export interface Incoming {
  readonly signal: RequestSignal;
  readonly payload: unknown;
  /** Deterministic, for a sender who gave no request id. */
  readonly fallbackRequestId: string;
}

/**
 * Takes in every signal, without looking at it: a handler that throws, or one that
 * is missing, must not harm the workflow. A name that nobody knows would be
 * buffered in silence, so it is reported.
 */
export function takeSignals(inbox: Incoming[], onUnknownSignal: (name: string) => void): void {
  const take = (signal: RequestSignal) => (payload: unknown) => {
    inbox.push({ signal, payload, fallbackRequestId: uuid4() });
  };
  setHandler(runSignal, take(RUN_SIGNAL), { description: 'Look at all due tenants again.' });
  setHandler(forceReRunSignal, take(FORCE_RE_RUN_SIGNAL), {
    description:
      'Rebuild invoices: {"tenantIds": ["…"], "reason": "…"} or {"all": true, "reason": "…"}.',
  });
  setDefaultSignalHandler(onUnknownSignal);
}
