import { acceptRequest } from './accept-request.ts';
import type { ActivityDeps } from './deps.ts';
import { deliverDueWebhooks } from './deliver-due-webhooks.ts';
import { withoutVainRetries } from './activity-failures.ts';
import { openDrafts } from './open-drafts.ts';
import { beginPass, finishPass, listWaiting, planPage, recordParked } from './passes.ts';
import { persistInvoices } from './persist-invoices.ts';
import { pullLlmUsage } from './pull-llm-usage.ts';
import { quoteSubscriptions } from './quote-subscriptions.ts';
import { releaseCuredUsage } from './release-cured-usage.ts';
import { requestScheduledMonth } from './request-scheduled-month.ts';
import { sendDailyNotices } from './send-daily-notices.ts';
import { sweepThresholds } from './sweep-thresholds.ts';

export type { ActivityDeps } from './deps.ts';

/**
 * Creates the activities. Each may be retried any number of times, also by several workers at once, because the state in
 * PostgreSQL decides what it does.
 */
export function createActivities(deps: ActivityDeps) {
  return {
    requestScheduledMonth: requestScheduledMonth(deps),
    acceptRequest: acceptRequest(deps),
    beginPass: beginPass(deps),
    planPage: planPage(deps),
    openDrafts: withoutVainRetries(openDrafts(deps)),
    quoteSubscriptions: withoutVainRetries(quoteSubscriptions(deps)),
    pullLlmUsage: withoutVainRetries(pullLlmUsage(deps)),
    persistInvoices: withoutVainRetries(persistInvoices(deps)),
    recordParked: recordParked(deps),
    listWaiting: listWaiting(deps),
    finishPass: finishPass(deps),
    sendDailyNotices: sendDailyNotices(deps),
    releaseCuredUsage: releaseCuredUsage(deps),
    sweepThresholds: sweepThresholds(deps),
    deliverDueWebhooks: deliverDueWebhooks(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
