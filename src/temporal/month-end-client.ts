import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { z } from 'zod';
import { TASK_QUEUE, monthEndId, BILLING_PERIOD } from '../contracts/ids.ts';
import {
  FORCE_RE_RUN_SIGNAL,
  PROGRESS_QUERY,
  RELEASE_SIGNAL,
  RUN_SIGNAL,
  WORKFLOWS,
  type MonthEndInput,
  type MonthEndOptions,
  type MonthEndProgress,
} from '../contracts/month-end-types.ts';
import { richText, toDetails, toSummary } from '../contracts/markdown.ts';
import {
  forceReRunPayload,
  runPayload,
  type releasePayload,
} from '../contracts/request-payload.ts';
import { explainIssue, sayOf } from '../lib/explain-issue.ts';
import { retryWhileAttributeUnknown } from './search-attributes.ts';

/** Shown as Markdown in the Web UI's "details", where operators send signals. */
const HOW_TO_FORCE = toDetails([
  richText`**To rebuild invoices**: More Actions, Send a Signal, \`forceReRun\`, with data such as`,
  richText`\`{"tenantIds": ["acme"], "reason": "metering came late"}\``,
  richText`\`{"all": true, "onlyIfChanged": true, "reason": "a price was wrong"}\``,
  richText`**To release reviewed invoices**: the signal \`release\`, with \`{"all": true, "reason": "reviewed"}\` or \`tenantIds\`.`,
  richText`**To retry parked tenants**: the signal \`run\`, without data.`,
  richText`Reruns and retries look at all due tenants. Tenants that have an invoice and aren't named keep it.`,
]);

/** A request for a month, as the Schedule, the API and the CLI send it. */
export interface MonthEndRequest {
  readonly month: string;
  /** Requests with the same id count once. */
  readonly requestId: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** The invoices to rebuild; absent: an ordinary pass. */
  readonly force?: ForceRequest | undefined;
  readonly options?: MonthEndOptions | undefined;
}

/** The tenants whose invoices to rebuild, and the terms; see `forceReRunPayload`. */
export type ForceRequest = ({ readonly tenantIds: readonly string[] } | { readonly all: true }) & {
  readonly onlyIfChanged?: boolean;
  readonly acceptBounds?: boolean;
};

/** The month's workflow would refuse the request. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/**
 * Sends a request to the month's workflow, and starts the workflow if it isn't running. Operators send the same signal
 * from the Web UI.
 * @returns the workflow's id
 * @throws InvalidRequestError; SearchAttributesError if the namespace lacks the month's search attribute
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
  const handle = await retryWhileAttributeUnknown(client.options.namespace, () =>
    client.workflow.signalWithStart(WORKFLOWS.monthEnd, {
      workflowId: monthEndId(month),
      taskQueue: TASK_QUEUE,
      args: [input],
      signal: force ? FORCE_RE_RUN_SIGNAL : RUN_SIGNAL,
      signalArgs: [payload],
      staticSummary: toSummary(richText`Month end of ${month}`),
      staticDetails: HOW_TO_FORCE,
      typedSearchAttributes: [{ key: BILLING_PERIOD, value: month }],
    }),
  );
  return handle.workflowId;
}

/** A release that the database has, as the signal `release` says it. */
export type CommittedRelease = z.input<typeof releasePayload> & { readonly month: string };

/**
 * Tells a month's workflow about a release, so that its details show what still waits. Does nothing if the month has no
 * running workflow. The workflow finds the release in the database, by its request id.
 */
export async function tellRelease(
  client: Client,
  { month, ...payload }: CommittedRelease,
): Promise<void> {
  try {
    await client.workflow.getHandle(monthEndId(month)).signal(RELEASE_SIGNAL, payload);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Queries the month's workflow for its progress. Returns null if there is no such workflow. */
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
