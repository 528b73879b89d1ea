import type { Client } from '@temporalio/client';
import { readMonthEndStatus } from '../db/month-end/month-end-status.ts';
import type { Database } from '../db/pool.ts';
import { isServed, type NamedTenant } from '../db/month-end/request-views.ts';
import type { Month } from '../domain/period.ts';
import { queryProgress } from '../temporal/month-end.ts';
import type { StatusWithProgress } from './render/month-status-text.ts';
import { snakeCaseKeys } from './output.ts';

/** A query waits for a worker, and there may be none. */
const QUERY_TIMEOUT_MS = 5_000;

/** What the month's workflow says of itself. Without a worker there is nobody to answer. */
export function askProgress(client: Client, month: Month): Promise<StatusWithProgress['progress']> {
  return client
    .withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => queryProgress(client, month))
    .catch(() => 'not answering' as const);
}

/** How a month stands, in the database and by its workflow. */
export async function readStatus(
  db: Database,
  client: Client,
  month: Month,
): Promise<StatusWithProgress> {
  const [status, progress] = await Promise.all([
    readMonthEndStatus(db, month),
    askProgress(client, month),
  ]);
  return { ...status, progress };
}

/** For `--json`, under the names of the API. */
export function statusToJson(status: StatusWithProgress): object {
  return { ...status, progress: snakeCaseKeys(status.progress) };
}

/**
 * Whether somebody has to look at what was asked for tenants by name: at one of them, or at the books. Others
 * that are parked were no part of it.
 */
export function needsAttentionFor(
  named: readonly NamedTenant[],
  { balanced }: Pick<StatusWithProgress, 'balanced'>,
): boolean {
  return balanced === false || !named.every(isServed);
}

/**
 * Whether somebody has to look at a month that was waited for.
 * @param requestId the request whose refusals count; null: that of nobody
 */
export function needsAttention(
  {
    outcomes,
    balanced,
    requests,
    to_do,
  }: Pick<StatusWithProgress, 'outcomes' | 'balanced' | 'requests' | 'to_do'>,
  requestId: string | null,
): boolean {
  const refused = requests.find(({ request_id }) => request_id === requestId)?.refused ?? [];
  return outcomes.parked > 0 || balanced === false || refused.length > 0 || to_do.length > 0;
}
