import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type {
  DeliverDueWebhooksResult,
  DeliverWebhooksInput,
  DeliveryCounts,
} from '../contracts/webhook-types.ts';
import { webhooks } from './activity-proxies.ts';
import { requireText } from './options.ts';

/**
 * Delivers an endpoint's events until none is due. PostgreSQL knows what is due when, so a run needs no signals: every
 * few seconds, workers look for endpoints with due events and start a run for each that has none. That also restarts a
 * run that was terminated, or that ended because its history was long.
 * @returns the counts of this run's attempts
 */
export async function deliverWebhooks(input: DeliverWebhooksInput): Promise<DeliveryCounts> {
  const endpointId = requireText(input, 'endpointId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301');
  let counts: DeliveryCounts = { delivered: 0, failed: 0 };
  for (;;) {
    const round = await webhooks.deliverDueWebhooks({ endpointId });
    counts = {
      delivered: counts.delivered + round.delivered,
      failed: counts.failed + round.failed,
    };
    setCurrentDetails(renderDetails(counts, round));
    if (round.nextInMs !== 0 || workflowInfo().continueAsNewSuggested) return counts;
  }
}

function renderDetails(
  { delivered, failed }: DeliveryCounts,
  { nextInMs }: DeliverDueWebhooksResult,
): string {
  const rest =
    nextInMs === null
      ? 'Nothing is left to deliver.'
      : `Next attempt at ${new Date(Date.now() + nextInMs).toISOString()}.`;
  return `${delivered} delivered, ${failed} failed attempts. ${rest}`;
}
