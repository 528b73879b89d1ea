import { TASK_QUEUE } from '../contracts/ids.ts';
import type { PollingWorker } from '../temporal/worker-versions.ts';
import type { Finding } from './watchdog-finding.ts';

/** Whether there is somebody who does what is asked for. Pure. */
export function judgeWorkers(workers: readonly PollingWorker[]): readonly Finding[] {
  if (workers.some(({ isCurrent }) => isCurrent)) return [];
  const detail =
    workers.length > 0
      ? 'workers poll, but none of the build that gets tasks: what is asked for waits'
      : `no worker polls the task queue ${TASK_QUEUE}: what is asked for waits`;
  return [{ code: 'no_worker', month: null, detail }];
}
