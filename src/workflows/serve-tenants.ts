import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  sleep,
  startChild,
  type ChildWorkflowOptions,
} from '@temporalio/workflow';
import { tenantInvoiceId, tenantInvoicesId, BILLING_PERIOD, TENANT_ID } from '../contracts/ids.ts';
import { richText, toSummary } from '../contracts/markdown.ts';
import type { Failure } from '../contracts/failures.ts';
import type { Outcome, TenantInvoiceInput, TenantResult } from '../contracts/month-end-types.ts';
import { monthSteps } from './activity-proxies.ts';
import { describeFailure } from './describe-failure.ts';
import { tenantInvoice } from './tenant-invoice.ts';

/** Retries of a start whose workflow id is taken: for a minute. */
const START_ATTEMPTS = 12;
const START_PAUSE = '5 s';

export interface ServeTenantsInput {
  readonly month: string;
  /** One, or several that share the child. */
  readonly tenantIds: readonly string[];
  readonly timeoutSeconds: number;
  /** Sequence number of the last request that the pass serves; see `recordParked`. */
  readonly upToSeq: number;
}

/** A finished child. */
interface Served {
  readonly runId: string | null;
  readonly results: readonly TenantResult[];
}

/**
 * Serves tenants by a child workflow. Failures are isolated: a tenant's failure parks that tenant, and a child's
 * failure parks those of its tenants that had no invoice by then.
 * @returns one outcome for each tenant
 * @throws only if the parent is cancelled
 */
export async function serveTenants(input: ServeTenantsInput): Promise<readonly Outcome[]> {
  let child: Served;
  try {
    child = await runChild(input);
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    const owner = error instanceof ChildWorkflowFailure ? (error.execution.runId ?? null) : null;
    const failure = describeFailure(error);
    return Promise.all(input.tenantIds.map((tenantId) => park(input, tenantId, failure, owner)));
  }
  const { results, runId } = child;
  const parked = results.filter((result) => result.outcome === 'parked');
  const others = results.flatMap(({ outcome }) => (outcome === 'parked' ? [] : outcome));
  if (parked.length === 0) return others;
  return [
    ...others,
    ...(await Promise.all(
      parked.map(({ tenantId, failure }) => park(input, tenantId, failure, runId)),
    )),
  ];
}

async function park(
  { month, upToSeq }: ServeTenantsInput,
  tenantId: string,
  failure: Failure,
  owner: string | null,
): Promise<Outcome> {
  const { outcome } = await monthSteps.recordParked({ month, tenantId, upToSeq, failure, owner });
  return outcome;
}

/**
 * Runs the child to its end. Retries the start for a minute if the id is taken: after the parent was terminated, the
 * earlier child may still be ending.
 */
async function runChild(input: ServeTenantsInput): Promise<Served> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const child = await startChild(tenantInvoice, toChildOptions(input));
      return { runId: child.firstExecutionRunId, results: await child.result() };
    } catch (error) {
      const isTaken = error instanceof WorkflowExecutionAlreadyStartedError;
      if (!isTaken || attempt === START_ATTEMPTS) throw error;
      await sleep(START_PAUSE, { summary: 'Wait for the workflow with the same id to end' });
    }
  }
}

function toChildOptions({ month, tenantIds, timeoutSeconds }: ServeTenantsInput): Omit<
  ChildWorkflowOptions,
  'typeInfo'
> & {
  readonly args: [TenantInvoiceInput];
} {
  const [first = '', ...others] = tenantIds;
  const isAlone = others.length === 0;
  return {
    workflowId: isAlone ? tenantInvoiceId(month, first) : tenantInvoicesId(month, first),
    args: [{ month, tenantIds }],
    workflowRunTimeout: `${timeoutSeconds} s`,
    typedSearchAttributes: [
      { key: BILLING_PERIOD, value: month },
      ...(isAlone ? [{ key: TENANT_ID, value: first }] : []),
    ],
    staticSummary: toSummary(
      isAlone
        ? richText`Invoice of ${first} for ${month}`
        : richText`Invoices of ${tenantIds.length} tenants for ${month}, ${first} to ${others.at(-1) ?? ''}`,
    ),
  };
}
