/** What others can be told of. The names are stable: receivers switch on them. */
export const WEBHOOK_EVENT_TYPES = [
  'invoice.issued',
  'invoice.superseded',
  'run.finished',
  'tenant.parked',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** The workflow that delivers an endpoint's events, as the Web UI shows its type. */
export const DELIVER_WEBHOOKS_WORKFLOW = 'deliverWebhooks';

/** What `deliverWebhooks` takes. */
export interface DeliverWebhooksInput {
  readonly endpointId: string;
}

/** Attempts of one run. */
export interface DeliveryCounts {
  readonly delivered: number;
  readonly failed: number;
}

export interface DeliverDueWebhooksInput {
  readonly endpointId: string;
}
export interface DeliverDueWebhooksResult extends DeliveryCounts {
  /**
   * Milliseconds until the next attempt is due; 0: more is due now. Null: nothing is left to deliver, or
   * the endpoint is disabled.
   */
  readonly nextInMs: number | null;
}
