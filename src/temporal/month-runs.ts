import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { monthEndId } from '../contracts/ids.ts';
import { WORKFLOWS, type MonthEndProgress } from '../contracts/month-end-types.ts';
import type { Month } from '../domain/period.ts';
import { queryProgress } from './month-end-client.ts';

/** A query waits for a worker, and none may be running. */
const QUERY_TIMEOUT_MS = 3_000;

/**
 * Asks the month's workflow for its progress.
 * @returns null if there is no such workflow; `not answering` if no worker answers in time
 */
export function askProgress(
  client: Client,
  month: Month,
  timeoutMs: number,
): Promise<MonthEndProgress | 'not answering' | null> {
  return client
    .withDeadline(Date.now() + timeoutMs, () => queryProgress(client, month))
    .catch(() => 'not answering' as const);
}

/** What Temporal knows about the runs of a month. */
export interface MonthRun {
  readonly month: Month;
  /** none: the month has no workflow, or it has ended. open: it serves no request. */
  readonly state: 'none' | 'closing' | 'open';
  /** Ids of the last requests that it served. */
  readonly served: readonly string[];
}

/**
 * Asks Temporal about these months, and about every other month whose workflow is open. A month whose workflow doesn't
 * answer, because no worker runs, is left out.
 */
export async function readMonthRuns(
  client: Client,
  months: readonly Month[],
): Promise<readonly MonthRun[]> {
  const asked = new Set([...months, ...(await listOpenMonths(client))]);
  const runs = await Promise.all([...asked].map((month) => readMonthRun(client, month)));
  return runs.filter((run) => run !== null);
}

async function listOpenMonths(client: Client): Promise<readonly Month[]> {
  const query = `WorkflowType = '${WORKFLOWS.monthEnd}' AND ExecutionStatus = 'Running'`;
  const prefix = monthEndId('');
  const months: Month[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    if (workflowId.startsWith(prefix)) months.push(workflowId.slice(prefix.length));
  }
  return months;
}

/** Asks Temporal about a month; null if its workflow doesn't answer. */
export async function readMonthRun(client: Client, month: Month): Promise<MonthRun | null> {
  const none: MonthRun = { month, state: 'none', served: [] };
  try {
    // Not by the list, which lags behind. A workflow that was terminated would still answer queries.
    const { status } = await client.workflow.getHandle(monthEndId(month)).describe();
    if (status.name !== 'RUNNING') return none;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return none;
    throw error;
  }
  const progress = await askProgress(client, month, QUERY_TIMEOUT_MS);
  if (progress === 'not answering') return null;
  return progress === null ? none : { month, state: progress.state, served: progress.served };
}
