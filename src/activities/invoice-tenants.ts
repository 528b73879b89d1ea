import type { InvoiceTenantsInput, InvoiceTenantsResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import { heldByDrafts } from '../db/held-usage.ts';
import { readInvoiceInputs } from '../db/invoice-inputs.ts';
import type { BuiltDraft } from '../db/invoices.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { composeInvoice } from '../domain/compose-invoice.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { createGroupCommit, type GroupCommit } from '../group-commit.ts';
import type { ActivityDeps } from './deps.ts';
import { reasonOf } from './failures.ts';
import { issueDrafts } from './issue-drafts.ts';
import {
  openTenantDrafts,
  requireMonthOver,
  type OpenDraft,
  type TenantRun,
} from './open-drafts.ts';
import { refuseStale } from './refuse-stale.ts';
import { orParked, parked, splitParked } from './results.ts';

/** Subscriptions of a tenant up to which its invoice is built in one go. */
const MAX_OF_TENANT = 500;
/** The same of all tenants of one transaction: a bound on its time and memory. */
const MAX_OF_TRANSACTION = 5_000;

/** Transactions at once: one computes while the other waits for PostgreSQL. */
const CONCURRENT_GROUPS = 2;
/** Tenants of one transaction; a child's own are never split. */
const MAX_OF_GROUP = 50;

/** What became of a tenant: a result, a draft for the other steps, or null: there is no such tenant. */
type Built = { readonly result: TenantResult } | { readonly unfinished: DraftRef } | null;

/**
 * Builds the invoices of tenants: opens their drafts and seals, quotes, pulls the LLM usage, issues.
 * A tenant with very many subscriptions only gets its draft, and its usage sealed: it is
 * `unfinished`, and the steps go on from there.
 *
 * What is asked for together, also by several children, is built together: a transaction costs
 * about as much for twenty tenants as for two. Trying again after a commit finds what was done and
 * reports the same. An error that isn't the database's own has each tenant tried alone: what is
 * wrong with one costs the others nothing.
 */
export function invoiceTenants({ db, now, boundsMaxRatio }: ActivityDeps) {
  const planVersions = new Map<string, PlanVersion>();
  const isWorthTryingAlone = (error: unknown) => !isDatabaseUnavailable(error);
  const months = new Map<string, GroupCommit<TenantRun, Built>>();
  const groupsOf = (period: Period) => {
    const groups =
      months.get(period.month) ??
      createGroupCommit<TenantRun, Built>({
        commit: (runs) => buildGroup(db, period, runs, { planVersions, boundsMaxRatio }),
        maxConcurrent: CONCURRENT_GROUPS,
        maxGroupItems: MAX_OF_GROUP,
        maxQueuedItems: Infinity,
        isWorthTryingAlone,
      });
    months.set(period.month, groups);
    return groups;
  };

  return async (input: InvoiceTenantsInput): Promise<InvoiceTenantsResult> => {
    const { tenantIds, owner, ownerStartedAt } = input;
    const groups = groupsOf(requireMonthOver(input.month, now()));
    const runs = [...new Set(tenantIds)].map((tenantId) => ({ tenantId, owner, ownerStartedAt }));
    try {
      return toResult(await groups.submit(runs));
    } catch (error) {
      if (runs.length === 1 || !isWorthTryingAlone(error)) throw error;
    }
    const built: Built[] = [];
    for (const run of runs) {
      try {
        built.push(...(await groups.submit([run])));
      } catch (error) {
        if (!isWorthTryingAlone(error)) throw error;
        const failure = { type: FAILURE.failed, reason: reasonOf(error) };
        built.push({ result: parked(run.tenantId, failure) });
      }
    }
    return toResult(built);
  };
}

function toResult(built: readonly Built[]): InvoiceTenantsResult {
  return {
    results: built.flatMap((tenant) => (tenant && 'result' in tenant ? [tenant.result] : [])),
    unfinished: built.flatMap((tenant) =>
      tenant && 'unfinished' in tenant ? [tenant.unfinished] : [],
    ),
  };
}

interface BuildOptions {
  readonly planVersions: Map<string, PlanVersion>;
  readonly boundsMaxRatio: string | null;
}

/** Runs for the same tenant meet here where two of them are about: one after the other. */
async function buildGroup(
  db: Database,
  period: Period,
  runs: readonly TenantRun[],
  options: BuildOptions,
): Promise<readonly Built[]> {
  const built = new Map<TenantRun, Built>();
  let rest = runs;
  while (rest.length > 0) {
    const firsts = new Map(rest.toReversed().map((run) => [run.tenantId, run]));
    const turn = rest.filter((run) => firsts.get(run.tenantId) === run);
    const results = await buildTogether(db, period, turn, options);
    for (const run of turn) built.set(run, results.get(run.tenantId) ?? null);
    rest = rest.filter((run) => !built.has(run));
  }
  return runs.map((run) => built.get(run) ?? null);
}

/** One transaction; @returns what became of each tenant that exists */
function buildTogether(
  db: Database,
  period: Period,
  runs: readonly TenantRun[],
  { planVersions, boundsMaxRatio }: BuildOptions,
): Promise<ReadonlyMap<string, Built>> {
  return db.transaction(async (tx) => {
    const { drafts, settled } = await openTenantDrafts(tx, period, runs);
    const { inOneGo, unfinished } = splitBySize(drafts);
    const { fresh, refused } = await refuseStale(tx, period, inOneGo);
    await recordInvoiced(tx, period, refused);
    const built = await compose(tx, period, fresh, planVersions);
    const knownTerms = new Map(
      fresh.flatMap(({ draftId, terms }) => (terms ? [[draftId, terms]] : [])),
    );
    const issued = await issueDrafts(tx, period, built.values, { boundsMaxRatio, knownTerms });
    const results = [...settled, ...refused, ...issued, ...built.parked];
    return new Map<string, Built>([
      ...results.map((result): [string, Built] => [result.tenantId, { result }]),
      ...unfinished.map(({ tenantId, draftId }): [string, Built] => [
        tenantId,
        { unfinished: { tenantId, draftId } },
      ]),
    ]);
  });
}

function splitBySize(drafts: readonly OpenDraft[]) {
  let sum = 0;
  const fits = ({ dueSubscriptions: count }: OpenDraft): boolean => {
    if (count > MAX_OF_TENANT || sum + count > MAX_OF_TRANSACTION) return false;
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
  const tenants = await readInvoiceInputs(
    tx,
    period,
    drafts.map((draft) => ({ ...draft, owner: draft.draftId })),
    heldByDrafts(drafts),
    planVersions,
  );
  return splitParked(
    tenants.map(({ tenant: { draftId, tenantId, currency, replacesInvoiceId }, inputs }) =>
      orParked(tenantId, () => ({
        draftId,
        tenantId,
        currency,
        replacesInvoiceId,
        ...composeInvoice(inputs),
      })),
    ),
  );
}
