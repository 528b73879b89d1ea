import type { Bounds } from '../domain/bounds.ts';
import type { InvoiceTenantsInput, InvoiceTenantsResult } from '../contracts/activities.ts';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import type { Database } from '../db/pool.ts';
import { recordInvoiced } from '../db/tenant-outcomes.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { createGroupCommit, type GroupCommit } from '../group-commit.ts';
import { composeDrafts } from './compose-drafts.ts';
import type { ActivityDeps } from './deps.ts';
import { reasonOf } from './failures.ts';
import { issueDrafts } from './issue-drafts.ts';
import { issueOpenedDrafts } from './issue-opened-drafts.ts';
import {
  openTenantDrafts,
  requireMonthOver,
  type OpenDraft,
  type TenantRun,
} from './open-drafts.ts';
import { refuseStale } from './refuse-stale.ts';
import { parked } from './results.ts';

/**
 * Subscriptions of a tenant up to which its invoice is built in the transaction that seals its usage.
 * Late usage waits for that one: of more, what is sealed is committed first.
 */
const MAX_OF_TENANT = 500;
/** Subscriptions of a tenant up to which its invoice is built in memory. */
const MAX_IN_MEMORY = 5_000;
/** The same of all tenants of one transaction: a bound on its time and memory. */
const MAX_OF_TRANSACTION = 5_000;

/** Transactions at once: one computes while the other waits for PostgreSQL. */
const CONCURRENT_GROUPS = 2;
/** Tenants of one transaction; a child's own are never split. */
const MAX_OF_GROUP = 50;

/** A draft whose invoice the first transaction didn't build. */
interface Unfinished extends DraftRef {
  readonly dueSubscriptions: number;
}

/** What became of a tenant: a result, a draft to go on with, or null: there is no such tenant. */
type Built = { readonly result: TenantResult } | { readonly unfinished: Unfinished } | null;

/** Who builds a month's invoices: together those of usual tenants, one by one the large ones. */
interface Builders {
  readonly together: GroupCommit<TenantRun, Built>;
  readonly alone: GroupCommit<LargeDraft, TenantResult>;
}

interface LargeDraft {
  readonly draft: DraftRef;
  /** The child's run id. */
  readonly owner: string;
}

/**
 * Builds the invoices of tenants: opens their drafts and seals, quotes, pulls the LLM usage, issues.
 * For a large tenant that is two transactions, sealed first, issued in the second. One that is too
 * large to be held in memory is `unfinished` after the first, and the steps go on from there.
 *
 * What is asked for together, also by several children, is built together: a transaction costs
 * about as much for twenty tenants as for two. Trying again after a commit finds what was done and
 * reports the same. An error that isn't the database's own has each tenant tried alone: what is
 * wrong with one costs the others nothing.
 */
export function invoiceTenants({ db, now, bounds }: ActivityDeps) {
  const options = { planVersions: new Map<string, PlanVersion>(), bounds };
  const months = new Map<string, Builders>();
  const buildersOf = (period: Period) => {
    const builders = months.get(period.month) ?? createBuilders(db, period, options);
    months.set(period.month, builders);
    return builders;
  };

  return async (input: InvoiceTenantsInput): Promise<InvoiceTenantsResult> => {
    const { tenantIds, owner, ownerStartedAt } = input;
    const { together, alone } = buildersOf(requireMonthOver(input.month, now()));
    const runs = [...new Set(tenantIds)].map((tenantId) => ({ tenantId, owner, ownerStartedAt }));
    const isOnlyOne = runs.length === 1;
    const built = await together.submit(runs).catch(async (error: unknown) => {
      if (isOnlyOne || isDatabaseUnavailable(error)) throw error;
      const tried: Built[] = [];
      for (const run of runs) {
        const [result] = await orFailed(run, isOnlyOne, together.submit([run]));
        tried.push(result && 'outcome' in result ? { result } : (result ?? null));
      }
      return tried;
    });
    const results = built.flatMap((tenant) => (tenant && 'result' in tenant ? tenant.result : []));
    const unfinished: DraftRef[] = [];
    for (const tenant of built) {
      if (!tenant || 'result' in tenant) continue;
      const { dueSubscriptions, ...draft } = tenant.unfinished;
      if (dueSubscriptions > MAX_IN_MEMORY) unfinished.push(draft);
      else results.push(...(await orFailed(draft, isOnlyOne, alone.submit([{ draft, owner }]))));
    }
    return { results, unfinished };
  };
}

/** What is wrong with one of several tenants parks it; alone, its child fails and tells more. */
async function orFailed<T>(
  { tenantId }: { readonly tenantId: string },
  isOnlyOne: boolean,
  work: Promise<readonly T[]>,
): Promise<readonly (T | TenantResult)[]> {
  try {
    return await work;
  } catch (error) {
    if (isOnlyOne || isDatabaseUnavailable(error)) throw error;
    return [parked(tenantId, { type: FAILURE.failed, reason: reasonOf(error) })];
  }
}

function createBuilders(db: Database, period: Period, options: BuildOptions): Builders {
  const shared = {
    maxConcurrent: CONCURRENT_GROUPS,
    maxQueuedItems: Infinity,
    isWorthTryingAlone: (error: unknown) => !isDatabaseUnavailable(error),
  };
  return {
    together: createGroupCommit({
      ...shared,
      maxGroupItems: MAX_OF_GROUP,
      commit: (runs: readonly TenantRun[]) => buildGroup(db, period, runs, options),
    }),
    alone: createGroupCommit({
      ...shared,
      maxGroupItems: 1,
      commit: (items: readonly LargeDraft[]) => buildLarge(db, period, items, options),
    }),
  };
}

/** From what is sealed, in memory, in a transaction of its own. */
async function buildLarge(
  db: Database,
  period: Period,
  items: readonly LargeDraft[],
  { planVersions, bounds }: BuildOptions,
): Promise<readonly TenantResult[]> {
  const results: TenantResult[] = [];
  for (const { draft, owner } of items) {
    results.push(
      ...(await issueOpenedDrafts(db, period, {
        drafts: [draft],
        owner,
        bounds,
        build: (tx, drafts) => composeDrafts(tx, period, drafts, planVersions),
      })),
    );
  }
  return results;
}

interface BuildOptions {
  readonly planVersions: Map<string, PlanVersion>;
  readonly bounds: Bounds;
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
  { planVersions, bounds }: BuildOptions,
): Promise<ReadonlyMap<string, Built>> {
  return db.transaction(async (tx) => {
    const { drafts, settled } = await openTenantDrafts(tx, period, runs);
    const { inOneGo, unfinished } = splitBySize(drafts);
    const { fresh, refused } = await refuseStale(tx, period, inOneGo);
    await recordInvoiced(tx, period, refused);
    const built = await composeDrafts(tx, period, fresh, planVersions);
    const knownTerms = new Map(
      fresh.flatMap(({ draftId, terms }) => (terms ? [[draftId, terms]] : [])),
    );
    const issued = await issueDrafts(tx, period, built.values, { bounds, knownTerms });
    const results = [...settled, ...refused, ...issued, ...built.parked];
    return new Map<string, Built>([
      ...results.map((result): [string, Built] => [result.tenantId, { result }]),
      ...unfinished.map(({ tenantId, draftId, dueSubscriptions }): [string, Built] => [
        tenantId,
        { unfinished: { tenantId, draftId, dueSubscriptions } },
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
