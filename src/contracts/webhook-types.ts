/** Event types that receivers can subscribe to. The names are stable, because receivers switch on them. */
export const WEBHOOK_EVENT_TYPES = [
  'adjustment_note.issued',
  'invoice.issued',
  'invoice.superseded',
  'invoice.voided',
  'invoice.released',
  'review.waiting',
  'invoice.paid',
  'invoice.overdue',
  'run.finished',
  'tenant.parked',
  'usage.threshold_reached',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** The workflow that delivers an endpoint's events, as the Web UI shows its type. */
export const DELIVER_WEBHOOKS_WORKFLOW = 'deliverWebhooks';

/** Input of `deliverWebhooks`. */
export interface DeliverWebhooksInput {
  readonly endpointId: string;
}

/** Attempts in one run, by result. */
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
