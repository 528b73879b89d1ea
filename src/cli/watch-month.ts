import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { countServed, outcomeName, type OutcomeCounts } from '../contracts/month-end-types.ts';
import { isWaitedFor } from '../db/month-end/month-end-status.ts';
import type { Database } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';
import { whileInterruptible } from './interruption.ts';
import { findLostRun } from '../audit/lost-runs.ts';
import { askProgress, readMonthRun } from '../temporal/month-runs.ts';
import { QUERY_TIMEOUT_MS } from './month-status.ts';
import { note } from './output.ts';
import { startProgress, type Progress } from './progress-display.ts';
import { renderProgress, type StatusWithProgress } from './render/month-status-text.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Shows the progress of a month end until it is done.
 * @param requestId request to wait for; null waits for all requests of the month
 */
export async function watchMonth(
  db: Database,
  client: Client,
  month: Month,
  requestId: string | null,
): Promise<void> {
  const display = createDisplay(month);
  await whileInterruptible(
    () => {
      display.stop();
      return `The month end of ${month} continues. To follow it, run \`month-end status ${month} --watch\`.`;
    },
    async () => {
      for (;;) {
        // Query the workflow first: whatever it reports as done is already in the database.
        const progress = await askProgress(client, month, QUERY_TIMEOUT_MS);
        const isWaiting = await isWaitedFor(db, month, requestId);
        if (!isWaiting && (requestId !== null || !isClosing(progress))) return;
        // No run will serve the waiting requests, which the status then says.
        if (isWaiting && requestId === null && !isClosing(progress)) {
          const lost = await findLostRun(db, () => readMonthRun(client, month));
          if (lost !== null && lost !== 'not answering') return;
        }
        display.show(progress);
        await sleep(LOOK_EVERY_MS);
      }
    },
  ).finally(display.stop);
}

function isClosing(progress: StatusWithProgress['progress']): boolean {
  return progress !== null && progress !== 'not answering' && progress.state === 'closing';
}

/** Shows a bar during a pass; otherwise a line whenever the state changes. */
function createDisplay(month: Month) {
  let bar: Progress | null = null;
  let said = '';
  const stop = () => {
    bar?.stop();
    bar = null;
  };
  const show = (progress: StatusWithProgress['progress']) => {
    const pass = progress === null || progress === 'not answering' ? null : progress.pass;
    if (pass !== null) {
      const done = countServed(pass.counts);
      bar ??= startProgress({
        what: `Closing ${month}`,
        unit: 'tenants',
        from: done,
        total: pass.dueTenants,
      });
      bar.update(done, pass.dueTenants, renderCounts(pass.counts));
      return;
    }
    stop();
    const line = `${month}: ${renderProgress(progress)}`;
    if (line !== said) note(line);
    said = line;
  };
  return { show, stop };
}

/** Tenants invoiced so far, and those that need attention. */
function renderCounts({ rolled, adjusted, parked }: OutcomeCounts): string {
  return [
    `${rolled} ${outcomeName('rolled')}`,
    ...(adjusted === 0 ? [] : [`${adjusted} adjusted`]),
    ...(parked === 0 ? [] : [`${parked} parked`]),
  ].join(', ');
}
