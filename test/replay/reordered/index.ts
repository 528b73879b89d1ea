/**
 * The workflows with one deliberate mistake: LLM usage is pulled before the quote.
 * Replaying real histories against them has to fail; else the replay tests prove
 * nothing.
 */
import { workflowInfo } from '@temporalio/workflow';
import type { TenantInvoiceInput } from '../../../src/contracts/month-end-types.ts';
import { invoiceSteps } from '../../../src/workflows/activity-proxies.ts';

export { monthEnd } from '../../../src/workflows/month-end.ts';
export { scheduledMonthEnd } from '../../../src/workflows/scheduled-month-end.ts';

export async function tenantInvoice({ month, tenantIds }: TenantInvoiceInput): Promise<unknown> {
  const { runId: owner, startTime } = workflowInfo();
  const { drafts } = await invoiceSteps.openDrafts({
    month,
    tenantIds,
    owner,
    ownerStartedAt: startTime.toISOString(),
  });
  await invoiceSteps.pullLlmUsage({ month, drafts, owner });
  await invoiceSteps.quoteSubscriptions({ month, drafts, owner });
  const { results } = await invoiceSteps.persistInvoices({ month, drafts, owner });
  return results;
}
