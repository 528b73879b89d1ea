/**
 * The workflows with one deliberate mistake: LLM usage is pulled before the quote.
 * Replaying real histories against them has to fail; else the replay tests prove
 * nothing.
 */
import { workflowInfo } from '@temporalio/workflow';
import type { TenantInvoiceInput } from '../../../src/contracts/month-end.ts';
import { database } from '../../../src/workflows/activities.ts';

export { monthEnd } from '../../../src/workflows/month-end.ts';
export { scheduledMonthEnd } from '../../../src/workflows/scheduled-month-end.ts';

export async function tenantInvoice({ month, tenantId }: TenantInvoiceInput): Promise<unknown> {
  const { runId: owner, startTime } = workflowInfo();
  const { drafts } = await database.openDrafts({
    month,
    tenantIds: [tenantId],
    owner,
    ownerStartedAt: startTime.toISOString(),
  });
  await database.pullLlmUsage({ month, drafts, owner });
  await database.quoteSubscriptions({ month, drafts, owner, after: null });
  const { results } = await database.persistInvoices({ month, drafts, owner });
  return results[0];
}
