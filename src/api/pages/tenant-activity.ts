import { setTimeout as sleep } from 'node:timers/promises';
import { listLateUsage, type LateUsage } from '../../audit/late-usage.ts';
import { runningMonthToJson, type RunningMonthJson } from '../../audit/running-month-json.ts';
import { runningMonthOf } from '../../audit/running-month.ts';
import { listMonthsWithUnbilledUsageOf } from '../../db/month-end/usage-places.ts';
import type { Database } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { NO_BOUNDS } from '../../domain/bounds.ts';
import type { Month } from '../../domain/period.ts';
import { errorForLog } from '../../lib/logger.ts';
import type { ApiDeps } from '../http/api-deps.ts';

/**
 * A tenant's running month and late usage, for the operators' page of the tenant. They are composed as invoices are, which
 * takes seconds for a tenant with thousands of deployments: then the page is sent first, and they follow.
 */

/** How long a page waits. */
const PATIENCE_MS = 50;
/** How long a finished result waits for the page that is loaded to show it. */
const KEPT_MS = 30_000;
/** Tenants whose results wait. */
const MAX_KEPT = 100;
/** Months whose late usage is listed, the latest ones. */
const MAX_LATE_MONTHS = 6;

/** Late usage, with its month. */
export type LateUsageOfMonth = LateUsage & { readonly month: Month };

/** `computing`: ask again in a moment. `failed`: ask again later. */
export type TenantActivity =
  | {
      readonly state: 'ready';
      readonly running: RunningMonthJson;
      readonly late: readonly LateUsageOfMonth[];
    }
  | { readonly state: 'computing' | 'failed' };

interface Kept {
  /** Null while it runs. */
  endedAt: number | null;
  /** Never fails. */
  readonly done: Promise<void>;
  result: TenantActivity;
}

type Deps = Pick<ApiDeps, 'db' | 'now' | 'logger' | 'bounds'>;

const keptBy = new WeakMap<Database, Map<string, Kept>>();

/**
 * Returns a tenant's activity, waiting a moment for it. A page takes the result, so that the next visit computes it again;
 * the part that refreshes leaves it to the page that is loaded then.
 */
export async function readTenantActivity(
  deps: Deps,
  tenantId: string,
  { isPage }: { readonly isPage: boolean },
): Promise<TenantActivity> {
  const entries = keptBy.get(deps.db) ?? new Map<string, Kept>();
  keptBy.set(deps.db, entries);
  const known = entries.get(tenantId);
  const isFresh =
    known !== undefined && (known.endedAt === null || performance.now() - known.endedAt < KEPT_MS);
  const kept = isFresh ? known : start(deps, tenantId);
  // The last in order was asked for last.
  entries.delete(tenantId);
  entries.set(tenantId, kept);
  const [oldest] = entries.keys();
  if (entries.size > MAX_KEPT && oldest !== undefined) entries.delete(oldest);
  await Promise.race([kept.done, sleep(PATIENCE_MS, undefined, { ref: false })]);
  const isTaken = isPage && kept.result.state !== 'computing';
  if (isTaken && entries.get(tenantId) === kept) entries.delete(tenantId);
  return kept.result;
}

function start(deps: Deps, tenantId: string): Kept {
  const done = compute(deps, tenantId).then((result) => {
    kept.result = result;
    kept.endedAt = performance.now();
  });
  const kept: Kept = { endedAt: null, done, result: { state: 'computing' } };
  return kept;
}

async function compute(
  { db, now, logger, bounds = NO_BOUNDS }: Deps,
  tenantId: string,
): Promise<TenantActivity> {
  try {
    const lastMonth = (await loadCalendar(db)).monthBefore(now());
    const running = await runningMonthOf(db, tenantId, now());
    if (running === null) throw new Error(`there is no tenant ${tenantId}`);
    const months = await listMonthsWithUnbilledUsageOf(db, tenantId, lastMonth);
    const late: LateUsageOfMonth[] = [];
    for (const month of months.slice(-MAX_LATE_MONTHS).reverse()) {
      const entries = await listLateUsage(db, month, { bounds, tenantId });
      late.push(...entries.map((entry) => ({ ...entry, month })));
    }
    return { state: 'ready', running: runningMonthToJson(running), late };
  } catch (error) {
    logger.warn({ error: errorForLog(error), tenantId }, 'the activity of a tenant failed');
    return { state: 'failed' };
  }
}
