import {
  ActivityFailure,
  condition,
  continueAsNew,
  defineQuery,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  PROGRESS_QUERY,
  type MonthEndInput,
  type MonthEndProgress,
  type OutcomeCounts,
  type Pass,
  type Refusal,
} from '../contracts/month-end.ts';
import { richText, toSummary } from '../contracts/markdown.ts';
import { BILLING_PERIOD } from '../contracts/search-attributes.ts';
import { monthSteps } from './activities.ts';
import { Inbox, type Incoming } from './inbox.ts';
import { requireText, resolveOptions } from './options.ts';
import { renderDetails } from './render-details.ts';
import { serveTenants } from './serve-tenants.ts';
import { TenantPool } from './tenant-pool.ts';

export const progressQuery = defineQuery<MonthEndProgress>(PROGRESS_QUERY);

const NONE: OutcomeCounts = { rolled: 0, skipped: 0, unchanged: 0, parked: 0 };
/** Forced tenants that are kept in mind to be served out of turn. */
const MAX_URGENT = 2000;
/** Refusals that are kept to be seen. */
const KEPT_REFUSALS = 20;

/**
 * The month end of one period. It serves requests by passes over all due tenants,
 * with a bounded pool of children, and then stays open for corrections.
 *
 * Requests, outcomes and invoices are in PostgreSQL. What is held here can be lost
 * at any time: the next request finds what is left to do.
 */
export async function monthEnd(input: MonthEndInput): Promise<OutcomeCounts | null> {
  const month = requireText(input, 'month', '2026-05');
  const options = resolveOptions(input.options);
  const { carried } = input;
  let pass: Pass | null = carried?.pass ?? null;
  let passWanted = carried?.passWanted ?? false;
  /** While the waiting requests are being taken into a pass. */
  let isBeginning = false;
  let openUntil: string | null = carried?.openUntil ?? null;
  let totals: OutcomeCounts | null = carried?.totals ?? null;
  let imbalances: readonly string[] = carried?.imbalances ?? [];
  let refusals: readonly Refusal[] = carried?.refusals ?? [];
  /** Whether this run has got anything done: it does so before it continues as new. */
  let hasProgressed = false;
  /** Forced tenants, to be served before their turn comes. */
  const urgent = new Set<string>();
  /** Those of them that this pass has started: their turn is over. */
  const servedOutOfTurn = new Set<string>();

  const pool = new TenantPool(options.maxChildren, serve, showDetails);
  const inbox = new Inbox(carried?.received);
  // Last: it delivers the signals that wait.
  inbox.listen((name) => refuse(name, 'there is no such signal: send "run" or "forceReRun"'));
  setHandler(progressQuery, progress, { description: 'How far the month end has come.' });
  if (!workflowInfo().typedSearchAttributes.get(BILLING_PERIOD)) {
    upsertSearchAttributes([{ key: BILLING_PERIOD, value: month }]);
  }
  // A predecessor may have left requests behind: terminated, or timed out.
  if (!carried) pass = await beginPass({ isFirst: true });
  if (!carried && !pass && inbox.isEmpty) inbox.addStart();
  showDetails();

  // Requests are accepted while others are served; the first of the two to end,
  // or to fail, ends the workflow.
  return Promise.race([serveRequests(), acceptRequests()]);

  async function serveRequests(): Promise<OutcomeCounts | null> {
    for (;;) {
      if (shouldContinueAsNew()) await carryOn();
      if (pass) {
        await advance(pass);
      } else if (passWanted) {
        passWanted = false;
        pass = await beginPass();
      } else {
        openUntil ??= daysFromNow(options.openForDays);
        showDetails();
        if (!(await waitForRequests(openUntil))) return totals;
      }
    }
  }

  /** The next step of a pass: a page, forced tenants, what was lost sight of, the end. */
  async function advance(current: Pass): Promise<void> {
    hasProgressed = true;
    openUntil = null;
    if (hasUrgent()) {
      await startNextUrgent();
    } else if (!current.isWalked) {
      await servePage(current);
    } else if (!pool.isEmpty) {
      await pool.waitUntil(() => pool.isEmpty || hasUrgent());
    } else {
      const { upToSeq } = current;
      const { tenantIds } = await monthSteps.listWaiting({ month, upToSeq });
      tenantIds.forEach((tenantId) => urgent.add(tenantId));
      if (urgent.size === 0) await finish(current);
    }
  }

  /** Starts children for the tenants of the next page that need one. */
  async function servePage({ after, startedAt }: Pass): Promise<void> {
    const { pageSize: limit } = options;
    const page = await monthSteps.planPage({ month, passStartedAt: startedAt, after, limit });
    count('skipped', page.skipped);
    let waiting = page.tenantIds;
    while (waiting.length > 0) {
      while (hasUrgent()) await startNextUrgent();
      await pool.waitUntil(() => !pool.isFull);
      // Only now: who was served out of turn meanwhile is left out.
      waiting = waiting.filter((id) => !servedOutOfTurn.has(id) && !pool.has(id));
      const together = waiting.slice(0, options.tenantsPerChild);
      waiting = waiting.slice(together.length);
      if (together.length > 0) start(together);
    }
    if (!pass) return;
    pass = { ...pass, after: page.last ?? after, isWalked: page.last === null };
  }

  async function finish({ upToSeq }: Pass): Promise<void> {
    const finished = await monthSteps.finishPass({ month, upToSeq });
    totals = finished.totals;
    imbalances = finished.imbalances;
    pass = null;
    servedOutOfTurn.clear();
    showDetails();
  }

  function hasUrgent(): boolean {
    return nextUrgent(1).length > 0;
  }

  /** Forced tenants that can start; one that is being served waits behind it. */
  function nextUrgent(limit: number): readonly string[] {
    const ready: string[] = [];
    for (const tenantId of urgent) {
      if (!pool.has(tenantId)) ready.push(tenantId);
      if (ready.length === limit) break;
    }
    return ready;
  }

  async function startNextUrgent(): Promise<void> {
    await pool.waitUntil(() => !pool.isFull);
    const tenantIds = nextUrgent(options.tenantsPerChild);
    if (tenantIds.length === 0) return;
    for (const tenantId of tenantIds) servedOutOfTurn.add(tenantId);
    start(tenantIds);
  }

  /** The child serves every request that waits for its tenants when it opens their drafts. */
  function start(tenantIds: readonly string[]): void {
    for (const tenantId of tenantIds) urgent.delete(tenantId);
    pool.start(tenantIds);
  }

  async function serve(tenantIds: readonly string[]): Promise<void> {
    const upToSeq = pass?.upToSeq ?? 0;
    const timeoutSeconds = options.tenantTimeoutSeconds;
    const input = { month, tenantIds, timeoutSeconds, upToSeq };
    for (const outcome of await serveTenants(input)) count(outcome);
  }

  function count(outcome: keyof OutcomeCounts, tenants = 1): void {
    if (!pass) return;
    const { counts } = pass;
    pass = { ...pass, counts: { ...counts, [outcome]: counts[outcome] + tenants } };
    showDetails();
  }

  async function beginPass({ isFirst = false } = {}): Promise<Pass | null> {
    isBeginning = true;
    const begun = await monthSteps.beginPass({ month, isFirst }).catch(rethrowCause);
    isBeginning = false;
    return begun && { ...begun, after: null, isWalked: false, counts: NONE };
  }

  /** Stores what comes in, one after the other, as long as the workflow lives. */
  async function acceptRequests(): Promise<never> {
    for (;;) {
      await condition(() => !inbox.isEmpty);
      if (inbox.first) await accept(inbox.first);
      hasProgressed = true;
      // Only now: whoever waits for an empty inbox waits for what it led to.
      inbox.removeFirst();
      showDetails();
    }
  }

  async function accept({ signal, payload, signalId }: Incoming): Promise<void> {
    const result = await monthSteps.acceptRequest({ month, signal, payload, signalId });
    if (!result.accepted) {
      refuse(signal, result.reason);
      return;
    }
    passWanted ||= result.waiting;
    // More than these are served when a pass comes to them.
    if (urgent.size < MAX_URGENT) result.urgentTenantIds.forEach((id) => urgent.add(id));
    for (const reason of result.refusals) refuse(signal, reason);
    showDetails();
  }

  function refuse(signal: string, reason: string): void {
    const at = new Date().toISOString();
    const refusal = { at, signal: signal.slice(0, 100), reason };
    refusals = [...refusals, refusal].slice(-KEPT_REFUSALS);
    showDetails();
  }

  /** @returns false when the month's time is over and nobody wants anything */
  async function waitForRequests(until: string): Promise<boolean> {
    const remainingMs = Math.max(Date.parse(until) - Date.now(), 1);
    await condition(() => passWanted || shouldContinueAsNew(), remainingMs, {
      summary: toSummary(richText`Open for corrections until ${until.slice(0, 10)}`),
    });
    await condition(() => inbox.isEmpty);
    return passWanted || shouldContinueAsNew();
  }

  function shouldContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    const isLong = continueAsNewSuggested || historyLength > options.continueAsNewAfterEvents;
    return isLong && hasProgressed;
  }

  /**
   * Drains pool and inbox, and goes on with a fresh history. Forced tenants that
   * wait are not carried: the end of the pass looks for them in PostgreSQL.
   */
  async function carryOn(): Promise<never> {
    await pool.drain();
    await condition(() => inbox.isEmpty);
    return continueAsNew<typeof monthEnd>({
      ...input,
      carried: {
        pass,
        passWanted,
        openUntil,
        totals,
        imbalances,
        refusals,
        received: inbox.received,
      },
    });
  }

  function progress(): MonthEndProgress {
    return {
      month,
      state: pass || passWanted || isBeginning || !inbox.isEmpty ? 'closing' : 'open',
      pass: pass && { ...pass, running: pool.running },
      totals,
      imbalances,
      openUntil,
      refusals,
    };
  }

  function showDetails(): void {
    setCurrentDetails(renderDetails(progress()));
  }
}

/** What was wrong with the input says more than that an activity has failed. */
function rethrowCause(error: unknown): never {
  throw error instanceof ActivityFailure && error.cause ? error.cause : error;
}

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}
