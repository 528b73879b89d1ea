import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  sleep,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { tenantInvoiceId } from '../contracts/ids.ts';
import type { OutcomeCounts, TenantResult } from '../contracts/month-end.ts';
import { BILLING_PERIOD, TENANT_ID } from '../contracts/search-attributes.ts';
import { describeFailure } from './describe-failure.ts';
import { tenantInvoice } from './tenant-invoice.ts';

/** How often, and how patiently, to start a child whose id is taken: a minute in all. */
const START_ATTEMPTS = 12;
const START_PAUSE = '5 s';

export interface ServeTenantInput {
  readonly month: string;
  readonly tenantId: string;
  readonly timeoutSeconds: number;
  /** The last request that the pass serves; see `recordParked`. */
  readonly upToSeq: number;
  readonly recordParked: Activities['recordParked'];
}

/**
 * Serves one tenant by a child workflow. Whatever happens to the child stays the
 * tenant's own: a failure parks it. Throws only where the parent is cancelled.
 */
export async function serveTenant(input: ServeTenantInput): Promise<keyof OutcomeCounts> {
  const { month, tenantId, upToSeq, recordParked } = input;
  try {
    const { outcome } = await runChild(input);
    return outcome;
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    const { outcome } = await recordParked({
      month,
      tenantId,
      upToSeq,
      failure: describeFailure(error),
      owner: error instanceof ChildWorkflowFailure ? (error.execution.runId ?? null) : null,
    });
    return outcome;
  }
}

/**
 * A workflow of the child's id may still be on its way out, after its parent was
 * terminated: it gets a little time.
 */
async function runChild({
  month,
  tenantId,
  timeoutSeconds,
}: ServeTenantInput): Promise<TenantResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await executeChild(tenantInvoice, {
        workflowId: tenantInvoiceId(month, tenantId),
        args: [{ month, tenantId }],
        workflowRunTimeout: `${timeoutSeconds} s`,
        typedSearchAttributes: [
          { key: BILLING_PERIOD, value: month },
          { key: TENANT_ID, value: tenantId },
        ],
        staticSummary: `Invoice of ${tenantId} for ${month}`,
      });
    } catch (error) {
      const isTaken = error instanceof WorkflowExecutionAlreadyStartedError;
      if (!isTaken || attempt === START_ATTEMPTS) throw error;
      await sleep(START_PAUSE);
    }
  }
}
