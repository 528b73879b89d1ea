import type { AcceptRequestResult, DraftToQuote } from '../../src/contracts/activity-types.ts';
import type { TenantResult } from '../../src/contracts/month-end-types.ts';
import { MONTH } from './seed.ts';
import { showInvoiceHeader } from '../../src/db/invoices/invoice-views.ts';
import { pay } from './payments.ts';
import type { World } from './world.ts';

/**
 * Calls the month end's steps in order without a workflow, for tests that need only the database or that stop between
 * steps.
 */

let lastRun = 0;

/** A run of a child workflow; later ones have started later. */
export function nextRun(): { readonly owner: string; readonly ownerStartedAt: string } {
  lastRun += 1;
  const startedAt = Date.UTC(2026, 5, 1) + lastRun * 1000;
  return { owner: `run-${lastRun}`, ownerStartedAt: new Date(startedAt).toISOString() };
}

/** Where a run that is cut off stops: after this step. */
export type Step = 'openDrafts' | 'quoteSubscriptions' | 'pullLlmUsage' | 'persistInvoices';

/**
 * Builds the invoices of tenants, as a child of each would, and records who is parked.
 * @param stopAfter the run is cut off there, and never heard of again
 */
export async function buildInvoices(
  { activities }: Pick<World, 'activities'>,
  tenantIds: readonly string[],
  {
    month = MONTH,
    stopAfter,
    run = nextRun(),
  }: { month?: string; stopAfter?: Step; run?: ReturnType<typeof nextRun> } = {},
): Promise<readonly TenantResult[]> {
  const { drafts, settled } = await activities.openDrafts({ month, tenantIds, ...run });
  if (stopAfter === 'openDrafts') return settled;
  const { owner } = run;
  const parked = new Map<string, TenantResult>();
  for (let rest: readonly DraftToQuote[] = drafts; rest.length > 0;) {
    const quoted = await activities.quoteSubscriptions({ month, drafts: rest, owner });
    for (const result of quoted.parked) parked.set(result.tenantId, result);
    rest = quoted.unfinished;
  }
  if (stopAfter === 'quoteSubscriptions') return settled;
  const open = drafts.filter(({ tenantId }) => !parked.has(tenantId));
  await activities.pullLlmUsage({ month, drafts: open, owner });
  if (stopAfter === 'pullLlmUsage') return settled;
  const persisted = await activities.persistInvoices({ month, drafts: open, owner });
  const results = [...settled, ...parked.values(), ...persisted.results];
  if (stopAfter === 'persistInvoices') return results;
  for (const result of results) {
    if (result.outcome !== 'parked') continue;
    const { tenantId, failure } = result;
    await activities.recordParked({ month, tenantId, failure, owner, upToSeq: 1_000_000_000 });
  }
  return results;
}

/** The `forceReRun` signal, stored as the workflow stores it. */
export function acceptForce(
  { activities }: Pick<World, 'activities'>,
  payload: Readonly<Record<string, unknown>>,
  month = MONTH,
): Promise<AcceptRequestResult> {
  lastRun += 1;
  return activities.acceptRequest({
    month,
    signal: 'forceReRun',
    payload: { reason: 'a test', requestId: `force-${lastRun}`, ...payload },
    signalId: 'unused',
  });
}

/** Forces these tenants and builds their invoices. */
export async function forceInvoices(
  world: Pick<World, 'activities'>,
  tenantIds: readonly string[],
  terms: Readonly<Record<string, unknown>> = {},
  month = MONTH,
): Promise<readonly TenantResult[]> {
  await acceptForce(world, { tenantIds, ...terms }, month);
  return buildInvoices(world, tenantIds, { month });
}

/** Settles an invoice, so that forcing its month makes an adjustment note. */
export async function settleInvoice(
  { db }: Pick<World, 'db'>,
  { invoiceId }: { readonly invoiceId: string },
): Promise<void> {
  const invoice = await showInvoiceHeader(db, invoiceId);
  const paid = await pay(db, invoice?.number ?? '', 1);
  if (paid.status !== 'recorded') throw new Error(`the payment is ${paid.status}`);
}
