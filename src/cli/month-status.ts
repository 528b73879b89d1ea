import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import { readMonthEndStatus } from '../db/month-end/month-end-status.ts';
import type { Database } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { isServed, type NamedTenant } from '../db/month-end/request-views.ts';
import type { Month } from '../domain/period.ts';
import { describeLostRun, findLostRun } from '../audit/lost-runs.ts';
import { askProgress, readMonthRun } from '../temporal/month-runs.ts';
import type { StatusWithProgress } from './render/month-status-text.ts';
import { snakeCaseKeys } from './output.ts';

/** A query waits for a worker, and none may be running. */
export const QUERY_TIMEOUT_MS = 5_000;

/** The state of a month in the database, with the progress of its workflow and what a restore has lost. */
export async function readStatus(
  db: Database,
  client: Client,
  month: Month,
  { controlTotals }: Pick<Config, 'controlTotals'>,
): Promise<StatusWithProgress> {
  const [calendar, status, progress, lostRun] = await Promise.all([
    loadCalendar(db),
    readMonthEndStatus(db, month, controlTotals),
    askProgress(client, month, QUERY_TIMEOUT_MS),
    findLostRun(db, () => readMonthRun(client, month)),
  ]);
  const isOver = calendar.isOver(month, new Date());
  return { ...status, progress, lost: describeLostRun(lostRun), is_over: isOver };
}

/** The status for `--json`, with the API's field names. */
export function statusToJson(status: StatusWithProgress): object {
  return { ...status, progress: snakeCaseKeys(status.progress) };
}

/**
 * Whether a request for named tenants needs attention: one of them was not served, or the books don't add up. Other
 * parked tenants don't count.
 */
export function needsAttentionFor(
  named: readonly NamedTenant[],
  { balanced }: Pick<StatusWithProgress, 'balanced'>,
): boolean {
  return balanced === false || !named.every(isServed);
}

/**
 * Whether a month needs attention.
 * @param requestId request whose refusals count; null for none
 */
export function needsAttention(
  {
    outcomes,
    balanced,
    requests,
    to_do,
    lost,
  }: Pick<StatusWithProgress, 'outcomes' | 'balanced' | 'requests' | 'to_do' | 'lost'>,
  requestId: string | null,
): boolean {
  const refused = requests.find(({ request_id }) => request_id === requestId)?.refused ?? [];
  return outcomes.parked > 0 || refused.length > 0 || isIncomplete({ balanced, to_do, lost });
}

/** Whether the books of a month don't add up, or lack what they should have by now. */
export function isIncomplete({
  balanced,
  to_do,
  lost,
}: Pick<StatusWithProgress, 'balanced' | 'to_do' | 'lost'>): boolean {
  return balanced === false || to_do.length > 0 || lost.length > 0;
}
