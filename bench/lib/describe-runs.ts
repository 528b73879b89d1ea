import type { Client } from '@temporalio/client';

/** One run of a workflow that continues as new. */
export interface RunHistory {
  readonly events: number;
  readonly bytes: number;
  /** State transitions of the workflow, each written by the server. */
  readonly stateTransitions: number;
}

/** The histories of a workflow's runs, the latest first. */
export async function describeRuns(
  client: Client,
  workflowId: string,
): Promise<readonly RunHistory[]> {
  const runs: RunHistory[] = [];
  let runId: string | undefined = undefined;
  do {
    const handle = client.workflow.getHandle(workflowId, runId);
    const { historyLength, historySize = 0, raw } = await handle.describe();
    const stateTransitions = Number(raw.workflowExecutionInfo?.stateTransitionCount ?? 0);
    runs.push({ events: historyLength, bytes: historySize, stateTransitions });
    runId = await predecessorOf(client, workflowId, runId);
  } while (runId !== undefined);
  return runs;
}

/** Returns the run that continued as this one, from the first event of the history. */
async function predecessorOf(
  { workflowService, options }: Client,
  workflowId: string,
  runId: string | undefined,
): Promise<string | undefined> {
  const { history } = await workflowService.getWorkflowExecutionHistory({
    namespace: options.namespace,
    execution: { workflowId, runId: runId ?? '' },
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const previous = started?.continuedExecutionRunId ?? '';
  return previous === '' ? undefined : previous;
}
