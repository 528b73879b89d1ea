import type { Line } from './line-rules.ts';
import { monthText, type Application, type Invoice, type Item, type Model } from './model.ts';

/** One-off charges and credits. docs/spec.md#invoice-items. */

/** Returns what no live invoice has applied of an item, as if `replaced` had applied nothing. */
export function leftOf(model: Model, item: Item, replaced: Invoice | null = null): number {
  if (item.isWithdrawn) return 0;
  const applied = model.invoices
    .filter((invoice) => invoice.supersededBy === null && invoice !== replaced)
    .flatMap(({ applications }) => applications)
    .filter((application) => application.item === item);
  return applied.reduce((left, { cents }) => left - cents, item.cents);
}

export function isUnbilled(model: Model, item: Item): boolean {
  return leftOf(model, item) !== 0;
}

/**
 * Returns what an invoice applies of its tenant's items: all charges, and as much of each credit as there are charges
 * that are taxable, or not, as it is.
 * @param lines of the deployments, all taxable
 */
export function applyItems(
  model: Model,
  { tenant, month, replaced }: { tenant: string; month: number; replaced: Invoice | null },
  lines: readonly Line[],
): readonly Application[] {
  const own = model.items
    .filter((item) => item.tenant === tenant && item.month <= month)
    // By month, then in the order in which they were recorded.
    .toSorted((a, b) => a.month - b.month)
    .map((item) => ({ item, left: leftOf(model, item, replaced) }))
    .filter(({ left }) => left !== 0);
  const charges = { taxable: 0, untaxed: 0 };
  for (const { amountCents } of lines) charges.taxable += amountCents;
  for (const { item, left } of own) if (left > 0) charges[kindOf(item)] += left;
  return own.flatMap(({ item, left }) => {
    if (left > 0) return { item, cents: left };
    const cents = -Math.min(-left, charges[kindOf(item)]);
    if (cents === 0) return [];
    charges[kindOf(item)] += cents;
    return { item, cents };
  });
}

const kindOf = ({ isTaxable }: Item) => (isTaxable ? 'taxable' : 'untaxed');

/** @param month the invoice's */
export function itemLines(
  model: Model,
  applications: readonly Application[],
  month: number,
): readonly Line[] {
  return applications.map(({ item, cents }) => ({
    deployment: null,
    subscription: null,
    item: item.id,
    kind: 'item',
    resourceKind: null,
    description: item.description,
    qty: '1',
    unit: 'item',
    unitPriceCents: null,
    amountCents: cents,
    isTaxable: item.isTaxable,
    meta: {
      ...(item.month !== month && { item_month: monthText(model, item.month) }),
      ...(item.cents !== cents && { item_cents: String(item.cents) }),
    },
  }));
}

export type ItemAnswer = 'recorded' | 'duplicate' | 'conflict';

/** Records an item; the same one again changes nothing. */
export function recordItem(model: Model, item: Omit<Item, 'isWithdrawn'>): ItemAnswer {
  const added: Item = { ...item, isWithdrawn: false };
  const known = model.items.find(({ id }) => id === item.id);
  if (known) {
    const isSame = JSON.stringify({ ...known, isWithdrawn: false }) === JSON.stringify(added);
    return isSame ? 'duplicate' : 'conflict';
  }
  model.items.push(added);
  return 'recorded';
}

/** Withdraws an item, unless a live invoice has applied some of it. */
export function withdrawItem(model: Model, item: Item): 'withdrawn' | 'unchanged' | 'refused' {
  if (item.isWithdrawn) return 'unchanged';
  if (leftOf(model, item) !== item.cents) return 'refused';
  item.isWithdrawn = true;
  return 'withdrawn';
}
