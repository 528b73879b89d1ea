import type {
  BeginPassInput,
  BeginPassResult,
  FinishPassInput,
  FinishPassResult,
  ListWaitingInput,
  ListWaitingResult,
  PlanPageInput,
  PlanPageResult,
  RecordParkedInput,
  RecordParkedResult,
} from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import { readControlTotals } from '../db/month-end/control-totals.ts';
import {
  abandonDrafts,
  findOpenDrafts,
  lockTenantMonths,
  parkForcedRequests,
  type TenantMonth,
} from '../db/invoices/drafts.ts';
import {
  finishRequests,
  listWaitingTenants,
  startRequests,
  transactionTime,
} from '../db/month-end/month-end-requests.ts';
import { inOneSnapshot } from '../db/snapshot.ts';
import * as outcomes from '../db/month-end/tenant-outcomes.ts';
import { findImbalances } from '../domain/control-totals.ts';
import type { ActivityDeps } from './deps.ts';
import { requireClosable, requirePeriod } from './failures.ts';

/** Request ids that a pass shows; the rest are counted. */
const SHOWN_REQUESTS = 10;

/**
 * Takes every waiting request of the month into a new pass.
 * @throws ApplicationFailure `invalid_input`, not retryable: the first time, where the month can't be closed
 */
export function beginPass({ db, now }: ActivityDeps) {
  return async ({ month, isFirst }: BeginPassInput): Promise<BeginPassResult> => {
    const period = requirePeriod(month);
    if (isFirst) await requireClosable(db, month, now());
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
      // Nobody waits for a revision of theirs: a draft that is open was cut off.
      await abandonDrafts(
        tx,
        await findOpenDrafts(tx, period, [...skipped]),
        'its invoice stands and nobody waits for a revision',
      );
      return {
        tenantIds: waiting.map(({ tenantId }) => tenantId).filter((id) => !skipped.has(id)),
        skipped: standing.length,
        last: page.at(-1)?.tenantId ?? null,
      };
    });
  };
}

/**
 * Parks a tenant whose child failed, and gives up the draft that it left. Only that
 * run's draft: another run may be building one. Where the run had issued the invoice
 * before it failed, or found that it stays as it is, the invoice is what counts.
 *
 * A run that was overtaken settles no request: who overtook it serves them, and what it
 * leaves waits for the pass's next child.
 */
export function recordParked({ db }: ActivityDeps) {
  return async (input: RecordParkedInput): Promise<RecordParkedResult> => {
    const { tenantId, failure, owner, upToSeq } = input;
    const period = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      const [tenant] = await lockTenantMonths(tx, period, [tenantId]);
      const invoiceId = tenant?.liveInvoiceId ?? null;
      const outcome = owner === null ? null : committedOutcome(tenant, owner);
      if (invoiceId !== null && outcome !== null) {
        await outcomes.recordInvoiced(tx, period, [{ tenantId, outcome, invoiceId }]);
        return { outcome };
      }
      const isOvertaken = failure.type === FAILURE.draftLost;
      if (isOvertaken && invoiceId !== null) {
        const outcome = 'skipped';
        await outcomes.recordInvoiced(tx, period, [{ tenantId, outcome, invoiceId }], {
          keepSameInvoice: true,
        });
        return { outcome };
      }
      const reason = `${failure.type}: ${failure.reason}`;
      if (owner !== null) {
        await abandonDrafts(tx, await findOpenDrafts(tx, period, [tenantId], owner), reason);
      }
      if (!isOvertaken) await parkForcedRequests(tx, period, tenantId, upToSeq, reason);
      await outcomes.recordParked(tx, period, tenantId, failure);
      return { outcome: 'parked' };
    });
  };
}

/** What a run that failed had come to before. */
function committedOutcome(tenant: TenantMonth | undefined, owner: string) {
  if (tenant?.liveOwner === owner) return 'rolled';
  return tenant?.unchangedOwner === owner ? 'unchanged' : null;
}

/** Forced tenants of one call: a bound on what goes through the history. */
const WAITING_LIMIT = 200;

/** The forced tenants that the pass has not served: it may have lost sight of some. */
export function listWaiting({ db }: ActivityDeps) {
  return async ({ month, upToSeq }: ListWaitingInput): Promise<ListWaitingResult> => ({
    tenantIds: await listWaitingTenants(db, requirePeriod(month), upToSeq, WAITING_LIMIT),
  });
}

/** Sentences of imbalance that go through the history; the manifest has them all. */
const SHOWN_IMBALANCES = 5;

/** Closes the requests that the pass has served, with the run's manifest: its control totals. */
export function finishPass({ db }: ActivityDeps) {
  return async ({ month, upToSeq }: FinishPassInput): Promise<FinishPassResult> => {
    const period = requirePeriod(month);
    const controlTotals = await inOneSnapshot(db, (tx) => readControlTotals(tx, period));
    const imbalances = findImbalances(controlTotals);
    const balanced = imbalances.length === 0;
    const { due, rolled, skipped, unchanged, parked } = controlTotals.tenants;
    const totals = { rolled, skipped, unchanged, parked };
    const manifest = { balanced, imbalances, ...controlTotals };
    await db.transaction((tx) =>
      finishRequests(tx, period, upToSeq, manifest, { balanced, due, ...totals }),
    );
    return {
      totals,
      imbalances: imbalances.slice(0, SHOWN_IMBALANCES),
    };
  };
}
