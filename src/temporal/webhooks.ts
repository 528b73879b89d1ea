import type { Client } from '@temporalio/client';
import { TASK_QUEUE, webhooksId } from '../contracts/ids.ts';
import {
  DELIVER_WEBHOOKS_WORKFLOW,
  WAKE_SIGNAL,
  type DeliverWebhooksInput,
} from '../contracts/webhooks.ts';

/** Tells the workflow that delivers an endpoint's events that some are due; starts it where none runs. */
export async function wakeDelivery(
  client: Client,
  { endpointId, url }: { readonly endpointId: string; readonly url: string },
): Promise<void> {
  const input: DeliverWebhooksInput = { endpointId };
  await client.workflow.signalWithStart(DELIVER_WEBHOOKS_WORKFLOW, {
    workflowId: webhooksId(endpointId),
    taskQueue: TASK_QUEUE,
    args: [input],
    signal: WAKE_SIGNAL,
    signalArgs: [],
    staticSummary: `Webhooks to ${URL.parse(url)?.host ?? endpointId}`,
  });
}
