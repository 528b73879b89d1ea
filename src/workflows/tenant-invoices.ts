import { ApplicationFailure, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantInvoicesInput, TenantResult } from '../contracts/month-end.ts';
import { INVOICE_OUTCOME } from '../contracts/search-attributes.ts';
import { buildInvoices } from './build-invoices.ts';
import { requireText, requireTexts } from './options.ts';

/**
 * Builds the invoices of one tenant or of a few, or finds that they stand. Bad data of a tenant that
 * is alone here fails this workflow with a type and a reason; of one among several it is told in its
 * result.
 */
export async function tenantInvoices(input: TenantInvoicesInput): Promise<readonly TenantResult[]> {
  const month = requireText(input, 'month', '2026-05');
  const tenantIds = requireTexts(input, 'tenantIds', 'acme');
  const { runId: owner, startTime } = workflowInfo();
  const ownerStartedAt = startTime.toISOString();
  try {
    const built = await buildInvoices({ month, tenantIds, owner, ownerStartedAt });
    const results = withUnknown(tenantIds, built);
    const [only] = results;
    if (results.length === 1 && only?.outcome === 'parked') {
      throw ApplicationFailure.nonRetryable(only.failure.reason, only.failure.type);
    }
    showOutcome(results.map(({ outcome }) => outcome));
    return results;
  } catch (error) {
    // For the list of workflows; what is terminated or times out can't say so.
    showOutcome(['parked']);
    throw error;
  }
}

/** Tenants of whom the database has nothing to say don't exist. */
function withUnknown(
  tenantIds: readonly string[],
  results: readonly TenantResult[],
): readonly TenantResult[] {
  const known = new Set(results.map(({ tenantId }) => tenantId));
  const unknown = tenantIds.filter((tenantId) => !known.has(tenantId));
  return [
    ...results,
    ...unknown.map((tenantId): TenantResult => {
      const reason = `there is no tenant ${tenantId}`;
      return { tenantId, outcome: 'parked', failure: { type: FAILURE.invalidInput, reason } };
    }),
  ];
}

/** What is worth a look, in the list of workflows: `rolled` is not, and saying so has its price. */
function showOutcome(outcomes: readonly TenantResult['outcome'][]): void {
  const shown = (['parked', 'skipped', 'unchanged'] as const).find((o) => outcomes.includes(o));
  if (shown) upsertSearchAttributes([{ key: INVOICE_OUTCOME, value: shown }]);
}
