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
} from '../contracts/activity-types.ts';
import { FAILURE } from '../contracts/failures.ts';
import { outcomesOf } from '../contracts/month-end-types.ts';
import { countWaiting } from '../db/month-end/review-facts.ts';
import { readControlTotals } from '../db/month-end/read-control-totals.ts';
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
import { inOneSnapshot } from '../db/transactions.ts';
import * as outcomes from '../db/month-end/tenant-outcomes.ts';
import { findImbalances } from '../domain/control-totals.ts';
import type { ActivityDeps } from './deps.ts';
import { requireClosable, requirePeriod } from './activity-failures.ts';

/** Request ids that a pass shows; the others are only counted. */
const SHOWN_REQUESTS = 10;

/**
 * Begins a pass for every waiting request of the month.
 * @throws ApplicationFailure `invalid_input`, not retryable: at the month's first pass, if it can't be closed
 */
export function beginPass({ db, now }: ActivityDeps) {
  return async ({ month, isFirst }: BeginPassInput): Promise<BeginPassResult> => {
    const period = await requirePeriod(db, month);
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
 * Plans the next page of due tenants. Tenants that have an invoice and are not forced are recorded as skipped; the
 * others need a child.
 */
export function planPage({ db }: ActivityDeps) {
  return async (input: PlanPageInput): Promise<PlanPageResult> => {
    const period = await requirePeriod(db, input.month);
    return db.transaction(async (tx) => {
      const page = await outcomes.lookAtTenants(tx, period, input);
      // A tenant that this pass has served out of turn is done, unless it was forced again.
      const waiting = page.filter(({ isForced, isServed }) => isForced || !isServed);
      const standing = waiting.flatMap(({ tenantId, isForced, liveInvoiceId }) =>
        liveInvoiceId !== null && !isForced
          ? [{ tenantId, outcome: 'skipped' as const, invoiceId: liveInvoiceId }]
          : [],
      );
      await outcomes.recordOutcomes(tx, period, standing);
      const skipped = new Set(standing.map(({ tenantId }) => tenantId));
      // No request is waiting for their revision: an open draft was left by a run that ended early.
      await abandonDrafts(
        tx,
        await findOpenDrafts(tx, period, [...skipped]),
        'the tenant has an invoice and no request is waiting for a revision',
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
 * Parks a tenant whose child failed, and abandons the draft of that run; another run may be building its own. If the run
 * had issued the invoice or a note, found it unchanged or found nothing to bill before it failed, that outcome counts
 * instead.
 *
 * If another run took the draft over, no request is answered: the other run serves them, or the pass's next child.
 */
export function recordParked({ db }: ActivityDeps) {
  return async (input: RecordParkedInput): Promise<RecordParkedResult> => {
    const { tenantId, failure, owner, upToSeq } = input;
    const period = await requirePeriod(db, input.month);
    return db.transaction(async (tx) => {
      const [tenant] = await lockTenantMonths(tx, period, [tenantId]);
      const invoiceId = tenant?.liveInvoiceId ?? null;
      const committed = owner === null ? null : committedOutcome(tenant, owner);
      if (committed !== null) {
        await outcomes.recordOutcomes(tx, period, [{ tenantId, ...committed }]);
        return { outcome: committed.outcome };
      }
      const isTakenOver = failure.type === FAILURE.draftLost;
      if (isTakenOver && invoiceId !== null) {
        const outcome = 'skipped';
        await outcomes.recordOutcomes(tx, period, [{ tenantId, outcome, invoiceId }], {
          keepSameInvoice: true,
        });
        return { outcome };
      }
      const reason = `${failure.type}: ${failure.reason}`;
      if (owner !== null) {
        await abandonDrafts(tx, await findOpenDrafts(tx, period, [tenantId], owner), reason);
      }
      if (!isTakenOver) await parkForcedRequests(tx, period, tenantId, upToSeq, reason);
      await outcomes.recordParked(tx, period, tenantId, failure);
      return { outcome: 'parked' };
    });
  };
}

/** The outcome that a failed run had committed before. */
function committedOutcome(tenant: TenantMonth | undefined, owner: string) {
  if (!tenant) return null;
  const { liveInvoiceId: invoiceId, liveOwner, noteOwner, unchangedOwner, emptyOwner } = tenant;
  if (invoiceId === null) {
    return emptyOwner === owner ? { outcome: 'nothing_to_bill' as const } : null;
  }
  if (noteOwner === owner) return { outcome: 'adjusted' as const, invoiceId };
  if (liveOwner === owner) return { outcome: 'rolled' as const, invoiceId };
  return unchangedOwner === owner ? { outcome: 'unchanged' as const, invoiceId } : null;
}

/** Limit on forced tenants per call, because they are stored in the history. */
const WAITING_LIMIT = 200;

/**
 * Forced tenants that the pass has not served: a continue-as-new forgets urgent tenants, and no page has those that are
 * no longer due.
 */
export function listWaiting({ db }: ActivityDeps) {
  return async ({ month, upToSeq }: ListWaitingInput): Promise<ListWaitingResult> => ({
    tenantIds: await listWaitingTenants(db, await requirePeriod(db, month), upToSeq, WAITING_LIMIT),
  });
}

/** Imbalances that are returned and so stored in the history; the manifest has all of them. */
const SHOWN_IMBALANCES = 5;

/** Finishes the requests of the pass, and stores the run's manifest: its control totals. */
export function finishPass({ db }: ActivityDeps) {
  return async ({ month, upToSeq }: FinishPassInput): Promise<FinishPassResult> => {
    const period = await requirePeriod(db, month);
    const controlTotals = await inOneSnapshot(db, (tx) => readControlTotals(tx, period));
    const imbalances = findImbalances(controlTotals);
    const balanced = imbalances.length === 0;
    const { due } = controlTotals.tenants;
    const totals = outcomesOf(controlTotals.tenants);
    const manifest = { balanced, imbalances, ...controlTotals };
    await db.transaction((tx) =>
      finishRequests(tx, period, upToSeq, manifest, { balanced, due, outcomes: totals }),
    );
    return {
      totals,
      unreleased: await countWaiting(db, period),
      imbalances: imbalances.slice(0, SHOWN_IMBALANCES),
    };
  };
}
