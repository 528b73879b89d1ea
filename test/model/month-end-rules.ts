import { isBeyondBounds } from './bound-rules.ts';
import { release } from './hand-rules.ts';
import { llmLines, quotedLines, totalled, usageOf, type Totalled } from './line-rules.ts';
import {
  openDraft,
  servedRows,
  waitingRows,
  type Draft,
  type Invoice,
  type Model,
  type RequestRow,
  type Run,
} from './model.ts';
import { addNote, adjustmentLines, noteOf } from './note-rules.ts';
import {
  adjusted,
  done,
  nothingToBill,
  parked,
  record,
  recordNews,
  refuseRequests,
  settledBy,
  type Result,
} from './results.ts';
import { chainOf, isSettled, standing, sumOf } from './standing-rules.ts';

/** How a run turns its drafts into invoices and notes. docs/spec.md#month-end, docs/spec.md#revisions. */

/** Those that are still the run's to write, and what to say of the others. */
function split(drafts: readonly Draft[]) {
  const isLost = ({ state }: Draft) => state !== 'open';
  return {
    own: drafts.filter((draft) => !isLost(draft)),
    lost: drafts.filter(isLost).map(({ tenant }) => parked(tenant, 'draft_lost')),
  };
}

export function quoteSubscriptions(model: Model, run: Run): readonly Result[] {
  const { own, lost } = split(run.drafts);
  const failed = own.flatMap((draft) => {
    const { lines, failure } = quotedLines(model, draft);
    if (failure !== null) return parked(draft.tenant, failure);
    draft.quoted ??= lines;
    return [];
  });
  return [...lost, ...failed];
}

export function pullLlmUsage(model: Model, run: Run): readonly Result[] {
  const { own, lost } = split(run.drafts);
  for (const draft of own) draft.llm = llmLines(model, draft, usageOf(model, draft));
  return lost;
}

export function persistInvoices(model: Model, run: Run): readonly Result[] {
  return run.drafts.map((draft) => {
    const { tenant, month, replaces, state, document } = draft;
    // An attempt of this very run has been here before.
    if (state === 'issued' && document) {
      return document.kind === 'invoice' ? done('rolled', document) : adjusted(document);
    }
    if (state === 'unchanged' && replaces) return done('unchanged', replaces);
    if (state === 'nothing_to_bill') return nothingToBill(tenant);
    if (state !== 'open') return parked(tenant, 'draft_lost');
    const result = finish(model, draft);
    if (result.outcome !== 'parked') record(model, month, result);
    return result;
  });
}

function finish(model: Model, draft: Draft): Result {
  const { tenant, month, replaces } = draft;
  if (replaces?.status === 'void' && !draft.replacesVoid) {
    draft.state = 'abandoned';
    // A request that came after the void waits for a draft of its own.
    refuseRequests(waitingRows(model, tenant, month).filter((row) => row.draft === draft));
    return done('skipped', replaces);
  }
  const served = servedRows(model, draft);
  const isAccepted = served.some(({ request }) => request.terms.acceptBounds);
  const requestId = served[0]?.request.id ?? null;
  if (replaces && isSettled(model, replaces)) {
    return adjust(model, { draft, replaces, served, isAccepted, requestId });
  }
  const totals = totalled(model, draft);
  if (replaces === null && totals.lines.length === 0 && usageOf(model, draft).length === 0) {
    draft.state = 'nothing_to_bill';
    settle(served, 'nothing_to_bill');
    return nothingToBill(tenant);
  }
  if (!isAccepted && isBeyondBounds(model, draft, totals.totalCents)) {
    return parked(tenant, 'out_of_bounds');
  }
  const isWanted =
    served.length === 0 || served.some(({ request }) => !request.terms.onlyIfChanged);
  if (replaces?.status === 'issued' && !isWanted && isSame(replaces, totals)) {
    keep(model, draft, replaces);
    settle(served, 'unchanged');
    return done('unchanged', replaces);
  }
  const invoice = issue(model, draft, totals, requestId);
  settle(served, 'rolled');
  return done('rolled', invoice);
}

interface Rerun {
  readonly draft: Draft;
  readonly replaces: Invoice;
  readonly served: readonly RequestRow[];
  readonly isAccepted: boolean;
  readonly requestId: string | null;
}

/** The invoice is settled: a note says what changes. */
function adjust(model: Model, { draft, replaces, served, isAccepted, requestId }: Rerun): Result {
  const lines = adjustmentLines(model, draft);
  const { totalCents } = noteOf(model, replaces, lines);
  const before = sumOf(chainOf(model, replaces), (document) => document.totalCents);
  if (lines.length === 0 && totalCents === 0) {
    keep(model, draft, replaces);
    settle(served, 'unchanged');
    return done('unchanged', replaces);
  }
  if (!isAccepted && isBeyondBounds(model, draft, before + totalCents, before)) {
    return parked(draft.tenant, 'out_of_bounds');
  }
  const note = addNote(model, replaces, { id: draft.id, origin: 'rerun', draft, requestId }, lines);
  draft.state = 'issued';
  draft.document = note;
  settle(served, 'adjusted');
  return adjusted(note);
}

function isSame(a: Invoice, b: Totalled): boolean {
  return JSON.stringify(a.lines) === JSON.stringify(b.lines) && a.treatment === b.treatment;
}

function issue(model: Model, draft: Draft, totals: Totalled, requestId: string | null): Invoice {
  const { tenant, month, replaces } = draft;
  const invoice: Invoice = {
    kind: 'invoice',
    id: draft.id,
    draft,
    tenant,
    month,
    revision: (replaces?.revision ?? 0) + 1,
    number: model.invoices.filter((other) => other.tenant === tenant).length + 1,
    ...totals,
    requestId,
    status: 'issued',
    supersededBy: null,
    unchangedRun: null,
  };
  if (replaces) {
    if (replaces.status === 'issued') replaces.status = 'superseded';
    replaces.supersededBy = invoice;
    for (const event of usageOf(model, draft)) event.holder = draft;
  }
  if (!model.isReviewed && replaces === null) release(model, tenant, month);
  draft.state = 'issued';
  draft.document = invoice;
  model.invoices.push(invoice);
  return invoice;
}

/** The invoice stands. Its newest document takes what was sealed for the draft. */
function keep(model: Model, draft: Draft, invoice: Invoice): void {
  const heir = chainOf(model, invoice).findLast((document) => document.draft !== null)?.draft;
  if (!heir) throw new Error('an invoice of the model has no draft');
  for (const event of model.events) if (event.holder === draft) event.holder = heir;
  for (const event of draft.leftOut) heir.leftOut.add(event);
  draft.state = 'unchanged';
  invoice.unchangedRun = draft.run;
}

function settle(
  rows: readonly RequestRow[],
  outcome: 'rolled' | 'adjusted' | 'unchanged' | 'nothing_to_bill',
): void {
  for (const row of rows) row.outcome = outcome;
}

/**
 * A child has failed: its draft is abandoned and the waiting requests are parked. If it had already issued or kept the
 * invoice, that counts; if another run took over, that run's outcome counts.
 */
export function recordParked(model: Model, run: Run, tenant: string, failure: string): Result {
  const { month } = run;
  const isOvertaken = failure === 'draft_lost';
  const settled = settledBy(model, run, tenant);
  if (settled !== null) {
    record(model, month, settled);
    return settled;
  }
  const invoice = standing(model, tenant, month);
  if (isOvertaken && invoice) {
    const result = done('skipped', invoice);
    recordNews(model, month, result);
    return result;
  }
  const draft = openDraft(model, tenant, month);
  if (draft?.run === run) draft.state = 'abandoned';
  if (!isOvertaken) for (const row of waitingRows(model, tenant, month)) row.outcome = 'parked';
  const result = parked(tenant, failure);
  record(model, month, result);
  return result;
}
