import { TemporalFailure, isCancellation } from '@temporalio/workflow';
import type {
  InvoiceTenantsInput,
  QuoteCursor,
  QuoteSubscriptionsResult,
} from '../contracts/activities.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import { database } from './activities.ts';
import { describeFailure } from './describe-failure.ts';

/**
 * Builds the invoices of a few tenants: in one go, and those of very large tenants step by step. A
 * tenant that is parked on the way costs the others nothing. Only ids and counts pass through here:
 * the lines stay in PostgreSQL.
 */
export async function buildInvoices(input: InvoiceTenantsInput): Promise<readonly TenantResult[]> {
  const { results, unfinished } = await database.invoiceTenants(input);
  const finished: TenantResult[] = [];
  for (const draft of unfinished) {
    finished.push(...(await finishDrafts(input, [draft]).catch(orPark(input, draft))));
  }
  return [...results, ...finished];
}

/**
 * The failure of a tenant that is alone in its child is the child's: its history says more. What isn't
 * Temporal's is a mistake in workflow code, which no tenant is parked for.
 */
function orPark({ tenantIds }: InvoiceTenantsInput, { tenantId }: DraftRef) {
  return (error: unknown): readonly TenantResult[] => {
    const isStepsOwn = error instanceof TemporalFailure && !isCancellation(error);
    if (tenantIds.length === 1 || !isStepsOwn) throw error;
    return [{ tenantId, outcome: 'parked', failure: describeFailure(error) }];
  };
}

/** The steps from an open draft to its invoice: quotes in chunks, LLM usage, issue. */
export async function finishDrafts(
  { month, owner }: Pick<InvoiceTenantsInput, 'month' | 'owner'>,
  drafts: readonly DraftRef[],
): Promise<readonly TenantResult[]> {
  const results: TenantResult[] = [];
  let open = drafts;
  const park = (parked: readonly TenantResult[]) => {
    const tenants = new Map(parked.map((result) => [result.tenantId, result]));
    results.push(...tenants.values());
    open = open.filter(({ tenantId }) => !tenants.has(tenantId));
  };

  let after: QuoteCursor | null = null;
  while (open.length > 0) {
    const quoted: QuoteSubscriptionsResult = await database.quoteSubscriptions({
      month,
      owner,
      drafts: open,
      after,
    });
    park(quoted.parked);
    after = quoted.next;
    if (after === null) break;
  }
  if (open.length > 0) {
    park((await database.pullLlmUsage({ month, owner, drafts: open })).parked);
  }
  if (open.length > 0) {
    results.push(...(await database.persistInvoices({ month, owner, drafts: open })).results);
  }
  return results;
}
