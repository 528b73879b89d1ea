import type { OpenDraftsInput, OpenDraftsResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import {
  abandonDrafts,
  claimForcedRequests,
  insertDrafts,
  lockTenantMonths,
  refuseForcedRequests,
  sealUsage,
  type TenantMonth,
} from '../db/drafts.ts';
import type { Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import type { Period } from '../domain/period.ts';
import type { ActivityDeps } from './deps.ts';
import { parked, requirePeriod } from './failures.ts';

/**
 * Opens a draft for each tenant that needs an invoice, and seals its usage. The
 * others are settled at once: their invoice stands (`skipped`), or an earlier
 * attempt of this very run has issued it (`rolled`).
 *
 * Trying again finds this run's draft and changes nothing: what is sealed once
 * stays as it is, since lines may have been quoted from it.
 */
export function openDrafts({ db }: ActivityDeps) {
  return async ({ month, tenantIds, owner }: OpenDraftsInput): Promise<OpenDraftsResult> => {
    const period = requirePeriod(month);
    return db.transaction(async (tx) => {
      const months = await lockTenantMonths(tx, period, tenantIds);
      const decisions = months.map((tenant) => ({ tenant, decision: decide(tenant, owner) }));
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
        owner,
        decisions.flatMap(({ tenant, decision }) => (decision.action === 'open' ? [tenant] : [])),
      );
      return { drafts: [...resumed, ...opened], settled };
    });
  };
}

type Decision =
  | { readonly action: 'open' }
  | { readonly action: 'resume'; readonly draft: DraftRef }
  | { readonly action: 'settle'; readonly result: TenantResult; readonly refusal?: string };

/** What a tenant's month asks for; the rules of SPEC "Month end". */
function decide(tenant: TenantMonth, owner: string): Decision {
  const { tenantId, liveInvoiceId, liveTotalCents } = tenant;
  if (tenant.openDraftId !== null && tenant.openDraftOwner === owner) {
    return { action: 'resume', draft: { tenantId, draftId: tenant.openDraftId } };
  }
  if (liveInvoiceId !== null && liveTotalCents !== null) {
    const invoice = { tenantId, invoiceId: liveInvoiceId, totalCents: liveTotalCents };
    if (tenant.liveOwner === owner) {
      return { action: 'settle', result: { ...invoice, outcome: 'rolled' } };
    }
    if (!tenant.isForced) return { action: 'settle', result: { ...invoice, outcome: 'skipped' } };
    if (tenant.liveStatus !== 'issued') {
      return {
        action: 'settle',
        result: { ...invoice, outcome: 'skipped' },
        refusal: `invoice ${tenant.liveNumber} is ${tenant.liveStatus}: it is never rebuilt`,
      };
    }
  }
  if (!tenant.isDue) {
    const reason = `tenant ${tenantId} is not due: it has no subscription that is active at the end of the month`;
    return {
      action: 'settle',
      result: parked(tenantId, { type: FAILURE.notDue, reason }),
      refusal: reason,
    };
  }
  return { action: 'open' };
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
    }
  }
  await recordInvoiced(tx, period, invoiced);
}

async function open(
  tx: Transaction,
  period: Period,
  owner: string,
  tenants: readonly TenantMonth[],
): Promise<readonly DraftRef[]> {
  if (tenants.length === 0) return [];
  await abandonDrafts(
    tx,
    tenants.flatMap(({ openDraftId }) => openDraftId ?? []),
    `taken over by ${owner}`,
  );
  const drafts = await insertDrafts(
    tx,
    period,
    owner,
    tenants.map(({ tenantId, liveInvoiceId }) => ({ tenantId, replacesInvoiceId: liveInvoiceId })),
  );
  await claimForcedRequests(tx, period, drafts);
  const byTenant = new Map(tenants.map((tenant) => [tenant.tenantId, tenant]));
  await sealUsage(
    tx,
    period,
    drafts.map((draft) => {
      const tenant = byTenant.get(draft.tenantId);
      return {
        ...draft,
        isRevision: tenant?.liveInvoiceId != null,
        hasAbandonedDrafts: tenant?.hasAbandonedDrafts === true || tenant?.openDraftId != null,
      };
    }),
  );
  return drafts;
}
