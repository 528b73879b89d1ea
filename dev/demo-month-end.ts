import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RequestScheduledMonthResult } from '../src/contracts/activity-types.ts';
import {
  countServed,
  type ScheduledMonthEndInput,
  FORCE_RE_RUN_SIGNAL,
} from '../src/contracts/month-end-types.ts';
import type { Month } from '../src/domain/period.ts';
import { describeSchedule, triggerSchedule } from '../src/temporal/schedule.ts';
import type { OperatorApi, RollUp } from './operator-api.ts';
import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import { monthEndId } from '../src/contracts/ids.ts';
import { expectEqual } from './demo-checks.ts';

const POLL_EVERY_MS = 200;
const TRIGGER_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 300_000;

/**
 * Triggers the Schedule and waits until the month that it closes is done.
 * @returns that month and its status
 */
export async function closeBySchedule(
  client: Client,
  api: OperatorApi,
  options: { readonly signal: AbortSignal; readonly onProgress: (tenantsDone: number) => void },
): Promise<{ readonly month: Month; readonly rollUp: RollUp }> {
  const { signal } = options;
  const known = new Set((await listRuns(client)).map(({ runId }) => runId));
  await triggerSchedule(client);
  const fired = await until(TRIGGER_TIMEOUT_MS, 'The Schedule did not fire', signal, async () =>
    (await listRuns(client)).find(({ runId }) => !known.has(runId)),
  );
  const { month } = await client.workflow
    .getHandle<(input: ScheduledMonthEndInput) => Promise<RequestScheduledMonthResult>>(
      fired.workflowId,
      fired.runId,
    )
    .result();
  const rollUp = await until(CLOSE_TIMEOUT_MS, `${month} was not closed`, signal, async () => {
    const current = await api.rollUp(month);
    const request = current.requests.find(
      ({ request_id }) => request_id === `schedule:${fired.runId}`,
    );
    const isDone = request?.state === 'finished';
    options.onProgress(isDone ? current.due_tenants : countDone(current));
    return isDone ? current : undefined;
  });
  return { month, rollUp };
}

function countDone({ workflow }: RollUp): number {
  const pass = workflow?.pass;
  return pass ? countServed(pass) : 0;
}

async function listRuns(client: Client) {
  const { info } = await describeSchedule(client);
  return info.recentActions.map(({ action: { workflow } }) => ({
    workflowId: workflow.workflowId,
    runId: workflow.firstExecutionRunId,
  }));
}

/**
 * Polls `ask` until it returns a value.
 * @throws Error with `failure` after the timeout
 */
async function until<T>(
  timeoutMs: number,
  failure: string,
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${failure} within ${timeoutMs / 1000} s`);
    await sleep(POLL_EVERY_MS, undefined, { signal });
  }
}

const FORCE_TIMEOUT_MS = 60_000;

/**
 * Forces a tenant's rerun with the same signal and data as an operator would send from the Web UI.
 * @returns the old and the new revision
 */
export async function forceByHand(
  client: Client,
  api: OperatorApi,
  asked: {
    readonly month: Month;
    readonly tenantId: string;
    readonly reason: string;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly before: PrintableInvoice; readonly after: PrintableInvoice }> {
  const { month, tenantId, reason, signal } = asked;
  const standing = async () =>
    (await api.invoices(month)).find(({ tenant_id }) => tenant_id === tenantId);
  const old = await standing();
  if (!old) throw new Error(`${tenantId} has no invoice for ${month}`);
  await client.workflow
    .getHandle(monthEndId(month))
    .signal(FORCE_RE_RUN_SIGNAL, { tenantIds: [tenantId], reason });
  const now = await until(FORCE_TIMEOUT_MS, 'There was no new revision', signal, async () => {
    const current = await standing();
    return current?.invoice_id === old.invoice_id ? undefined : current;
  });
  const [before, after] = await Promise.all([
    api.invoice(old.invoice_id),
    api.invoice(now.invoice_id),
  ]);
  expectEqual('The old revision', before.status, 'superseded');
  expectEqual('The new revision', after.revision, before.revision + 1);
  expectEqual('What the new revision replaces', after.replaces_invoice_id, before.invoice_id);
  return { before, after };
}
