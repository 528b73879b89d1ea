import type {
  BeginPassInput,
  BeginPassResult,
  FinishPassInput,
  FinishPassResult,
  PlanPageInput,
  PlanPageResult,
  RecordParkedInput,
} from '../contracts/activities.ts';
import { abandonDrafts, findOpenDrafts, lockTenants } from '../db/drafts.ts';
import { finishRequests, startRequests, transactionTime } from '../db/month-end-requests.ts';
import { reconcile } from '../db/reconciliation.ts';
import * as outcomes from '../db/tenant-outcomes.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './failures.ts';

/** Request ids that a pass shows; the rest are counted. */
const SHOWN_REQUESTS = 10;

/** Takes every waiting request of the month into a new pass. */
export function beginPass({ db }: ActivityDeps) {
  return async ({ month }: BeginPassInput): Promise<BeginPassResult> => {
    const period = requirePeriod(month);
    return db.transaction(async (tx) => {
      const requests = await startRequests(tx, period);
      const last = requests.at(-1);
      if (!last) return null;
      return {
        requestIds: requests.slice(0, SHOWN_REQUESTS).map(({ requestId }) => requestId),
        requestCount: requests.length,
        upToSeq: last.requestSeq,
        startedAt: await transactionTime(tx),
        dueTenants: (await outcomes.countOutcomes(tx, period)).due,
      };
    });
  };
}

/**
 * Looks at the next due tenants. Where an invoice stands and nobody forces it, the
 * tenant is recorded as skipped here and now; the others need a child.
 */
export function planPage({ db }: ActivityDeps) {
  return async (input: PlanPageInput): Promise<PlanPageResult> => {
    const period = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      const page = await outcomes.lookAtTenants(tx, period, input);
      // Served out of turn in this very pass, and nobody asked again: done.
      const waiting = page.filter(({ isForced, isServed }) => isForced || !isServed);
      const standing = waiting.flatMap(({ tenantId, isForced, liveInvoiceId }) =>
        liveInvoiceId !== null && !isForced
          ? [{ tenantId, outcome: 'skipped' as const, invoiceId: liveInvoiceId }]
          : [],
      );
      await outcomes.recordInvoiced(tx, period, standing);
      const skipped = new Set(standing.map(({ tenantId }) => tenantId));
      return {
        tenantIds: waiting.map(({ tenantId }) => tenantId).filter((id) => !skipped.has(id)),
        skipped: standing.length,
        last: page.at(-1)?.tenantId ?? null,
      };
    });
  };
}

/** Parks tenants whose child failed, and gives up the drafts that it left. */
export function recordParked({ db }: ActivityDeps) {
  return async ({ month, tenants }: RecordParkedInput): Promise<void> => {
    const period = requirePeriod(month);
    const tenantIds = tenants.map(({ tenantId }) => tenantId);
    await db.transaction(async (tx) => {
      await lockTenants(tx, tenantIds);
      await outcomes.recordParked(tx, period, tenants);
      await abandonDrafts(
        tx,
        await findOpenDrafts(tx, period, tenantIds),
        tenants.map(({ failure }) => `${failure.type}: ${failure.reason}`).join('\n'),
      );
    });
  };
}

/** Closes the requests that the pass has served, with its counts and control totals. */
export function finishPass({ db }: ActivityDeps) {
  return async ({ month, upToSeq }: FinishPassInput): Promise<FinishPassResult> => {
    const period = requirePeriod(month);
    return db.transaction(async (tx) => {
      const { due, ...totals } = await outcomes.countOutcomes(tx, period);
      await finishRequests(tx, period, upToSeq, {
        due,
        ...totals,
        reconciliation: await reconcile(tx, period),
      });
      return { totals };
    });
  };
}
