import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

/** `2026-05`, on every workflow of a month. */
export const BILLING_PERIOD = defineSearchAttributeKey(
  'BillingPeriod',
  SearchAttributeType.KEYWORD,
);
/** On the workflow that builds a tenant's invoice. */
export const TENANT_ID = defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD);
/** `rolled`, `skipped`, `unchanged` or `parked`, once it is known. */
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
