import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
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

/**
 * Short database calls: local activities, without a round trip to the server. Only for workflows
 * that do one thing after the other and hear of nothing else meanwhile; ADR 9.
 */
export const database = proxyLocalActivities<Activities>({
  startToCloseTimeout: '65 s', // A little longer than the statement timeout.
  retry: RETRY,
});

/** The month's own steps. */
export type MonthSteps = Pick<
  Activities,
  'acceptRequest' | 'beginPass' | 'planPage' | 'recordParked' | 'listWaiting' | 'finishPass'
>;

/**
 * The same calls, each with events of its own in the history, and a line that says what it is for:
 * for workflows that do several things at once.
 */
export const recordedDatabase: MonthSteps = {
  acceptRequest: (input) =>
    recorded(richText`Take in the signal ${input.signal}`).acceptRequest(input),
  beginPass: (input) => recorded(richText`Take the waiting requests into a pass`).beginPass(input),
  planPage: (input) =>
    recorded(
      input.after === null
        ? richText`Look at the first due tenants`
        : richText`Look at the due tenants after ${input.after}`,
    ).planPage(input),
  recordParked: (input) =>
    recorded(richText`Park ${input.tenantId}: ${input.failure.type}`).recordParked(input),
  listWaiting: (input) =>
    recorded(richText`Look for forced tenants that still wait`).listWaiting(input),
  finishPass: (input) =>
    recorded(richText`Finish the pass: do the books add up?`).finishPass(input),
};

function recorded(text: Markdown) {
  return proxyActivities<Activities>({
    startToCloseTimeout: '65 s',
    // A worker that has died is noticed by its silence, and another one tries again.
    heartbeatTimeout: '5 s',
    retry: RETRY,
    summary: toSummary(text),
  });
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
  summary: 'Ask for the month before the scheduled time',
});
