import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

/**
 * Names by which workflows are found: ids, task queues and search attributes. Ids are deterministic, so that the Web
 * UI, the API and the CLI find the same workflow. They are a convenience: PostgreSQL decides what may exist only once.
 */

/** The task queue of all workflows, and of the month end's activities. */
export const TASK_QUEUE = 'arcadia-invoicing';

/**
 * The task queue of the activities that deliver webhooks. They have separate slots, so that hanging
 * receivers take none from the month end.
 */
export const WEBHOOKS_TASK_QUEUE = `${TASK_QUEUE}-webhooks`;

/** The Schedule that closes the month. */
export const SCHEDULE_ID = 'month-end';

/** What the Schedule starts; Temporal adds the scheduled time to this id. */
export const SCHEDULED_MONTH_END_ID = 'scheduled-month-end';

/** The Schedule that writes the webhook events of each day. */
export const NOTICES_SCHEDULE_ID = 'daily-notices';

/** What that Schedule starts; Temporal adds the scheduled time to this id. */
export const DAILY_NOTICES_ID = 'daily-notices';

/** The Schedule that looks at the running month every few minutes. */
export const SWEEP_SCHEDULE_ID = 'usage-sweep';

/** What that Schedule starts; Temporal adds the scheduled time to this id. */
export const USAGE_SWEEP_ID = 'usage-sweep';

/** The one workflow of a month, `month-end-2026-05`. */
export function monthEndId(month: string): string {
  return `month-end-${month}`;
}

/** The workflow that builds one tenant's invoice, `tenant-invoice-2026-05-acme`. */
export function tenantInvoiceId(month: string, tenantId: string): string {
  return `tenant-invoice-${month}-${tenantId}`;
}

/** The workflow that delivers an endpoint's events. */
export function webhooksId(endpointId: string): string {
  return `webhooks-${endpointId}`;
}

/** The workflow that builds the invoices of several tenants; the first tenant names it. */
export function tenantInvoicesId(month: string, firstTenantId: string): string {
  return `tenant-invoices-${month}-${firstTenantId}`;
}

/** `2026-05`, on every workflow of a month. */
export const BILLING_PERIOD = defineSearchAttributeKey(
  'BillingPeriod',
  SearchAttributeType.KEYWORD,
);
/** On the workflow that builds a tenant's invoice. */
export const TENANT_ID = defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD);
/** Any outcome but `rolled`. Not set if the invoice was issued: that would cost an action per tenant. */
export const INVOICE_OUTCOME = defineSearchAttributeKey(
  'InvoiceOutcome',
  SearchAttributeType.KEYWORD,
);
/** Why a tenant of the workflow was parked: the failure's type, such as `mixed_currencies`. */
export const FAILURE_TYPE = defineSearchAttributeKey('FailureType', SearchAttributeType.KEYWORD);

/** Name and type of each; a namespace must have them registered. */
export const SEARCH_ATTRIBUTES = {
  BillingPeriod: 'Keyword',
  TenantId: 'Keyword',
  InvoiceOutcome: 'Keyword',
  FailureType: 'Keyword',
} as const;
