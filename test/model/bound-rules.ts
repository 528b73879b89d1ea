import type { Draft, Invoice, Model } from './model.ts';
import { chainOf, dueDeployments, sumOf } from './standing-rules.ts';

/**
 * Returns whether a total is beyond the safety bounds: more than ten times the total of the invoice that it replaces or
 * adjusts, or less than a tenth of it, if one of the two is above 50.00. Without such an invoice, or if it is void, the
 * last earlier one that isn't void counts; without any, the bound is 10,000.00. Notes of reruns are
 * part of that. Subscriptions are in force for whole months: a tenant without any
 * in just one of the two months joined or left in between, which explains the lower total. docs/spec.md#safety-bounds
 * @param adjustedCents of a settled invoice: what it and all its notes charge by now
 */
export function isBeyondBounds(
  model: Model,
  draft: Draft,
  totalCents: number,
  adjustedCents: number | null = null,
): boolean {
  const earlier = model.invoices
    .filter(({ tenant, month }) => tenant === draft.tenant && month < draft.month)
    .filter(({ status }) => status === 'issued')
    .toSorted((a, b) => a.month - b.month);
  const replaced = draft.replacesVoid ? null : draft.replaces;
  const last = replaced ?? earlier.at(-1);
  const lastCents = adjustedCents ?? (last === undefined ? 0 : chargedBy(model, last));
  if (lastCents <= 0) return totalCents > 1_000_000;
  if (totalCents <= 5_000 && lastCents <= 5_000) return false;
  const isThere = (at: number) => dueDeployments(model, draft.tenant, at).length > 0;
  const wasThere = last === undefined || isThere(last.month);
  const isJoining = isThere(draft.month) && !wasThere;
  const isLeaving = !isThere(draft.month) && wasThere;
  const most = isJoining ? Math.max(10 * lastCents, 1_000_000) : 10 * lastCents;
  return totalCents > most || (10 * totalCents < lastCents && !isLeaving);
}

/** Returns the total of an invoice with the notes of its reruns. Credits say nothing about the usage. */
function chargedBy(model: Model, invoice: Invoice): number {
  const documents = chainOf(model, invoice).filter(({ draft }) => draft !== null);
  return sumOf(documents, ({ totalCents }) => totalCents);
}
