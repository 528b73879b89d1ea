import {
  condition,
  continueAsNew,
  defineSignal,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  WAKE_SIGNAL,
  type DeliverDueWebhooksResult,
  type DeliverWebhooksInput,
  type DeliveryCounts,
} from '../contracts/webhooks.ts';
import { webhooks } from './activities.ts';
import { requireText } from './options.ts';

const wakeSignal = defineSignal(WAKE_SIGNAL);

/**
 * Delivers an endpoint's events for as long as some are pending. What is to be delivered, and when, is
 * in PostgreSQL: an event that fails waits there for its next attempt, and holds up no other. Ended
 * at any moment, it is started again by the worker's next look for what is due.
 */
export async function deliverWebhooks(input: DeliverWebhooksInput): Promise<DeliveryCounts> {
  const endpointId = requireText(input, 'endpointId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301');
  let counts: DeliveryCounts = input.carried ?? { delivered: 0, failed: 0 };
  // By default when the server suggests it.
  const longEnough = input.continueAsNewAfterEvents ?? Infinity;
  let wakes = 0;
  setHandler(wakeSignal, () => {
    wakes += 1;
  });
  for (;;) {
    const seen = wakes;
    const round = await webhooks.deliverDueWebhooks({ endpointId });
    counts = {
      delivered: counts.delivered + round.delivered,
      failed: counts.failed + round.failed,
    };
    setCurrentDetails(renderDetails(counts, round));
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > longEnough) {
      await continueAsNew<typeof deliverWebhooks>({ ...input, carried: counts });
    }
    if (wakes !== seen) continue;
    if (round.nextInMs === null) return counts;
    if (round.nextInMs > 0) await condition(() => wakes !== seen, round.nextInMs);
  }
}

function renderDetails(
  { delivered, failed }: DeliveryCounts,
  { nextInMs }: DeliverDueWebhooksResult,
): string {
  const rest =
    nextInMs === null
      ? 'Nothing is left.'
      : `Next attempt at ${new Date(Date.now() + nextInMs).toISOString()}.`;
  return `${delivered} delivered, ${failed} failed attempts. ${rest}`;
}
