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
/** Tells it that something has become due. */
export const WAKE_SIGNAL = 'wake';

/** What `deliverWebhooks` takes. `carried` is for its own continue-as-new alone. */
export interface DeliverWebhooksInput {
  readonly endpointId: string;
  /** Continue as new after so many history events, 12 at least; by default when the server suggests it. */
  readonly continueAsNewAfterEvents?: number;
  readonly carried?: DeliveryCounts;
}

/** Attempts of a workflow's life. */
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
