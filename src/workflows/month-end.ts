import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  executeChild,
  isCancellation,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { tenantInvoiceId } from '../contracts/ids.ts';
import {
  PROGRESS_QUERY,
  RUN_SIGNAL,
  type MonthEndInput,
  type MonthEndProgress,
  type OutcomeCounts,
  type Pass,
  type Refusal,
  type TenantResult,
} from '../contracts/month-end.ts';
import { BILLING_PERIOD, TENANT_ID } from '../contracts/search-attributes.ts';
import { database } from './activities.ts';
import { describeFailure } from './describe-failure.ts';
import { openInbox, type Incoming } from './inbox.ts';
import { withDefaults } from './options.ts';
import { renderDetails } from './render-details.ts';
import { tenantInvoice } from './tenant-invoice.ts';
import { TenantPool } from './tenant-pool.ts';

export const progressQuery = defineQuery<MonthEndProgress>(PROGRESS_QUERY);

const NONE: OutcomeCounts = { rolled: 0, skipped: 0, parked: 0 };
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
  const { month, carried } = input;
  const options = withDefaults(input.options);
  let pass: Pass | null = carried?.pass ?? null;
  let passWanted = carried?.passWanted ?? false;
  let openUntil: string | null = carried?.openUntil ?? null;
  let totals: OutcomeCounts | null = carried?.totals ?? null;
  let refusals: readonly Refusal[] = carried?.refusals ?? [];
  /** Forced tenants, to be served before their turn comes. */
  const urgent = new Set<string>();
  /** Those of them that this pass has started: their turn is over. */
  const servedOutOfTurn = new Set<string>();

  const refuse = (signal: string, reason: string) => {
    const at = new Date().toISOString();
    refusals = [...refusals, { at, signal, reason }].slice(-KEPT_REFUSALS);
    showDetails();
  };
  const inbox = openInbox((name) =>
    refuse(name, 'there is no such signal: send "run" or "forceReRun"'),
  );
  const pool = new TenantPool(options.maxChildren, serve);
  const progress = (): MonthEndProgress => ({
    month,
    state: pass || passWanted || inbox.length > 0 ? 'closing' : 'open',
    pass: pass && { ...pass, running: pool.running },
    totals,
    openUntil,
    refusals,
  });
  const showDetails = () => setCurrentDetails(renderDetails(progress()));
  setHandler(progressQuery, progress, { description: 'How far the month end has come.' });

  // A predecessor may have left requests behind: terminated, or timed out.
  if (!carried) pass = await beginPass();
  if (!carried && !pass && inbox.length === 0) inbox.push(startedByHand());
  showDetails();

  // Requests are accepted while others are served; the first of the two to end,
  // or to fail, ends the workflow.
  return Promise.race([serveRequests(), acceptRequests()]);

  async function serveRequests(): Promise<OutcomeCounts | null> {
    for (;;) {
      if (pass) {
        await runPass(pass);
      } else if (passWanted) {
        passWanted = false;
        pass = await beginPass();
      } else {
        openUntil ??= daysFromNow(options.openForDays);
        showDetails();
        const woken = await waitForRequests(openUntil);
        if (!woken) return totals;
      }
      if (shouldContinueAsNew()) await carryOn();
    }
  }

  /** Looks at page after page of due tenants, starting children, until all are served. */
  async function runPass(current: Pass): Promise<void> {
    openUntil = null;
    let walking = true;
    while (walking || urgent.size > 0 || pool.running.length > 0) {
      if (walking) {
        walking = await servePage();
        // Only between pages: what is carried is a cursor, not a half-served page.
        if (walking && shouldContinueAsNew()) return;
      } else {
        await pool.waitUntil(() => pool.running.length === 0 || nextUrgent() !== undefined);
        await serveUrgent();
      }
    }
    ({ totals } = await database.finishPass({ month, upToSeq: current.upToSeq }));
    pass = null;
    servedOutOfTurn.clear();
    showDetails();
  }

  /** @returns whether there may be another page */
  async function servePage(): Promise<boolean> {
    if (!pass) return false;
    const { after, startedAt } = pass;
    const page = await database.planPage({
      month,
      passStartedAt: startedAt,
      after,
      limit: options.pageSize,
    });
    count({ skipped: page.skipped });
    for (const tenantId of page.tenantIds) {
      await serveUrgent();
      await pool.waitUntil(() => !pool.isFull);
      if (!servedOutOfTurn.has(tenantId)) start(tenantId);
    }
    if (page.last === null) return false;
    pass = { ...pass, after: page.last };
    return true;
  }

  /** Starts every forced tenant that can start; one that is being served waits behind it. */
  async function serveUrgent(): Promise<void> {
    for (let tenantId = nextUrgent(); tenantId !== undefined; tenantId = nextUrgent()) {
      servedOutOfTurn.add(tenantId);
      await pool.waitUntil(() => !pool.isFull);
      start(tenantId);
    }
  }

  function nextUrgent(): string | undefined {
    return [...urgent].find((tenantId) => !pool.has(tenantId));
  }

  /** The child serves every request that waits for the tenant when it opens its draft. */
  function start(tenantId: string): void {
    urgent.delete(tenantId);
    pool.start(tenantId);
  }

  /** Serves one tenant by a child workflow; whatever happens to it stays its own. */
  async function serve(tenantId: string): Promise<void> {
    try {
      const result = await runChild(tenantId);
      count({ [result.outcome]: 1 });
    } catch (error) {
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      await database.recordParked({
        month,
        tenants: [{ tenantId, failure: describeFailure(error) }],
      });
      count({ parked: 1 });
    }
  }

  async function runChild(tenantId: string): Promise<TenantResult> {
    // A workflow of that id may still be on its way out, after its parent was
    // terminated: it gets a minute.
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await executeChild(tenantInvoice, {
          workflowId: tenantInvoiceId(month, tenantId),
          args: [{ month, tenantId }],
          workflowRunTimeout: `${options.tenantTimeoutSeconds} s`,
          typedSearchAttributes: [
            { key: BILLING_PERIOD, value: month },
            { key: TENANT_ID, value: tenantId },
          ],
          staticSummary: `Invoice of ${tenantId} for ${month}`,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError) || attempt === 12) throw error;
        await sleep('5 s');
      }
    }
  }

  function count(more: Partial<OutcomeCounts>): void {
    if (!pass) return;
    const { rolled, skipped, parked } = pass.counts;
    pass = {
      ...pass,
      counts: {
        rolled: rolled + (more.rolled ?? 0),
        skipped: skipped + (more.skipped ?? 0),
        parked: parked + (more.parked ?? 0),
      },
    };
    showDetails();
  }

  async function beginPass(): Promise<Pass | null> {
    const begun = await database.beginPass({ month });
    return begun && { ...begun, after: null, counts: NONE };
  }

  /** Stores what comes in, one after the other, as long as the workflow lives. */
  async function acceptRequests(): Promise<never> {
    for (;;) {
      await condition(() => inbox.length > 0);
      const [incoming] = inbox;
      if (incoming) await accept(incoming);
      // Only now: whoever waits for an empty inbox waits for what it led to.
      inbox.shift();
    }
  }

  async function accept({ signal, payload, fallbackRequestId }: Incoming): Promise<void> {
    const result = await database.acceptRequest({ month, signal, payload, fallbackRequestId });
    if (!result.accepted) {
      refuse(signal, result.reason);
      return;
    }
    passWanted ||= result.waiting;
    result.urgentTenantIds.forEach((tenantId) => urgent.add(tenantId));
    for (const reason of result.refusals) refuse(signal, reason);
    showDetails();
  }

  /** @returns false when the month's time is over and nobody wants anything */
  async function waitForRequests(until: string): Promise<boolean> {
    const remainingMs = Math.max(Date.parse(until) - Date.now(), 1);
    await condition(() => passWanted || shouldContinueAsNew(), remainingMs);
    await condition(() => inbox.length === 0);
    return passWanted || shouldContinueAsNew();
  }

  function shouldContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength > options.continueAsNewAfterEvents;
  }

  /** Drains pool and inbox, and goes on with a fresh history. */
  async function carryOn(): Promise<never> {
    await pool.drain();
    await condition(() => inbox.length === 0);
    return continueAsNew<typeof monthEnd>({
      ...input,
      carried: { pass, passWanted, openUntil, totals, refusals },
    });
  }
}

/** Whoever starts the workflow by hand, without a signal, wants the month closed. */
function startedByHand(): Incoming {
  const { runId } = workflowInfo();
  return {
    signal: RUN_SIGNAL,
    payload: { actor: 'started by hand' },
    fallbackRequestId: `start:${runId}`,
  };
}

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}
