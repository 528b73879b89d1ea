import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { monthEndId } from '../contracts/ids.ts';
import type { Month } from '../domain/period.ts';

/**
 * Resets the month's workflow to its beginning, so that it accepts all its signals again, with the same request ids
 * (ADR 23): requests that the database has are recognized, and those that it lost are stored and served again.
 * @returns false if Temporal has no such workflow
 */
export async function replayRequests(client: Client, month: Month): Promise<boolean> {
  const workflowId = monthEndId(month);
  const first = await findFirstRun(client, workflowId);
  if (first === null) return false;
  const { namespace } = client.options;
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId, runId: first.runId },
    workflowTaskFinishEventId: first.taskEventId,
    requestId: randomUUID(),
    reason: 'the database was restored: requests that it lost are served again',
  });
  return true;
}

/**
 * Finds the first run of the chain that the current run continues, and its first completed workflow task. A reset
 * re-applies the signals of all later runs of the chain. Runs beyond the namespace's retention are gone.
 */
async function findFirstRun(client: Client, workflowId: string) {
  let found = null;
  let runId: string | null | undefined;
  do {
    try {
      const handle = client.workflow.getHandle(workflowId, runId ?? undefined);
      const { runId: current } = await handle.describe();
      const { events } = await handle.fetchHistory();
      const task = events?.find((event) => event.workflowTaskCompletedEventAttributes);
      // No worker has touched it: its signals are still waiting, so a reset isn't needed.
      if (task?.eventId == null) return found;
      found = { runId: current, taskEventId: task.eventId };
      runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return found;
      throw error;
    }
  } while (runId);
  return found;
}
