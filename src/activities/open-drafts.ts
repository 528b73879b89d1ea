import { ApplicationFailure } from '@temporalio/common';
import type { OpenDraftsInput, OpenDraftsResult } from '../contracts/activity-types.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end-types.ts';
import {
  abandonDrafts,
  claimForcedRequests,
  findForgottenDrafts,
  lockTenantMonths,
  refuseForcedRequests,
  type TenantMonth,
} from '../db/invoices/drafts.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { claimExclusions, openSealedDrafts, type Run } from '../db/usage/seal.ts';
import { NOT_DUE } from '../db/month-end/due-tenants.ts';
import { recordOutcomes } from '../db/month-end/tenant-outcomes.ts';
import type { Period } from '../domain/period.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './activity-failures.ts';
import { adjustedBy, nothingToBill, parked, type Finished } from './tenant-results.ts';

/**
 * Opens a draft for each tenant that needs an invoice and seals its usage, in one short transaction. Other tenants are
 * finished at once: they keep their invoice (`skipped`), or an earlier attempt of the same run issued it (`rolled`) or a
 * note of it (`adjusted`), found it `unchanged` or found nothing to bill.
 *
 * A retry finds this run's draft and changes nothing. Sealed usage never changes, because lines may have been quoted
 * from it.
 */
export function openDrafts({ db, now }: ActivityDeps) {
  return async (input: OpenDraftsInput): Promise<OpenDraftsResult> => {
    const period = await requireMonthOver(db, input.month, now());
    return db.transaction(async (tx) => {
      const months = await lockTenantMonths(tx, period, [...new Set(input.tenantIds)]);
      const decisions = months.map((tenant) => ({ tenant, decision: decide(tenant, input) }));
      await finish(tx, period, decisions);
      const resumed = decisions.flatMap(({ decision }) =>
        decision.action === 'resume' ? [decision.draft] : [],
      );
      const toOpen = decisions.flatMap(({ tenant, decision }) =>
        decision.action === 'open' ? tenant : [],
      );
      const opened = await open(tx, period, toOpen, input);
      return {
        drafts: [...resumed, ...opened],
        settled: decisions.flatMap(({ decision }) =>
          decision.action === 'finish' ? [decision.result] : [],
        ),
      };
    });
  };
}

/** Returns the month's period. @throws ApplicationFailure, not retryable, if the month is not over */
export async function requireMonthOver(db: Database, month: string, now: Date): Promise<Period> {
  const period = await requirePeriod(db, month);
  const calendar = await loadCalendar(db);
  if (calendar.isOver(period.month, now)) return period;
  throw ApplicationFailure.nonRetryable(
    `${period.month} is not over yet: it can be billed from ${period.endsAt} on`,
    FAILURE.monthNotOver,
  );
}

type Decision =
  | { readonly action: 'open' }
  | { readonly action: 'resume'; readonly draft: DraftRef }
  | { readonly action: 'finish'; readonly result: TenantResult; readonly refusal?: string };

/**
 * Decides what to do about a tenant's month (docs/spec.md#month-end). A settled invoice opens a draft as well;
 * `persistInvoices` decides whether that becomes a revision or an adjustment note.
 */
function decide(tenant: TenantMonth, { month, owner, ownerStartedAt }: OpenDraftsInput): Decision {
  const { tenantId, liveInvoiceId, liveTotalCents, isForced } = tenant;
  if (tenant.openDraftId !== null && tenant.openDraftOwner === owner) {
    return { action: 'resume', draft: { tenantId, draftId: tenant.openDraftId } };
  }
  if (
    tenant.openDraftOwnerStartedAt !== null &&
    isLater(tenant.openDraftOwnerStartedAt, ownerStartedAt)
  ) {
    // This is a late attempt of a run that is over.
    const reason = `a later run is building the invoice of tenant ${tenantId}, and its outcome counts`;
    return { action: 'finish', result: parked(tenantId, { type: FAILURE.draftLost, reason }) };
  }
  if (liveInvoiceId !== null && liveTotalCents !== null) {
    const invoice = { tenantId, invoiceId: liveInvoiceId, totalCents: liveTotalCents };
    const adjusted = adjustedBy(tenant, owner);
    if (adjusted !== null) return { action: 'finish', result: adjusted };
    if (tenant.liveOwner === owner) {
      return { action: 'finish', result: { ...invoice, outcome: 'rolled' } };
    }
    if (tenant.unchangedOwner === owner && !isForced) {
      return { action: 'finish', result: { ...invoice, outcome: 'unchanged' } };
    }
    if (!isForced) return { action: 'finish', result: { ...invoice, outcome: 'skipped' } };
    if (tenant.liveStatus === 'void' && !tenant.isVoidForced) {
      const refusal = refusalOfVoid(tenant.liveNumber);
      return { action: 'finish', result: { ...invoice, outcome: 'skipped' }, refusal };
    }
    return { action: 'open' };
  }
  if (tenant.emptyOwner === owner && !isForced) {
    return { action: 'finish', result: nothingToBill(tenantId) };
  }
  if (!tenant.isDue) {
    // It was due when it was listed or forced. Since then another month's invoice took its LLM usage, or its
    // subscription was moved.
    const refusal = `tenant ${tenantId} is not due for ${month}${NOT_DUE}`;
    return { action: 'finish', result: nothingToBill(tenantId), refusal };
  }
  return { action: 'open' };
}

/** Why a request for all tenants leaves the month of a void invoice alone (docs/spec.md#void). */
function refusalOfVoid(number: string | null): string {
  return `invoice ${number} is void: name the tenant to issue its next revision`;
}

/** Compares instants, because texts may differ in the number of digits. */
function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b);
}

async function finish(
  tx: Transaction,
  period: Period,
  decisions: readonly { readonly tenant: TenantMonth; readonly decision: Decision }[],
): Promise<void> {
  const finished: Finished[] = [];
  for (const { tenant, decision } of decisions) {
    if (decision.action !== 'finish') continue;
    if (decision.result.outcome !== 'parked') finished.push(decision.result);
    if (decision.refusal !== undefined) {
      await refuseForcedRequests(tx, period, tenant.tenantId, decision.refusal);
      // An earlier run's draft served these requests. If the tenant has an invoice, that run abandons the draft when it
      // tries to issue it.
      if (tenant.openDraftId !== null && tenant.liveInvoiceId === null) {
        await abandonDrafts(tx, [tenant.openDraftId], decision.refusal);
      }
    }
  }
  await recordOutcomes(tx, period, finished, { keepSameInvoice: true });
}

async function open(
  tx: Transaction,
  period: Period,
  tenants: readonly TenantMonth[],
  run: Run,
): Promise<readonly DraftRef[]> {
  if (tenants.length === 0) return [];
  const tenantIds = tenants.map(({ tenantId }) => tenantId);
  for (const { openDraftId } of tenants) {
    if (openDraftId === null) continue;
    await abandonDrafts(tx, [openDraftId], `taken over by run ${run.owner}`);
  }
  if (tenants.some(({ hasUnfinishedDrafts }) => hasUnfinishedDrafts)) {
    await abandonDrafts(
      tx,
      await findForgottenDrafts(tx, period, tenantIds),
      'the run that built it has ended without a word',
    );
  }
  const drafts = await openSealedDrafts(
    tx,
    period,
    run,
    tenants.map(({ tenantId, liveInvoiceId, liveStatus, hasUnfinishedDrafts }) => ({
      tenantId,
      replacesInvoiceId: liveInvoiceId,
      replacesVoid: liveStatus === 'void',
      hasUnfinishedDrafts,
    })),
  );
  const draftIds = new Map(drafts.map(({ tenantId, draftId }) => [tenantId, draftId]));
  const opened = tenants.flatMap((tenant) => {
    const draftId = draftIds.get(tenant.tenantId);
    return draftId === undefined ? [] : { tenant, tenantId: tenant.tenantId, draftId };
  });
  await claimForcedRequests(
    tx,
    period,
    opened
      .filter(({ tenant }) => tenant.isForced)
      .map(({ tenantId, draftId }) => ({ tenantId, draftId })),
  );
  await claimExclusions(
    tx,
    opened
      .filter(({ tenant }) => tenant.hasPendingExclusions)
      .map(({ tenant, tenantId, draftId }) => ({
        tenantId,
        draftId,
        replacesInvoiceId: tenant.liveInvoiceId,
      })),
  );
  return opened.map(({ tenantId, draftId }) => ({ tenantId, draftId }));
}
