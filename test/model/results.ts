import {
  monthKey,
  type Invoice,
  type Model,
  type Note,
  type Outcome,
  type RequestRow,
  type Run,
} from './model.ts';
import { notesOf, standing } from './standing-rules.ts';

/** What a run says of a tenant's month, and what is on record of it. */

export interface Result extends Outcome {
  readonly tenant: string;
  /** What the run has issued for the invoice. */
  readonly note: Note | null;
}

export const parked = (tenant: string, failure: string): Result => ({
  tenant,
  outcome: 'parked',
  invoice: null,
  note: null,
  failure,
});
export const nothingToBill = (tenant: string): Result => ({
  tenant,
  outcome: 'nothing_to_bill',
  invoice: null,
  note: null,
  failure: null,
});
export const done = (outcome: Outcome['outcome'], invoice: Invoice): Result => ({
  tenant: invoice.tenant,
  outcome,
  invoice,
  note: null,
  failure: null,
});
export const adjusted = (note: Note): Result => ({ ...done('adjusted', note.adjusts), note });

export function record(model: Model, month: number, result: Result): void {
  const { tenant, outcome, invoice, failure } = result;
  model.outcomes.set(monthKey(tenant, month), { outcome, invoice, failure });
}

/** Records the outcome, unless the invoice on record is the same. */
export function recordNews(model: Model, month: number, result: Result): void {
  if (result.outcome === 'parked') return;
  const known = model.outcomes.get(monthKey(result.tenant, month));
  if (result.invoice === null || known?.invoice !== result.invoice) record(model, month, result);
}

/** Returns what an earlier attempt of the run has issued: the invoice itself, or its last note from a rerun. */
export function issuedBy(model: Model, run: Run, invoice: Invoice): Result | null {
  const last = notesOf(model, invoice).findLast(({ origin }) => origin === 'rerun');
  if (last?.draft?.run === run) return adjusted(last);
  return invoice.draft.run === run ? done('rolled', invoice) : null;
}

/** Whether the run was the last one that found nothing to bill. */
export function hasEmptied(model: Model, run: Run, tenant: string): boolean {
  const last = model.drafts.findLast(
    (draft) =>
      draft.tenant === tenant && draft.month === run.month && draft.state === 'nothing_to_bill',
  );
  return last?.run === run;
}

/** Returns how the run has already settled the tenant's month; null if it hasn't. */
export function settledBy(model: Model, run: Run, tenant: string): Result | null {
  const invoice = standing(model, tenant, run.month);
  if (invoice === null) return hasEmptied(model, run, tenant) ? nothingToBill(tenant) : null;
  const unchanged = invoice.unchangedRun === run ? done('unchanged', invoice) : null;
  return issuedBy(model, run, invoice) ?? unchanged;
}

export function refuseRequests(rows: readonly RequestRow[]): void {
  for (const row of rows) row.outcome = 'refused';
}
