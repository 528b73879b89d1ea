import type { Pass } from '../contracts/month-end-types.ts';
import { monthSteps } from './activity-proxies.ts';
import type { ChildPool } from './child-pool.ts';
import type { MonthState } from './month-state.ts';
import type { ResolvedOptions } from './options.ts';
import { serveTenants } from './serve-tenants.ts';

export interface PassContext {
  readonly month: string;
  readonly options: ResolvedOptions;
  readonly state: MonthState;
  readonly pool: ChildPool;
}

/**
 * Advances a pass by the first of these steps that applies: start urgent tenants, serve the next page, wait for the
 * children, find unserved forced tenants in PostgreSQL, finish the pass.
 */
export async function advancePass(context: PassContext, pass: Pass): Promise<void> {
  const { month, state, pool } = context;
  if (state.hasUrgent()) return startUrgent(context, pass);
  if (!pass.isWalked) return servePage(context, pass);
  if (!pool.isEmpty) return pool.waitUntil(() => pool.isEmpty || state.hasUrgent());

  const { upToSeq } = pass;
  const { tenantIds } = await monthSteps.listWaiting({ month, upToSeq });
  state.unservedFound(tenantIds);
  if (state.hasUrgent()) return;
  state.passFinished(await monthSteps.finishPass({ month, upToSeq }));
}

/** Starts children for the tenants of the next page that need one. Urgent tenants come first at any time. */
async function servePage(context: PassContext, pass: Pass): Promise<void> {
  const { month, options, state, pool } = context;
  const { after, startedAt } = pass;
  const { pageSize: limit, tenantsPerChild } = options;
  const page = await monthSteps.planPage({ month, passStartedAt: startedAt, after, limit });
  state.pagePlanned(page);
  let rest = page.tenantIds;
  while (rest.length > 0) {
    while (state.hasUrgent()) await startUrgent(context, pass);
    await pool.waitForRoom();
    // While it waited, urgent tenants of this page may have started.
    rest = state.notStarted(rest);
    const together = rest.slice(0, tenantsPerChild);
    rest = rest.slice(together.length);
    if (together.length > 0) startChild(context, pass, together);
  }
}

async function startUrgent(context: PassContext, pass: Pass): Promise<void> {
  await context.pool.waitForRoom();
  const tenantIds = context.state.nextUrgent(context.options.tenantsPerChild);
  if (tenantIds.length > 0) startChild(context, pass, tenantIds);
}

/** The child serves every request that waits for its tenants when it opens their drafts. */
function startChild(
  { month, options, state, pool }: PassContext,
  { upToSeq }: Pass,
  tenantIds: readonly string[],
): void {
  const timeoutSeconds = options.tenantTimeoutSeconds;
  state.tenantsStarted(tenantIds);
  pool.start(async () => {
    const outcomes = await serveTenants({ month, tenantIds, timeoutSeconds, upToSeq });
    state.tenantsServed(tenantIds, outcomes);
  });
}
