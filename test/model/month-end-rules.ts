import { llmLines, quotedLines, totalled, usageOf, type Totalled } from './line-rules.ts';
import {
  dueDeployments,
  isDue,
  openDraft,
  outcomeKey,
  servedRows,
  standing,
  waitingRows,
  type Draft,
  type ForceTerms,
  type Invoice,
  type Model,
  type Outcome,
  type Request,
  type RequestRow,
  type Run,
  type UsageEvent,
} from './model.ts';

/** What a month end may do, step by step. docs/spec.md#month-end. */

export interface Result {
  readonly tenant: string;
  readonly outcome: Outcome['outcome'];
  readonly invoice: Invoice | null;
  readonly failure: string | null;
}

const parked = (tenant: string, failure: string): Result => ({
  tenant,
  outcome: 'parked',
  invoice: null,
  failure,
});
const done = (outcome: Outcome['outcome'], invoice: Invoice): Result => ({
  tenant: invoice.tenant,
  outcome,
  invoice,
  failure: null,
});

function record(model: Model, month: number, { tenant, outcome, invoice, failure }: Result): void {
  model.outcomes.set(outcomeKey(tenant, month), { outcome, invoice, failure });
}

type Decision = { readonly settled: Result; readonly isRefusal?: boolean } | 'open' | 'resume';

function decide(model: Model, run: Run, tenant: string): Decision {
  const { month } = run;
  const open = openDraft(model, tenant, month);
  if (open?.run === run) return 'resume';
  if (open && open.run.startedAt > run.startedAt) return { settled: parked(tenant, 'draft_lost') };
  const invoice = standing(model, tenant, month);
  const waiting = waitingRows(model, tenant, month);
  const isForced = waiting.length > 0;
  if (invoice) {
    if (invoice.draft.run === run) return { settled: done('rolled', invoice) };
    if (!isForced) {
      return { settled: done(invoice.unchangedRun === run ? 'unchanged' : 'skipped', invoice) };
    }
    // A request for all tenants leaves a void month alone.
    const isNamed = waiting.some(({ request }) => request.terms.tenants !== null);
    return invoice.status === 'issued' || isNamed
      ? 'open'
      : { settled: done('skipped', invoice), isRefusal: true };
  }
  if (!isDue(model, tenant, month)) {
    const settled = { tenant, outcome: 'nothing_to_bill', invoice: null, failure: null } as const;
    return { settled, isRefusal: true };
  }
  return 'open';
}

/** The tenants for which a run would open a draft now: those that a preview speaks of. */
export function wouldOpen(model: Model, run: Run): readonly string[] {
  return run.tenants.filter((tenant) => decide(model, run, tenant) === 'open');
}

/** @param draftIds the ids that the drafts were given, by tenant */
export function openDrafts(
  model: Model,
  run: Run,
  draftIds: ReadonlyMap<string, string>,
): { readonly drafts: readonly Draft[]; readonly settled: readonly Result[] } {
  const drafts: Draft[] = [];
  const settled: Result[] = [];
  for (const tenant of run.tenants) {
    const decision = decide(model, run, tenant);
    if (decision === 'open') drafts.push(open(model, run, tenant, draftIds.get(tenant) ?? 'none'));
    else if (decision === 'resume') {
      const draft = openDraft(model, tenant, run.month);
      if (draft) drafts.push(draft);
    } else {
      settled.push(decision.settled);
      if (decision.isRefusal) refuseRequests(model, tenant, run.month);
      recordNews(model, run.month, decision.settled);
    }
  }
  return { drafts, settled };
}

/** Records the outcome, unless it is the invoice that is on record already. */
function recordNews(model: Model, month: number, result: Result): void {
  if (result.outcome === 'parked') return;
  const known = model.outcomes.get(outcomeKey(result.tenant, month));
  if (result.invoice === null || known?.invoice !== result.invoice) record(model, month, result);
}

function open(model: Model, run: Run, tenant: string, id: string): Draft {
  const { month } = run;
  for (const draft of model.drafts) {
    const isGivenUp = draft.month === month || draft.isForgotten;
    if (draft.tenant === tenant && draft.state === 'open' && isGivenUp) draft.state = 'abandoned';
  }
  const draft: Draft = {
    id,
    tenant,
    month,
    run,
    replaces: standing(model, tenant, month),
    replacesVoid: standing(model, tenant, month)?.status === 'void',
    state: 'open',
    isForgotten: false,
    leftOut: new Set(),
    quoted: null,
    llm: [],
    invoice: null,
  };
  model.drafts.push(draft);
  for (const row of waitingRows(model, tenant, month)) row.draft = draft;
  for (const event of model.events) if (isTaken(event, draft)) event.holder = draft;
  for (const event of usageOf(model, draft)) if (event.isExcluded) draft.leftOut.add(event);
  return draft;
}

/** Usage of the month; LLM usage of earlier ones too, unless the month was invoiced before. */
function isTaken({ source, deployment, month, holder }: UsageEvent, draft: Draft): boolean {
  const isFree = holder === null || holder.state === 'abandoned';
  const isLate = source === 'llm' && month < draft.month && draft.replaces === null;
  return deployment.tenant === draft.tenant && isFree && (month === draft.month || isLate);
}

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
  for (const draft of own) draft.llm = llmLines(model, draft);
  return lost;
}

export function persistInvoices(model: Model, run: Run): readonly Result[] {
  return run.drafts.map((draft) => {
    const { tenant, month, replaces, state } = draft;
    // An attempt of this very run has been here before.
    if (state === 'issued' && draft.invoice) return done('rolled', draft.invoice);
    if (state === 'unchanged' && replaces) return done('unchanged', replaces);
    if (state !== 'open') return parked(tenant, 'draft_lost');
    const result = finish(model, draft);
    if (result.outcome !== 'parked') record(model, month, result);
    return result;
  });
}

function finish(model: Model, draft: Draft): Result {
  const { tenant, month, replaces, replacesVoid } = draft;
  if (replaces?.status === 'void' && !replacesVoid) {
    draft.state = 'abandoned';
    // Requests that came after the void wait for the next run.
    for (const row of waitingRows(model, tenant, month)) {
      if (row.draft === draft) row.outcome = 'refused';
    }
    return done('skipped', replaces);
  }
  const totals = totalled(model, draft);
  const served = servedRows(model, draft);
  const isAccepted = served.some(({ request }) => request.terms.acceptBounds);
  if (!isAccepted && isBeyondBounds(model, draft, totals)) return parked(tenant, 'out_of_bounds');
  const isWanted =
    served.length === 0 || served.some(({ request }) => !request.terms.onlyIfChanged);
  if (replaces && !replacesVoid && !isWanted && isSame(replaces.lines, totals.lines)) {
    keep(model, draft, replaces);
    settle(served, 'unchanged');
    return done('unchanged', replaces);
  }
  const invoice = issue(model, draft, totals, served[0]?.request ?? null);
  settle(served, 'rolled');
  return done('rolled', invoice);
}

/**
 * Whether a total is beyond the bounds: more than ten times the total of the invoice that it replaces, or less than a
 * tenth of it, if one of the two is above 50.00. Without such an invoice, or if it is void, the last earlier one that isn't void counts;
 * without any, the bound is 10,000.00. Subscriptions are in force for whole months: a tenant without any in just one
 * of the two months joined or left in between, which explains the lower total.
 */
function isBeyondBounds(model: Model, draft: Draft, { totalCents }: Totalled): boolean {
  const earlier = model.invoices
    .filter(({ tenant, month }) => tenant === draft.tenant && month < draft.month)
    .filter(({ status }) => status === 'issued')
    .toSorted((a, b) => a.month - b.month);
  const before = earlier.at(-1);
  const last = draft.replacesVoid ? before : (draft.replaces ?? before);
  const lastCents = last?.totalCents ?? 0;
  if (lastCents <= 0) return totalCents > 1_000_000;
  if (totalCents <= 5_000 && lastCents <= 5_000) return false;
  const isThere = (at: number) => dueDeployments(model, draft.tenant, at).length > 0;
  const wasThere = last === undefined || isThere(last.month);
  const isJoining = isThere(draft.month) && !wasThere;
  const isLeaving = !isThere(draft.month) && wasThere;
  const most = isJoining ? Math.max(10 * lastCents, 1_000_000) : 10 * lastCents;
  return totalCents > most || (10 * totalCents < lastCents && !isLeaving);
}

function isSame(a: Totalled['lines'], b: Totalled['lines']): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function issue(model: Model, draft: Draft, totals: Totalled, request: Request | null): Invoice {
  const { tenant, month, replaces } = draft;
  const invoice: Invoice = {
    draft,
    tenant,
    month,
    revision: (replaces?.revision ?? 0) + 1,
    number: model.invoices.filter((other) => other.tenant === tenant).length + 1,
    ...totals,
    request,
    status: 'issued',
    isReplaced: false,
    unchangedRun: null,
  };
  if (replaces) {
    if (replaces.status === 'issued') replaces.status = 'superseded';
    replaces.isReplaced = true;
    for (const event of usageOf(model, draft)) event.holder = draft;
  }
  draft.state = 'issued';
  draft.invoice = invoice;
  model.invoices.push(invoice);
  return invoice;
}

/** The invoice stands, and takes what was collected for its revision. */
function keep(model: Model, draft: Draft, invoice: Invoice): void {
  for (const event of model.events) if (event.holder === draft) event.holder = invoice.draft;
  for (const event of draft.leftOut) invoice.draft.leftOut.add(event);
  draft.state = 'unchanged';
  invoice.unchangedRun = draft.run;
}

function settle(rows: readonly RequestRow[], outcome: 'rolled' | 'unchanged'): void {
  for (const row of rows) row.outcome = outcome;
}

function refuseRequests(model: Model, tenant: string, month: number): void {
  for (const row of waitingRows(model, tenant, month)) row.outcome = 'refused';
}

/**
 * A child has failed: its draft is abandoned and the waiting requests are parked. If it had already issued or kept the
 * invoice, that counts; if another run took over, that run's outcome counts.
 */
export function recordParked(model: Model, run: Run, tenant: string, failure: string): Result {
  const { month } = run;
  const isOvertaken = failure === 'draft_lost';
  const invoice = standing(model, tenant, month);
  if (invoice?.draft.run === run || invoice?.unchangedRun === run) {
    const result = done(invoice.draft.run === run ? 'rolled' : 'unchanged', invoice);
    record(model, month, result);
    return result;
  }
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

export type Acceptance =
  | { readonly accepted: false }
  | {
      readonly accepted: true;
      readonly waiting: boolean;
      readonly urgentTenantIds: readonly string[];
      readonly refusals: number;
    };

/** Takes a forced request; the same one again tries once more what was parked. */
export function acceptForce(model: Model, terms: ForceTerms): Acceptance {
  const { id, month, tenants } = terms;
  const known = model.requests.find((request) => request.id === id && request.month === month);
  if (known && JSON.stringify(known.terms) !== JSON.stringify(terms)) return { accepted: false };
  if (known) {
    const again = known.rows.filter(({ outcome }) => outcome === 'parked');
    for (const row of again) Object.assign(row, { outcome: null, draft: null });
    if (again.length > 0) known.isFinished = false;
    return acceptance(known, !known.isFinished);
  }
  const named = tenants ?? model.fleet.tenants.filter((tenant) => isDue(model, tenant, month));
  const rows: RequestRow[] = [];
  const request: Request = { id, month, terms, rows, isFinished: false };
  for (const tenant of named) {
    const invoice = standing(model, tenant, month);
    const isVoid = invoice?.status === 'void' && tenants === null;
    const isRefused = isVoid || !isDue(model, tenant, month);
    rows.push({ request, tenant, outcome: isRefused ? 'refused' : null, draft: null });
  }
  model.requests.push(request);
  return acceptance(request, true);
}

function acceptance({ rows }: Request, waiting: boolean): Acceptance {
  return {
    accepted: true,
    waiting,
    urgentTenantIds: rows.filter(({ outcome }) => outcome === null).map(({ tenant }) => tenant),
    refusals: rows.filter(({ outcome }) => outcome === 'refused').length,
  };
}

/** A pass looks at every due tenant: the invoice stands and nobody forces it, or it needs a child. */
export function planPass(model: Model, month: number): readonly string[] {
  return model.fleet.tenants.filter((tenant) => {
    if (!isDue(model, tenant, month)) return false;
    const invoice = standing(model, tenant, month);
    if (invoice === null || waitingRows(model, tenant, month).length > 0) return true;
    record(model, month, done('skipped', invoice));
    const draft = openDraft(model, tenant, month);
    if (draft) draft.state = 'abandoned';
    return false;
  });
}

export type VoidAnswer = 'voided' | 'unchanged' | 'replaced';

export function markVoid(invoice: Invoice): VoidAnswer {
  if (invoice.status === 'void') return 'unchanged';
  if (invoice.isReplaced) return 'replaced';
  invoice.status = 'void';
  return 'voided';
}
