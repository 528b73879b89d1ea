import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { addActions, countActions, totalActions, type ActionCounts } from './count-actions.ts';

/** The cost of a month end in Temporal, from its histories. */
export interface HistoryCost {
  readonly actions: number;
  /** Totals of all runs of `monthEnd`, and of the children read. */
  readonly monthActions: ActionCounts;
  readonly childActions: ActionCounts;
  /** The number of children summed in `childActions`. */
  readonly childrenRead: number;
  /** The server's count for all runs. */
  readonly bytes: number;
  /** Events in the longest run of `monthEnd`. */
  readonly mostEvents: number;
  readonly monthRuns: number;
}

/** Number of children whose histories are read, spread evenly; all children are similar. */
const CHILDREN_READ = 200;
const VISIBLE_WITHIN_MS = 30_000;

/** Reads the histories of a finished month end: every run of the month, and a sample of the children. */
export async function readHistories(client: Client, children: number): Promise<HistoryCost> {
  const runs = await listRuns(client, children);
  const ofMonth = runs.filter(({ type }) => type === WORKFLOWS.monthEnd);
  const ofChildren = runs.filter(({ type }) => type !== WORKFLOWS.monthEnd);
  const every = Math.max(1, Math.floor(ofChildren.length / CHILDREN_READ));
  const sample = ofChildren.filter((_, index) => index % every === 0);

  const monthActions = addActions(await actionsOf(client, ofMonth));
  const childActions = addActions(await actionsOf(client, sample));
  // The list has no size for the open run.
  const described = await Promise.all(
    ofMonth.map(({ workflowId, runId }) => client.workflow.getHandle(workflowId, runId).describe()),
  );
  const perChild = sample.length === 0 ? 0 : totalActions(childActions) / sample.length;
  return {
    actions: totalActions(monthActions) + perChild * ofChildren.length,
    monthActions,
    childActions,
    childrenRead: sample.length,
    bytes: sumSizes(described) + sumSizes(ofChildren),
    mostEvents: Math.max(...described.map(({ historyLength }) => historyLength)),
    monthRuns: ofMonth.length,
  };
}

function sumSizes(
  runs: readonly Pick<WorkflowExecutionInfo, 'workflowId' | 'historySize'>[],
): number {
  return runs.reduce((total, { workflowId, historySize }) => {
    if (!historySize) throw new Error(`the server doesn't say how large ${workflowId} is`);
    return total + historySize;
  }, 0);
}

/** Returns all runs of the namespace, once the list shows them as ended. */
async function listRuns(
  client: Client,
  children: number,
): Promise<readonly WorkflowExecutionInfo[]> {
  const deadline = Date.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    const runs = await Array.fromAsync(client.workflow.list({ pageSize: 1000 }));
    const ended = runs.filter(
      ({ type, status }) => type !== WORKFLOWS.monthEnd && status.name === 'COMPLETED',
    );
    if (ended.length === children) return runs;
    if (Date.now() > deadline) {
      throw new Error(`the list shows ${ended.length} children that have ended, not ${children}`);
    }
    await sleep(200);
  }
}

async function actionsOf(
  client: Client,
  runs: readonly WorkflowExecutionInfo[],
): Promise<readonly ActionCounts[]> {
  const counts = [];
  for (const { workflowId, runId } of runs) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    counts.push(countActions(history.events ?? []));
  }
  return counts;
}
