import {
  ApplicationFailure,
  TimeoutFailure,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/create-activities.ts';
import { WEBHOOKS_TASK_QUEUE } from '../contracts/ids.ts';
import { richText, toSummary, type Markdown } from '../contracts/markdown.ts';

/**
 * Infrastructure that fails is tried again, gently; bad data is a failure that
 * isn't retryable. How long to try is bounded by the workflow's own timeout, so a
 * database that is away for minutes parks nobody.
 */
const RETRY = {
  initialInterval: '200 ms',
  backoffCoefficient: 2,
  maximumInterval: '10 s',
} as const;

const RECORDED = {
  startToCloseTimeout: '65 s', // A little longer than the statement timeout.
  // A worker that has died is noticed by its silence, and another one tries again.
  heartbeatTimeout: '5 s',
  retry: RETRY,
} as const;

/** The steps of a tenant's invoice, in their order. */
export type InvoiceSteps = Pick<
  Activities,
  'openDrafts' | 'quoteSubscriptions' | 'pullLlmUsage' | 'persistInvoices'
>;

/** What each step is for, in the Web UI. */
const STEP_SUMMARIES: Readonly<Record<keyof InvoiceSteps, string>> = {
  openDrafts: 'Open drafts and seal their usage',
  quoteSubscriptions: 'Quote the subscriptions from their usage',
  pullLlmUsage: 'Pull the LLM usage that the gateway priced',
  persistInvoices: 'Persist the invoices in one transaction',
};

/**
 * The steps as local activities first, which cost no round trip to the server but retry out of sight; a step
 * that does not succeed within about 10 seconds goes on as the regular activity of the same name, which shows
 * its attempts and the last failure under Pending Activities (ADR 24).
 */
export const invoiceSteps: InvoiceSteps = {
  openDrafts: localFirst('openDrafts'),
  quoteSubscriptions: localFirst('quoteSubscriptions'),
  pullLlmUsage: localFirst('pullLlmUsage'),
  persistInvoices: localFirst('persistInvoices'),
};

function localFirst<Step extends keyof InvoiceSteps>(step: Step): InvoiceSteps[Step] {
  const summary = STEP_SUMMARIES[step];
  const local = proxyLocalActivities<InvoiceSteps>({
    startToCloseTimeout: '65 s', // A little longer than the statement timeout.
    // A database that hangs instead of failing must not stay out of sight either.
    scheduleToCloseTimeout: '30 s',
    // Pauses of 9 seconds in all.
    retry: { ...RETRY, maximumInterval: '3 s', maximumAttempts: 7 },
    summary,
  })[step] as (input: unknown) => Promise<unknown>;
  const visible = proxyActivities<InvoiceSteps>({ ...RECORDED, summary })[step] as typeof local;
  const run = (input: unknown) =>
    local(input).catch((error: unknown) => {
      if (!isWorthTrying(error)) throw error;
      return visible(input);
    });
  return run as InvoiceSteps[Step];
}

/**
 * Whether a step ran out of attempts or time; bad data would come back each time. A local activity's failure comes
 * as it is, without an ActivityFailure around it.
 */
function isWorthTrying(error: unknown): boolean {
  if (error instanceof ApplicationFailure) return error.nonRetryable !== true;
  return error instanceof TimeoutFailure;
}

/** The month's own steps. */
export type MonthSteps = Pick<
  Activities,
  'acceptRequest' | 'beginPass' | 'planPage' | 'recordParked' | 'listWaiting' | 'finishPass'
>;

/**
 * Each with events of its own in the history, and a line that says what it is for: the month does several things
 * at once (ADR 9).
 */
export const monthSteps: MonthSteps = {
  acceptRequest: (input) =>
    recorded(richText`Accept the signal ${input.signal}`).acceptRequest(input),
  beginPass: (input) => recorded(richText`Begin a pass for the waiting requests`).beginPass(input),
  planPage: (input) =>
    recorded(
      input.after === null
        ? richText`Plan the first page of due tenants`
        : richText`Plan the page of due tenants after ${input.after}`,
    ).planPage(input),
  recordParked: (input) =>
    recorded(richText`Park ${input.tenantId}: ${input.failure.type}`).recordParked(input),
  listWaiting: (input) =>
    recorded(richText`Find forced tenants that are still waiting`).listWaiting(input),
  finishPass: (input) =>
    recorded(richText`Finish the pass and check the control totals`).finishPass(input),
};

function recorded(text: Markdown) {
  return proxyActivities<Activities>({ ...RECORDED, summary: toSummary(text) });
}

/**
 * Requests to receivers: some seconds at a time, in slots of their own, and given up when the worker
 * has to stop. An attempt of the activity that fails leaves no event in the history.
 */
export const webhooks = proxyActivities<Activities>({
  taskQueue: WEBHOOKS_TASK_QUEUE,
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '5 s',
  retry: RETRY,
});

/** Calls to Temporal itself: rare, and worth their own events in the history. */
export const temporal = proxyActivities<Pick<Activities, 'requestScheduledMonth'>>({
  startToCloseTimeout: '30 s',
  retry: RETRY,
  summary: 'Request the month before the scheduled time',
});
