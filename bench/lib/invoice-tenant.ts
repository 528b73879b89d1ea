import type { Activities } from '../../src/activities/index.ts';
import type { DraftRef, TenantResult } from '../../src/contracts/month-end.ts';
import type { QuoteCursor } from '../../src/contracts/activities.ts';
import { MONTH } from './population.ts';
import { newRun } from './product.ts';

/**
 * What a tenant's child has done (`src/workflows/build-invoices.ts`), from nothing to the issued
 * invoice: one activity, and for a tenant that is too large for it the steps.
 * @throws Error where it isn't issued
 */
export async function invoiceTenant(activities: Activities, tenantId: string): Promise<void> {
  const run = newRun();
  const { results, unfinished } = await activities.invoiceTenants({
    month: MONTH,
    tenantIds: [tenantId],
    ...run,
  });
  const all = unfinished.length === 0 ? results : await finish(activities, run.owner, unfinished);
  if (all.length !== 1 || all[0]?.outcome !== 'rolled') {
    throw new Error(`${tenantId} was not invoiced: ${JSON.stringify(all)}`);
  }
}

async function finish(
  activities: Activities,
  owner: string,
  drafts: readonly DraftRef[],
): Promise<readonly TenantResult[]> {
  const input = { month: MONTH, drafts, owner };
  let after: QuoteCursor | null = null;
  do {
    after = (await activities.quoteSubscriptions({ ...input, after })).next;
  } while (after !== null);
  await activities.pullLlmUsage(input);
  return (await activities.persistInvoices(input)).results;
}
