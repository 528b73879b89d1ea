import { usageOf } from './line-rules.ts';
import {
  openDraft,
  waitingRows,
  type Draft,
  type Model,
  type Run,
  type UsageEvent,
} from './model.ts';
import {
  done,
  hasEmptied,
  issuedBy,
  nothingToBill,
  parked,
  record,
  recordNews,
  refuseRequests,
  type Result,
} from './results.ts';
import { isDue, standing } from './standing-rules.ts';

/** The tenants for which a run opens a draft, and what the draft takes. docs/spec.md#month-end. */

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
    const issued = issuedBy(model, run, invoice);
    if (issued !== null) return { settled: issued };
    if (!isForced) {
      return { settled: done(invoice.unchangedRun === run ? 'unchanged' : 'skipped', invoice) };
    }
    // Only a request that names the tenant replaces a void invoice.
    const isNamed = waiting.some(({ request }) => request.terms.tenants !== null);
    if (invoice.status !== 'void' || isNamed) return 'open';
    return { settled: done('skipped', invoice), isRefusal: true };
  }
  if (hasEmptied(model, run, tenant) && !isForced) return { settled: nothingToBill(tenant) };
  if (isDue(model, tenant, month)) return 'open';
  return { settled: nothingToBill(tenant), isRefusal: true };
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
      if (decision.isRefusal) refuse(model, tenant, run.month);
      recordNews(model, run.month, decision.settled);
    }
  }
  return { drafts, settled };
}

/** Of a tenant that isn't due any more, what an earlier run began is given up. */
function refuse(model: Model, tenant: string, month: number): void {
  refuseRequests(waitingRows(model, tenant, month));
  const draft = openDraft(model, tenant, month);
  if (draft && standing(model, tenant, month) === null) draft.state = 'abandoned';
}

function open(model: Model, run: Run, tenant: string, id: string): Draft {
  const { month } = run;
  for (const draft of model.drafts) {
    const isGivenUp = draft.month === month || draft.isForgotten;
    if (draft.tenant === tenant && draft.state === 'open' && isGivenUp) draft.state = 'abandoned';
  }
  const replaces = standing(model, tenant, month);
  const draft: Draft = {
    id,
    tenant,
    month,
    run,
    replaces,
    replacesVoid: replaces?.status === 'void',
    state: 'open',
    isForgotten: false,
    leftOut: new Set(),
    quoted: null,
    llm: [],
    document: null,
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

/** A pass looks at every due tenant: it keeps its invoice if no request forces another, or it needs a child. */
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
