import type { InvoiceTenantsInput, InvoiceTenantsResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { TenantResult } from '../contracts/month-end.ts';
import { heldByDrafts, readHeldUsage } from '../db/held-usage.ts';
import type { BuiltDraft } from '../db/invoices.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { learnPlanVersions, subscriptionsOf } from '../db/quote-inputs.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { composeInvoice } from '../domain/compose-invoice.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import type { ActivityDeps } from './deps.ts';
import { reasonOf } from './failures.ts';
import { issueDrafts } from './issue-drafts.ts';
import { openTenantDrafts, requireMonthOver, type OpenDraft } from './open-drafts.ts';
import { refuseStale } from './refuse-stale.ts';
import { orParked, parked, splitParked } from './results.ts';

/** Subscriptions of a tenant up to which its invoice is built in one go. */
const MAX_OF_TENANT = 500;
/** The same of all tenants of one call: a bound on its time and memory. */
const MAX_OF_CALL = 5_000;

/**
 * Builds the invoices of tenants in one transaction: opens their drafts and seals, quotes, pulls the
 * LLM usage, issues. A tenant with very many subscriptions only gets its draft, and its usage sealed:
 * it is `unfinished`, and the steps go on from there.
 *
 * Trying again after a commit finds what was done and reports the same. An error that isn't the
 * database's own has each tenant tried alone: what is wrong with one costs the others nothing.
 */
export function invoiceTenants({ db, now, boundsMaxRatio }: ActivityDeps) {
  const planVersions = new Map<string, PlanVersion>();

  return async (input: InvoiceTenantsInput): Promise<InvoiceTenantsResult> => {
    const period = requireMonthOver(input.month, now());
    const build = (tenantIds: readonly string[]) =>
      buildTogether(db, period, { ...input, tenantIds }, planVersions, boundsMaxRatio);
    try {
      return await build(input.tenantIds);
    } catch (error) {
      if (input.tenantIds.length === 1 || isDatabaseUnavailable(error)) throw error;
      return buildEachAlone(input.tenantIds, build);
    }
  };
}

async function buildEachAlone(
  tenantIds: readonly string[],
  build: (tenantIds: readonly string[]) => Promise<InvoiceTenantsResult>,
): Promise<InvoiceTenantsResult> {
  const built: InvoiceTenantsResult[] = [];
  for (const tenantId of tenantIds) {
    try {
      built.push(await build([tenantId]));
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const failure = { type: FAILURE.failed, reason: reasonOf(error) };
      built.push({ results: [parked(tenantId, failure)], unfinished: [] });
    }
  }
  return {
    results: built.flatMap(({ results }) => results),
    unfinished: built.flatMap(({ unfinished }) => unfinished),
  };
}

function buildTogether(
  db: Database,
  period: Period,
  input: InvoiceTenantsInput,
  planVersions: Map<string, PlanVersion>,
  boundsMaxRatio: string | null,
): Promise<InvoiceTenantsResult> {
  return db.transaction(async (tx) => {
    const { drafts, settled } = await openTenantDrafts(tx, period, input);
    const { inOneGo, unfinished } = splitBySize(drafts);
    const { fresh, refused } = await refuseStale(tx, period, inOneGo);
    await recordInvoiced(tx, period, refused);
    const built = await compose(tx, period, fresh, planVersions);
    const knownTerms = new Map(
      fresh.flatMap(({ draftId, terms }) => (terms ? [[draftId, terms]] : [])),
    );
    const issued = await issueDrafts(tx, period, built.values, { boundsMaxRatio, knownTerms });
    return {
      results: [...settled, ...refused, ...issued, ...built.parked],
      unfinished: unfinished.map(({ tenantId, draftId }) => ({ tenantId, draftId })),
    };
  });
}

function splitBySize(drafts: readonly OpenDraft[]) {
  let sum = 0;
  const fits = ({ dueSubscriptions: count }: OpenDraft): boolean => {
    if (count > MAX_OF_TENANT || sum + count > MAX_OF_CALL) return false;
    sum += count;
    return true;
  };
  const inOneGo = drafts.filter(fits);
  return { inOneGo, unfinished: drafts.filter((draft) => !inOneGo.includes(draft)) };
}

/** The whole invoice of each draft, from what is sealed for it, or why its tenant is parked. */
async function compose(
  tx: Transaction,
  period: Period,
  drafts: readonly OpenDraft[],
  planVersions: Map<string, PlanVersion>,
): Promise<{ readonly values: readonly BuiltDraft[]; readonly parked: readonly TenantResult[] }> {
  if (drafts.length === 0) return { values: [], parked: [] };
  const subscriptions = await subscriptionsOf(
    tx,
    period,
    drafts.map(({ tenantId }) => tenantId),
  );
  await learnPlanVersions(
    tx,
    planVersions,
    subscriptions.flatMap(({ planVersionId }) => planVersionId ?? []),
  );
  const held = await readHeldUsage(tx, period, heldByDrafts(drafts));
  const llmUsage = Map.groupBy(held.llm, ({ owner }) => owner);
  const byTenant = Map.groupBy(subscriptions, ({ tenantId }) => tenantId);
  return splitParked(
    drafts.map(({ dueSubscriptions: _count, terms: _terms, ...draft }) =>
      orParked(draft.tenantId, () => ({
        ...draft,
        ...composeInvoice({
          month: period.month,
          currency: draft.currency,
          subscriptions: byTenant.get(draft.tenantId) ?? [],
          planVersions,
          meteredUsage: held.metered,
          llmUsage: llmUsage.get(draft.draftId) ?? [],
        }),
      })),
    ),
  );
}
