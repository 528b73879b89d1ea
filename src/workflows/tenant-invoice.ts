import {
  ApplicationFailure,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantInvoiceInput, TenantResult } from '../contracts/month-end-types.ts';
import { FAILURE_TYPE, INVOICE_OUTCOME } from '../contracts/ids.ts';
import { describeFailure } from './describe-failure.ts';
import { InvoiceRun, type StepCounts } from './invoice-run.ts';
import { requireText, requireTexts } from './options.ts';
import { renderTenantDetails } from './render-tenant-details.ts';

/**
 * Builds the invoices of one or several tenants step by step: open and seal, quote, pull the LLM usage, persist.
 * Only ids and counts pass through here; the lines stay in PostgreSQL. If the child has a single tenant, bad data fails
 * the workflow with a type and a reason. With several tenants, it parks only the tenant concerned.
 */
export async function tenantInvoice(input: TenantInvoiceInput): Promise<readonly TenantResult[]> {
  const month = requireText(input, 'month', '2026-05');
  const tenantIds = requireTexts(input, 'tenantIds', 'acme');
  const { runId: owner, startTime } = workflowInfo();
  const run = new InvoiceRun({ month, tenantIds, owner, ownerStartedAt: startTime.toISOString() });
  try {
    await run.openDrafts();
    await run.quoteSubscriptions();
    await run.pullLlmUsage();
    await run.persistInvoices();

    const results = withUnknown(tenantIds, run.results);
    const [only] = results;
    if (results.length === 1 && only?.outcome === 'parked') {
      throw ApplicationFailure.nonRetryable(only.failure.reason, only.failure.type);
    }
    show(month, results, run.counts);
    return results;
  } catch (error) {
    // Reached neither by a termination nor by a timeout.
    const failure = describeFailure(error);
    show(
      month,
      tenantIds.map((tenantId) => ({ tenantId, outcome: 'parked', failure })),
      run.counts,
    );
    throw error;
  }
}

/** Adds a parked result for each tenant that doesn't exist in the database. */
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

/** Outcomes that the list of workflows shows, most urgent first. */
const SHOWN_OUTCOMES = ['parked', 'nothing_to_bill', 'adjusted', 'skipped', 'unchanged'] as const;

/** Shows the outcome in the details, and all but `rolled` as search attributes in the list of workflows. */
function show(month: string, results: readonly TenantResult[], counts: StepCounts): void {
  setCurrentDetails(renderTenantDetails(month, results, counts));
  const outcomes = results.map(({ outcome }) => outcome);
  const shown = SHOWN_OUTCOMES.find((outcome) => outcomes.includes(outcome));
  // `rolled` is not shown, because it would cost an action per tenant. One command sets both, for the same reason.
  if (!shown) return;
  const parked = results.find((result) => result.outcome === 'parked');
  upsertSearchAttributes([
    { key: INVOICE_OUTCOME, value: shown },
    ...(parked ? [{ key: FAILURE_TYPE, value: parked.failure.type }] : []),
  ]);
}
