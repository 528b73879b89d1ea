import type {
  OpenDraftsInput,
  QuoteCursor,
  QuoteSubscriptionsResult,
} from '../contracts/activities.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import { database } from './activities.ts';

/**
 * Builds the invoices of a few tenants: opens and seals, quotes the subscriptions,
 * pulls the LLM usage, issues. A tenant that is parked on the way drops out; the
 * others go on. Only ids and counts pass through here: the lines stay in
 * PostgreSQL.
 */
export async function buildInvoices(input: OpenDraftsInput): Promise<readonly TenantResult[]> {
  const { drafts, settled } = await database.openDrafts(input);
  const results = [...settled];
  let open = drafts;
  const park = (parked: readonly TenantResult[]) => {
    const tenants = new Map(parked.map((result) => [result.tenantId, result]));
    results.push(...tenants.values());
    open = open.filter(({ tenantId }) => !tenants.has(tenantId));
  };

  let after: QuoteCursor | null = null;
  while (open.length > 0) {
    const quoted: QuoteSubscriptionsResult = await database.quoteSubscriptions({
      ...input,
      drafts: open,
      after,
    });
    park(quoted.parked);
    after = quoted.next;
    if (after === null) break;
  }
  if (open.length > 0) {
    park((await database.pullLlmUsage({ ...input, drafts: open })).parked);
  }
  if (open.length > 0) {
    results.push(...(await database.persistInvoices({ ...input, drafts: open })).results);
  }
  return results;
}
