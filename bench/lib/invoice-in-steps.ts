import type { Activities } from '../../src/activities/index.ts';
import type { QuoteCursor } from '../../src/contracts/activities.ts';
import { MONTH } from './population.ts';
import { newRun } from './product.ts';

/**
 * The steps of a large tenant's child (`src/workflows/build-invoices.ts`), from nothing to the issued
 * invoice: the draft, the quotes in chunks, LLM usage, and all of it issued in one transaction.
 * @throws Error where it isn't issued
 */
export async function invoiceInSteps(activities: Activities, tenantId: string): Promise<void> {
  const { owner, ownerStartedAt } = newRun();
  const month = MONTH;
  const { drafts } = await activities.openDrafts({
    month,
    tenantIds: [tenantId],
    owner,
    ownerStartedAt,
  });
  let after: QuoteCursor | null = null;
  do {
    after = (await activities.quoteSubscriptions({ month, drafts, owner, after })).next;
  } while (after !== null);
  await activities.pullLlmUsage({ month, drafts, owner });
  const { results } = await activities.persistInvoices({ month, drafts, owner });
  if (results.length !== 1 || results[0]?.outcome !== 'rolled') {
    throw new Error(`${tenantId} was not invoiced: ${JSON.stringify(results)}`);
  }
}
