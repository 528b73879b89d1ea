import { ApplicationFailure, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantInvoiceInput, TenantResult } from '../contracts/month-end.ts';
import { INVOICE_OUTCOME } from '../contracts/search-attributes.ts';
import { buildInvoices } from './build-invoices.ts';
import { requireText } from './options.ts';

/**
 * Builds one tenant's invoice for a month, or finds that it stands. Bad data fails
 * this workflow with a type and a reason, and no other.
 */
export async function tenantInvoice(input: TenantInvoiceInput): Promise<TenantResult> {
  const month = requireText(input, 'month', '2026-05');
  const tenantId = requireText(input, 'tenantId', 'acme');
  try {
    const result = await buildInvoice(month, tenantId);
    upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: result.outcome }]);
    return result;
  } catch (error) {
    // For the list of workflows; what is terminated or times out can't say so.
    upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: 'parked' }]);
    throw error;
  }
}

async function buildInvoice(month: string, tenantId: string): Promise<TenantResult> {
  const { runId, startTime } = workflowInfo();
  const [result] = await buildInvoices({
    month,
    tenantIds: [tenantId],
    owner: runId,
    ownerStartedAt: startTime.toISOString(),
  });
  if (!result) {
    throw ApplicationFailure.nonRetryable(`there is no tenant ${tenantId}`, FAILURE.invalidInput);
  }
  if (result.outcome === 'parked') {
    throw ApplicationFailure.nonRetryable(result.failure.reason, result.failure.type);
  }
  return result;
}
