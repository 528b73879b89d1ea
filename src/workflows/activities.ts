import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

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

/** The same calls, each with events of its own in the history: for workflows that do several things at once. */
export const recordedDatabase = proxyActivities<Activities>({
  startToCloseTimeout: '65 s',
  // A worker that has died is noticed by its silence, and another one tries again.
  heartbeatTimeout: '5 s',
  retry: RETRY,
});

/** Requests to others: some seconds at a time, and given up when the worker has to stop. */
export const webhooks = proxyActivities<Activities>({
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '5 s',
  retry: RETRY,
});

/** Calls to Temporal itself: rare, and worth their own events in the history. */
export const temporal = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: RETRY,
});
