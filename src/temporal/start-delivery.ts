import type { Client } from '@temporalio/client';
import { TASK_QUEUE, webhooksId } from '../contracts/ids.ts';
import { richText, toSummary } from '../contracts/markdown.ts';
import {
  DELIVER_WEBHOOKS_WORKFLOW,
  type DeliverWebhooksInput,
} from '../contracts/webhook-types.ts';

/**
 * Starts the workflow that delivers an endpoint's events. While it runs, further calls by any worker have no effect and
 * don't add to its history.
 */
export async function startDelivery(
  client: Client,
  { endpointId, url }: { readonly endpointId: string; readonly url: string },
): Promise<void> {
  const input: DeliverWebhooksInput = { endpointId };
  await client.workflow.start(DELIVER_WEBHOOKS_WORKFLOW, {
    workflowId: webhooksId(endpointId),
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: TASK_QUEUE,
    args: [input],
    staticSummary: toSummary(richText`Webhooks to ${URL.parse(url)?.host ?? endpointId}`),
  });
}
