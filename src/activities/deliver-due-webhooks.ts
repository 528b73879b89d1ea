import { cancellationSignal } from '@temporalio/activity';
import type {
  DeliverDueWebhooksInput,
  DeliverDueWebhooksResult,
} from '../contracts/webhook-types.ts';
import { deliverDue } from '../webhooks/deliver-due.ts';
import { DEFAULT_WEBHOOK_SETTINGS } from '../webhooks/delivery-settings.ts';
import type { ActivityDeps } from './deps.ts';

/** Delivers an endpoint's due events, for some seconds. */
export function deliverDueWebhooks({ db, webhooks }: ActivityDeps) {
  const settings = { ...DEFAULT_WEBHOOK_SETTINGS, ...webhooks };
  return ({ endpointId }: DeliverDueWebhooksInput): Promise<DeliverDueWebhooksResult> =>
    deliverDue(db, endpointId, settings, cancellationSignal());
}
