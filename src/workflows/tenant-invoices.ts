import {
  ApplicationFailure,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantInvoicesInput, TenantResult } from '../contracts/month-end.ts';
import { FAILURE_TYPE, INVOICE_OUTCOME } from '../contracts/search-attributes.ts';
import { buildInvoices } from './build-invoices.ts';
import { describeFailure } from './describe-failure.ts';
import { requireText, requireTexts } from './options.ts';
import { renderTenantDetails } from './render-tenant-details.ts';

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
    show(month, results);
    return results;
  } catch (error) {
    // What is terminated or times out can't say so.
    const failure = describeFailure(error);
    show(
      month,
      tenantIds.map((tenantId) => ({ tenantId, outcome: 'parked', failure })),
    );
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

/** For whoever looks: the details here, and what is worth a look in the list of workflows. */
function show(month: string, results: readonly TenantResult[]): void {
  setCurrentDetails(renderTenantDetails(month, results));
  const outcomes = results.map(({ outcome }) => outcome);
  const shown = (['parked', 'skipped', 'unchanged'] as const).find((o) => outcomes.includes(o));
  // `rolled` is not, and saying so has its price: one command says all, for the same reason.
  if (!shown) return;
  const parked = results.find((result) => result.outcome === 'parked');
  upsertSearchAttributes([
    { key: INVOICE_OUTCOME, value: shown },
    ...(parked ? [{ key: FAILURE_TYPE, value: parked.failure.type }] : []),
  ]);
}
