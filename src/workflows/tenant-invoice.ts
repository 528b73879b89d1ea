import { ApplicationFailure, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantInvoiceInput, TenantResult } from '../contracts/month-end.ts';
import { INVOICE_OUTCOME } from '../contracts/search-attributes.ts';
import { database } from './activities.ts';
import { finishDrafts } from './build-invoices.ts';
import { requireText } from './options.ts';

/**
 * Builds one tenant's invoice step by step: what months started that began before `tenantInvoices`
 * was there. Nothing starts it any more; it can go when none of those months is open (46 days).
 */
export async function tenantInvoice(input: TenantInvoiceInput): Promise<TenantResult> {
  const month = requireText(input, 'month', '2026-05');
  const tenantId = requireText(input, 'tenantId', 'acme');
  try {
    const result = await buildInvoice(month, tenantId);
    upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: result.outcome }]);
    return result;
  } catch (error) {
    upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: 'parked' }]);
    throw error;
  }
}

async function buildInvoice(month: string, tenantId: string): Promise<TenantResult> {
  const { runId: owner, startTime } = workflowInfo();
  const ownerStartedAt = startTime.toISOString();
  const opened = await database.openDrafts({ month, tenantIds: [tenantId], owner, ownerStartedAt });
  const [result] = [...opened.settled, ...(await finishDrafts({ month, owner }, opened.drafts))];
  if (!result) {
    throw ApplicationFailure.nonRetryable(`there is no tenant ${tenantId}`, FAILURE.invalidInput);
  }
  if (result.outcome === 'parked') {
    throw ApplicationFailure.nonRetryable(result.failure.reason, result.failure.type);
  }
  return result;
}
