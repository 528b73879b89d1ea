import { ApplicationFailure } from '@temporalio/common';
import type { OpenDraftsInput, OpenDraftsResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import {
  abandonDrafts,
  claimForcedRequests,
  findForgottenDrafts,
  lockTenantMonths,
  refuseForcedRequests,
  type OwnDraft,
  type TenantMonth,
} from '../db/drafts.ts';
import { termsOfFirst, type IssueTerms } from '../db/issue-terms.ts';
import type { Transaction } from '../db/pool.ts';
import { claimExclusions, openSealedDrafts } from '../db/seal.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { isOver, type Period } from '../domain/period.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './failures.ts';
import { parked } from './results.ts';

/** A tenant, and the child's run that builds its invoice. */
export interface TenantRun {
  readonly tenantId: string;
  /** The child's run id. */
  readonly owner: string;
  /** UTC instant at which that run started. */
  readonly ownerStartedAt: string;
}

/** A draft that is open, how much there is to quote for it, and what it will be held against. */
export interface OpenDraft extends OwnDraft {
  readonly dueSubscriptions: number;
  /** Null where forced requests say more. */
  readonly terms: IssueTerms | null;
}

/**
 * Opens drafts in a transaction of their own: the first of the steps, for children that began
 * before `invoiceTenants` was there.
 */
export function openDrafts({ db, now }: ActivityDeps) {
  return async (input: OpenDraftsInput): Promise<OpenDraftsResult> => {
    const period = requireMonthOver(input.month, now());
    return db.transaction(async (tx) => {
      const runs = input.tenantIds.map((tenantId) => ({ ...input, tenantId }));
      const { drafts, settled } = await openTenantDrafts(tx, period, runs);
      return { drafts: drafts.map(({ tenantId, draftId }) => ({ tenantId, draftId })), settled };
    });
  };
}

/** @throws ApplicationFailure, not retryable */
export function requireMonthOver(month: string, now: Date): Period {
  const period = requirePeriod(month);
  if (isOver(period.month, now)) return period;
  throw ApplicationFailure.nonRetryable(
    `${period.month} is not over yet: it can be billed from ${period.endsAt} on`,
    FAILURE.monthNotOver,
  );
}

/**
 * Opens a draft for each tenant that needs an invoice, and seals its usage. The
 * others are settled at once: their invoice stands (`skipped`), or an earlier
 * attempt of this very run has issued it (`rolled`) or found it `unchanged`.
 *
 * Trying again finds this run's draft and changes nothing: what is sealed once
 * stays as it is, since lines may have been quoted from it.
 * @param runs each tenant once
 */
export async function openTenantDrafts(
  tx: Transaction,
  period: Period,
  runs: readonly TenantRun[],
): Promise<{ readonly drafts: readonly OpenDraft[]; readonly settled: readonly TenantResult[] }> {
  const byTenant = new Map(runs.map((run) => [run.tenantId, run]));
  const months = await lockTenantMonths(tx, period, [...byTenant.keys()]);
  const decisions = months.flatMap((tenant) => {
    const run = byTenant.get(tenant.tenantId);
    return run ? { tenant, run, decision: decide(tenant, run) } : [];
  });
  const settled = decisions.flatMap(({ decision }) =>
    decision.action === 'settle' ? [decision.result] : [],
  );
  await recordSettled(tx, period, decisions);
  const resumed = decisions.flatMap(({ decision }) =>
    decision.action === 'resume' ? [decision.draft] : [],
  );
  const opened = await open(
    tx,
    period,
    decisions.flatMap(({ tenant, run, decision }) =>
      decision.action === 'open' ? { ...tenant, run } : [],
    ),
  );
  return { drafts: [...resumed, ...opened], settled };
}

type Decision =
  | { readonly action: 'open' }
  | { readonly action: 'resume'; readonly draft: OpenDraft }
  | { readonly action: 'settle'; readonly result: TenantResult; readonly refusal?: string };

/** What a tenant's month asks for; the rules of docs/spec.md#month-end. */
function decide(tenant: TenantMonth, { owner, ownerStartedAt }: TenantRun): Decision {
  const { tenantId, liveInvoiceId, liveTotalCents } = tenant;
  if (tenant.openDraftId !== null && tenant.openDraftOwner === owner) {
    const { currency, dueSubscriptions, openDraftId, openDraftReplaces } = tenant;
    const draft = { tenantId, currency, dueSubscriptions, draftId: openDraftId };
    return {
      action: 'resume',
      // What its requests have come to since it was opened, they say themselves.
      draft: { ...draft, replacesInvoiceId: openDraftReplaces, terms: null },
    };
  }
  if (
    tenant.openDraftOwnerStartedAt !== null &&
    isLater(tenant.openDraftOwnerStartedAt, ownerStartedAt)
  ) {
    // We are an attempt of a run that is over, waking up late.
    const reason = `a later run is building the invoice of tenant ${tenantId}, and its outcome counts`;
    return { action: 'settle', result: parked(tenantId, { type: FAILURE.draftLost, reason }) };
  }
  if (liveInvoiceId !== null && liveTotalCents !== null) {
    const invoice = { tenantId, invoiceId: liveInvoiceId, totalCents: liveTotalCents };
    if (tenant.liveOwner === owner) {
      return { action: 'settle', result: { ...invoice, outcome: 'rolled' } };
    }
    if (tenant.unchangedOwner === owner && !tenant.isForced) {
      return { action: 'settle', result: { ...invoice, outcome: 'unchanged' } };
    }
    if (!tenant.isForced) return { action: 'settle', result: { ...invoice, outcome: 'skipped' } };
    if (tenant.liveStatus !== 'issued') {
      return {
        action: 'settle',
        result: { ...invoice, outcome: 'skipped' },
        refusal: `invoice ${tenant.liveNumber} is ${tenant.liveStatus}: it is never rebuilt`,
      };
    }
    // Also where the tenant is no longer due: what is issued and not final can be put right.
    return { action: 'open' };
  }
  if (tenant.dueSubscriptions === 0) {
    const reason = notDue(tenantId);
    return {
      action: 'settle',
      result: parked(tenantId, { type: FAILURE.notDue, reason }),
      refusal: reason,
    };
  }
  return { action: 'open' };
}

/** A draft that has just been opened. */
function toOpenDraft(tenant: TenantMonth, draftId: string): OpenDraft {
  const { tenantId, currency, dueSubscriptions, isForced, lastNumber, lastTotalCents } = tenant;
  const replacesInvoiceId = tenant.liveInvoiceId;
  const isPlain = !isForced && replacesInvoiceId === null;
  const terms = isPlain ? termsOfFirst(lastNumber, lastTotalCents) : null;
  return { tenantId, draftId, currency, replacesInvoiceId, dueSubscriptions, terms };
}

function notDue(tenantId: string): string {
  return `tenant ${tenantId} is not due: it has no subscription that is active at the end of the month`;
}

/** By the instant, whatever the number of digits. */
function isLater(a: string, b: string): boolean {
  return Date.parse(a) > Date.parse(b);
}

async function recordSettled(
  tx: Transaction,
  period: Period,
  decisions: readonly { readonly tenant: TenantMonth; readonly decision: Decision }[],
): Promise<void> {
  const invoiced = [];
  for (const { tenant, decision } of decisions) {
    if (decision.action !== 'settle') continue;
    if (decision.result.outcome !== 'parked') invoiced.push(decision.result);
    if (decision.refusal !== undefined) {
      await refuseForcedRequests(tx, period, tenant.tenantId, decision.refusal);
      // An earlier run's draft served them. Where an invoice stands, it is given up when it comes to issue.
      if (tenant.openDraftId !== null && tenant.liveInvoiceId === null) {
        await abandonDrafts(tx, [tenant.openDraftId], decision.refusal);
      }
    }
  }
  await recordInvoiced(tx, period, invoiced, { keepSameInvoice: true });
}

async function open(
  tx: Transaction,
  period: Period,
  tenants: readonly (TenantMonth & { readonly run: TenantRun })[],
): Promise<readonly OpenDraft[]> {
  if (tenants.length === 0) return [];
  const tenantIds = tenants.map(({ tenantId }) => tenantId);
  for (const { openDraftId, run } of tenants) {
    if (openDraftId === null) continue;
    await abandonDrafts(tx, [openDraftId], `taken over by run ${run.owner}`);
  }
  if (tenants.some(({ hasUnissuedDrafts }) => hasUnissuedDrafts)) {
    await abandonDrafts(
      tx,
      await findForgottenDrafts(tx, period, tenantIds),
      'the run that built it has ended without a word',
    );
  }
  const drafts = await openSealedDrafts(
    tx,
    period,
    tenants.map(({ tenantId, run, liveInvoiceId, hasUnissuedDrafts }) => ({
      tenantId,
      owner: run.owner,
      ownerStartedAt: run.ownerStartedAt,
      replacesInvoiceId: liveInvoiceId,
      hasUnissuedDrafts,
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
  return opened.map(({ tenant, draftId }) => toOpenDraft(tenant, draftId));
}
