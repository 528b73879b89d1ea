import type { Activities } from '../../src/activities/create-activities.ts';
import type { DraftToQuote } from '../../src/contracts/activity-types.ts';
import { MONTH } from './population.ts';
import { newRun } from './product.ts';

/**
 * Runs the steps of a tenant's child (`src/workflows/invoice-run.ts`), from nothing to the issued invoice.
 * @throws Error if it isn't issued
 */
export async function invoiceTenant(activities: Activities, tenantId: string): Promise<void> {
  const run = newRun();
  const { drafts } = await activities.openDrafts({ month: MONTH, tenantIds: [tenantId], ...run });
  const input = { month: MONTH, drafts, owner: run.owner };
  for (let rest: readonly DraftToQuote[] = drafts; rest.length > 0;) {
    rest = (await activities.quoteSubscriptions({ ...input, drafts: rest })).unfinished;
  }
  await activities.pullLlmUsage(input);
  const { results } = await activities.persistInvoices(input);
  if (results.length !== 1 || results[0]?.outcome !== 'rolled') {
    throw new Error(`${tenantId} was not invoiced: ${JSON.stringify(results)}`);
  }
}
