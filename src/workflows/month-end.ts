import {
  ActivityFailure,
  condition,
  continueAsNew,
  defineQuery,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  PROGRESS_QUERY,
  type MonthEndInput,
  type MonthEndProgress,
  type OutcomeCounts,
} from '../contracts/month-end-types.ts';
import { richText, toSummary } from '../contracts/markdown.ts';
import { BILLING_PERIOD } from '../contracts/ids.ts';
import { monthSteps } from './activity-proxies.ts';
import { ChildPool } from './child-pool.ts';
import { Inbox, type Incoming } from './inbox.ts';
import { MonthState } from './month-state.ts';
import { requireText, resolveOptions } from './options.ts';
import { renderDetails } from './render-details.ts';
import { advancePass } from './serve-pass.ts';

export const progressQuery = defineQuery<MonthEndProgress>(PROGRESS_QUERY);

/**
 * The month end of one period. It serves requests by passes over all due tenants, with a bounded pool of children,
 * and then stays open for corrections. Its state is in `MonthState`.
 * @returns the latest outcome of each tenant, counted; null if no pass was needed
 */
export async function monthEnd(input: MonthEndInput): Promise<OutcomeCounts | null> {
  const month = requireText(input, 'month', '2026-05');
  const options = resolveOptions(input.options);
  const { carried } = input;
  const inbox = new Inbox(carried?.received);
  const state = new MonthState(month, carried, showDetails);
  const pool = new ChildPool(options.maxChildren);
  const pass = { month, options, state, pool };

  inbox.listen((name) => refuse(name, 'unknown signal: send "run", "forceReRun" or "release"'));
  setHandler(progressQuery, progress, { description: 'The progress of the month end.' });
  if (!workflowInfo().typedSearchAttributes.get(BILLING_PERIOD)) {
    upsertSearchAttributes([{ key: BILLING_PERIOD, value: month }]);
  }
  if (!carried) await beginFirstPass();
  showDetails();
  // Requests are accepted while others are served. Whichever ends or fails first ends the workflow.
  return Promise.race([serveRequests(), acceptRequests()]);

  /** A predecessor that was terminated or timed out may have left requests behind. */
  async function beginFirstPass(): Promise<void> {
    await beginPass({ isFirst: true });
    if (!state.pass && inbox.isEmpty) inbox.addStart();
  }

  async function serveRequests(): Promise<OutcomeCounts | null> {
    for (;;) {
      if (shouldContinueAsNew()) await carryOn();
      else if (state.pass) await advancePass(pass, state.pass);
      else if (state.passWanted) await beginPass();
      else if (!(await waitForRequests())) return state.totals;
    }
  }

  async function beginPass({ isFirst = false } = {}): Promise<void> {
    state.passRequested();
    state.passBegun(await monthSteps.beginPass({ month, isFirst }).catch(rethrowCause));
  }

  /** @returns false once the month's time is up and no request is waiting */
  async function waitForRequests(): Promise<boolean> {
    const until = state.opened(daysFromNow(options.openForDays));
    const isNeeded = () => state.passWanted || shouldContinueAsNew();
    await condition(isNeeded, Math.max(Date.parse(until) - Date.now(), 1), {
      summary: toSummary(richText`Open for corrections until ${until.slice(0, 10)}`),
    });
    await condition(() => inbox.isEmpty);
    return isNeeded();
  }

  /** Stores incoming requests, one after the other, as long as the workflow lives. */
  async function acceptRequests(): Promise<never> {
    for (;;) {
      await condition(() => !inbox.isEmpty);
      if (inbox.first) await accept(inbox.first);
      // Last, because code that waits for an empty inbox relies on the effects of its signals.
      inbox.removeFirst();
      state.signalHandled();
    }
  }

  async function accept({ signal, payload, signalId }: Incoming): Promise<void> {
    const result = await monthSteps.acceptRequest({ month, signal, payload, signalId });
    if (!result.accepted) {
      refuse(signal, result.reason);
      return;
    }
    state.requestAccepted(result);
    for (const reason of result.refusals) refuse(signal, reason);
  }

  function refuse(signal: string, reason: string): void {
    state.refused(signal, reason, new Date().toISOString());
  }

  function shouldContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    const isLong = continueAsNewSuggested || historyLength > options.continueAsNewAfterEvents;
    return isLong && state.hasProgressed;
  }

  /** Drains pool and inbox, and continues with a fresh history. */
  async function carryOn(): Promise<never> {
    await pool.drain();
    await condition(() => inbox.isEmpty);
    return continueAsNew<typeof monthEnd>({ ...input, carried: state.carry(inbox.received) });
  }

  function progress(): MonthEndProgress {
    return state.progress(!inbox.isEmpty);
  }

  function showDetails(): void {
    setCurrentDetails(renderDetails(progress()));
  }
}

/** The cause says what is wrong with the input; its wrapper only says that an activity failed. */
function rethrowCause(error: unknown): never {
  throw error instanceof ActivityFailure && error.cause ? error.cause : error;
}

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}
