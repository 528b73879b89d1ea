import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { monthEndId } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });

const PAYLOAD_CONVERTER_PATH = fileURLToPath(
  new URL('../../src/temporal/payload-converter.ts', import.meta.url),
);

/**
 * Replays every run of the months' workflows: one that can't be replayed is stuck as soon as it
 * loses its worker, which in this run may just not have happened.
 * @returns what can't be replayed, in sentences
 */
export async function replayMonths(
  client: Client,
  months: readonly string[],
  workflowBundlePath: string,
): Promise<readonly string[]> {
  const options: ReplayWorkerOptions = {
    workflowBundle: { codePath: workflowBundlePath },
    dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER_PATH },
  };
  const complaints: string[] = [];
  for (const month of months) {
    const workflowId = monthEndId(month);
    const query = `WorkflowId = '${workflowId}' AND WorkflowType = '${WORKFLOWS.monthEnd}'`;
    for await (const { runId } of client.workflow.list({ query })) {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      await Worker.runReplayHistory(options, history, workflowId).catch((error: unknown) => {
        complaints.push(`${workflowId} (run ${runId}) can't be replayed: ${String(error)}`);
      });
    }
  }
  return complaints;
}
