import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { TASK_QUEUE, monthEndId, BILLING_PERIOD } from '../contracts/ids.ts';
import {
  FORCE_RE_RUN_SIGNAL,
  PROGRESS_QUERY,
  RUN_SIGNAL,
  WORKFLOWS,
  type MonthEndInput,
  type MonthEndOptions,
  type MonthEndProgress,
} from '../contracts/month-end-types.ts';
import { richText, toDetails, toSummary } from '../contracts/markdown.ts';
import { forceReRunPayload, runPayload } from '../contracts/request-payload.ts';
import { explainIssue, sayOf } from '../lib/explain-issue.ts';

/** In the Markdown of the Web UI's "details": there an operator needs it. */
const HOW_TO_FORCE = toDetails([
  richText`**To rebuild invoices**: More Actions, Send a Signal, \`forceReRun\`, with data such as`,
  richText`\`{"tenantIds": ["acme"], "reason": "metering came late"}\``,
  richText`\`{"all": true, "onlyIfChanged": true, "reason": "a price was wrong"}\``,
  richText`**To try again who is parked**: the signal \`run\`, without data.`,
  richText`Both look at all due tenants; who has an invoice and isn't named keeps it.`,
]);

/** A request for a month, as the Schedule, the API and the CLI send it. */
export interface MonthEndRequest {
  readonly month: string;
  /** The same id is the same request, however often it is sent. */
  readonly requestId: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Rebuild these invoices, or all of them; absent: an ordinary pass. */
  readonly force?: ForceRequest | undefined;
  readonly options?: MonthEndOptions | undefined;
}

/** Whose invoices to rebuild, and on which terms; see `forceReRunPayload`. */
export type ForceRequest = ({ readonly tenantIds: readonly string[] } | { readonly all: true }) & {
  readonly onlyIfChanged?: boolean;
  readonly acceptBounds?: boolean;
};

/** A request that the month's workflow would refuse. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/**
 * Sends a request to the month's workflow, which is started where it isn't
 * running. This is the same signal that an operator sends from the Web UI.
 * @returns the workflow's id
 * @throws InvalidRequestError
 */
export async function requestMonthEnd(client: Client, request: MonthEndRequest): Promise<string> {
  const { month, requestId, actor, reason, force, options } = request;
  const payload = { requestId, actor, ...(reason !== undefined && { reason }), ...force };
  const checked = (force ? forceReRunPayload : runPayload).safeParse(payload, {
    error: explainIssue,
  });
  if (!checked.success) {
    const problems = checked.error.issues.map(({ path, message }) =>
      sayOf(path.join('.'), message),
    );
    throw new InvalidRequestError(problems.join('; '));
  }
  const input: MonthEndInput = { month, ...(options && { options }) };
  const handle = await client.workflow.signalWithStart(WORKFLOWS.monthEnd, {
    workflowId: monthEndId(month),
    taskQueue: TASK_QUEUE,
    args: [input],
    signal: force ? FORCE_RE_RUN_SIGNAL : RUN_SIGNAL,
    signalArgs: [payload],
    staticSummary: toSummary(richText`Month end of ${month}`),
    staticDetails: HOW_TO_FORCE,
    typedSearchAttributes: [{ key: BILLING_PERIOD, value: month }],
  });
  return handle.workflowId;
}

/** What the month's workflow says of itself; null where none is known. */
export async function queryProgress(
  client: Client,
  month: string,
): Promise<MonthEndProgress | null> {
  try {
    return await client.workflow
      .getHandle(monthEndId(month))
      .query<MonthEndProgress>(PROGRESS_QUERY);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
