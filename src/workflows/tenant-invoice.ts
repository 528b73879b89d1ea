import { ApplicationFailure, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { TenantInvoiceInput, TenantResult } from '../contracts/month-end.ts';
import { INVOICE_OUTCOME } from '../contracts/search-attributes.ts';
import { buildInvoices } from './build-invoices.ts';

/**
 * Builds one tenant's invoice for a month, or finds that it stands. Bad data fails
 * this workflow with a type and a reason, and no other.
 */
export async function tenantInvoice({
  month,
  tenantId,
}: TenantInvoiceInput): Promise<TenantResult> {
  const [result] = await buildInvoices({
    month,
    tenantIds: [tenantId],
    owner: workflowInfo().runId,
  });
  if (!result) {
    throw ApplicationFailure.nonRetryable(`there is no tenant ${tenantId}`, 'invalid_input');
  }
  upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: result.outcome }]);
  if (result.outcome === 'parked') {
    throw ApplicationFailure.nonRetryable(result.failure.reason, result.failure.type);
  }
  return result;
}
