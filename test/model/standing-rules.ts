import type { Deployment } from './fleet.ts';
import { isUnbilled } from './item-rules.ts';
import {
  monthKey,
  type Document,
  type Draft,
  type Invoice,
  type Model,
  type Note,
  type UsageEvent,
} from './model.ts';

/** What is in force: the live invoice, its notes, payments and balance. docs/spec.md#settled. */

/** Returns the invoice that no revision has replaced, issued or void. */
export function standing(model: Model, tenant: string, month: number): Invoice | null {
  const found = model.invoices.filter(
    (invoice) =>
      invoice.tenant === tenant && invoice.month === month && invoice.supersededBy === null,
  );
  if (found.length > 1) throw new Error('two invoices of the model stand');
  return found[0] ?? null;
}

/** Returns the adjustment notes of an invoice, oldest first. */
export function notesOf({ notes }: Model, invoice: Invoice | null): readonly Note[] {
  return invoice === null ? [] : notes.filter(({ adjusts }) => adjusts === invoice);
}

/** Returns the invoice and its notes, oldest first. */
export function chainOf(model: Model, invoice: Invoice): readonly (Invoice | Note)[] {
  return [invoice, ...notesOf(model, invoice)];
}

/** A payment or a note settles an invoice for good, even if the payment is reversed. */
export function isSettled(model: Model, { tenant, month }: Invoice): boolean {
  return (
    model.payments.some(({ invoice }) => invoice.tenant === tenant && invoice.month === month) ||
    model.notes.some((note) => note.tenant === tenant && note.month === month)
  );
}

export interface Balance {
  readonly totalCents: number;
  readonly notesCents: number;
  readonly paidCents: number;
  readonly balanceCents: number;
  readonly status: 'unpaid' | 'partly_paid' | 'paid';
  readonly isSettled: boolean;
}

/** Returns what a tenant owes for a month that has an invoice. */
export function balanceOf(model: Model, invoice: Invoice): Balance {
  const totalCents = invoice.status === 'void' ? 0 : invoice.totalCents;
  const notesCents = sumOf(notesOf(model, invoice), ({ totalCents: cents }) => cents);
  const paid = model.payments.filter(
    ({ invoice: named }) => named.tenant === invoice.tenant && named.month === invoice.month,
  );
  const paidCents = sumOf(paid, ({ cents }) => cents);
  const balanceCents = totalCents + notesCents - paidCents;
  const open = paidCents > 0 ? 'partly_paid' : 'unpaid';
  return {
    totalCents,
    notesCents,
    paidCents,
    balanceCents,
    status: balanceCents <= 0 ? 'paid' : open,
    isSettled: isSettled(model, invoice),
  };
}

export function sumOf<T>(items: readonly T[], cents: (item: T) => number): number {
  return items.reduce((total, item) => total + cents(item), 0);
}

/** Whether a tenant sees what is issued for its month. */
export function isReleased(model: Model, { tenant, month }: Document): boolean {
  return model.released.has(monthKey(tenant, month));
}

/** Returns the documents that hold an event, if any do: the one that took it, then its notes. */
export function holdersOf(model: Model, { holder }: UsageEvent): readonly (Invoice | Note)[] {
  const document = holder?.document ?? null;
  if (document === null) return [];
  return chainOf(model, document.kind === 'invoice' ? document : document.adjusts);
}

/** A tenant's deployments whose subscription is in force at the end of a month. */
export function dueDeployments(
  { fleet }: Model,
  tenant: string,
  month: number,
): readonly Deployment[] {
  return fleet.deployments.filter(
    ({ tenant: owner, due }) => owner === tenant && due.from <= month && month <= due.to,
  );
}

/**
 * A subscription, an invoice, LLM usage that no invoice bills or an item that none applies makes a tenant due.
 * docs/spec.md#month-end
 */
export function isDue(model: Model, tenant: string, month: number): boolean {
  return (
    dueDeployments(model, tenant, month).length > 0 ||
    standing(model, tenant, month) !== null ||
    model.events.some(
      (event) =>
        event.source === 'llm' &&
        event.deployment.tenant === tenant &&
        event.month <= month &&
        !event.isExcluded &&
        isFree(event.holder, month),
    ) ||
    model.items.some(
      (item) => item.tenant === tenant && item.month <= month && isUnbilled(model, item),
    )
  );
}

/** No document holds it: it is open, or held by a draft that gives it up when an invoice of the month is built. */
function isFree(holder: Draft | null, month: number): boolean {
  if (holder === null || holder.state === 'abandoned') return true;
  return holder.state === 'open' && (holder.month === month || holder.isForgotten);
}
