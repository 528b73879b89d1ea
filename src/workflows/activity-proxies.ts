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
 * Infrastructure failures are retried with growing pauses; bad data is a non-retryable failure. Only the workflow's own
 * timeout limits the retries, so a database that is unavailable for minutes parks no tenant.
 */
const RETRY = {
  initialInterval: '200 ms',
  backoffCoefficient: 2,
  maximumInterval: '10 s',
} as const;

const RECORDED = {
  startToCloseTimeout: '65 s', // A little longer than the statement timeout.
  // If a worker dies, its heartbeats stop and another worker retries.
  heartbeatTimeout: '5 s',
  retry: RETRY,
} as const;

/** The steps of a tenant's invoice, in their order. */
export type InvoiceSteps = Pick<
  Activities,
  'openDrafts' | 'quoteSubscriptions' | 'pullLlmUsage' | 'persistInvoices'
>;

/** The summaries of the steps in the Web UI. */
const STEP_SUMMARIES: Readonly<Record<keyof InvoiceSteps, string>> = {
  openDrafts: 'Open drafts and seal their usage',
  quoteSubscriptions: 'Quote the subscriptions from their usage',
  pullLlmUsage: 'Pull the LLM usage that the gateway priced',
  persistInvoices: 'Persist the invoices in one transaction',
};

/**
 * The steps run as local activities first, which need no round trip to the server but retry out of sight. A step that
 * doesn't succeed within about 10 seconds continues as the regular activity of the same name, which shows its attempts
 * and the last failure under Pending Activities (ADR 24).
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
    // So that a database that hangs instead of failing becomes visible too.
    scheduleToCloseTimeout: '30 s',
    // The pauses add up to 9 seconds.
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
 * Whether a step ran out of attempts or time; bad data would fail each time. A local activity's failure isn't wrapped in
 * an ActivityFailure.
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
 * Regular activities, each with events and a summary in the history, because the month does several things at once
 * (ADR 9).
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
 * Sends requests to receivers, for some seconds per call, in separate slots. A stopping worker aborts them. Failed
 * attempts of the activity add no events to the history.
 */
export const webhooks = proxyActivities<Activities>({
  taskQueue: WEBHOOKS_TASK_QUEUE,
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '5 s',
  retry: RETRY,
});

/**
 * Writes events of the whole ledger, in batches. It is rare, so it is a regular activity with events in the history. A
 * retry continues where the last attempt stopped.
 */
export const notices = proxyActivities<Pick<Activities, 'sendDailyNotices'>>({
  ...RECORDED,
  startToCloseTimeout: '10 min',
  summary: 'Write the webhook events that are due today',
});

/**
 * Regular activities, each of its own 20 seconds and the statement timeout of what it does last. They give up after some
 * attempts, so that a run ends: the next sweep looks at everything again.
 */
const SWEEP = {
  ...RECORDED,
  startToCloseTimeout: '2 min',
  retry: { ...RETRY, maximumAttempts: 10 },
} as const;

export const { releaseCuredUsage } = proxyActivities<Pick<Activities, 'releaseCuredUsage'>>({
  ...SWEEP,
  summary: 'Release held usage whose cause was fixed',
});

export const { sweepThresholds } = proxyActivities<Pick<Activities, 'sweepThresholds'>>({
  ...SWEEP,
  summary: 'Report spend thresholds that are reached',
});

/** Calls to Temporal itself. They are rare, so they are regular activities with events in the history. */
export const temporal = proxyActivities<Pick<Activities, 'requestScheduledMonth'>>({
  startToCloseTimeout: '30 s',
  retry: RETRY,
  summary: 'Request the month before the scheduled time',
});
