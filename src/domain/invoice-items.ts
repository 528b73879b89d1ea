import { sumCents } from './cents.ts';
import type { PlacedLine } from './line-changes.ts';
import type { Month } from './period.ts';

/** A one-off charge or credit for a tenant's next invoice (docs/spec.md#invoice-items). */
export interface InvoiceItem {
  readonly itemId: string;
  /** The first month whose invoice can take it. */
  readonly month: Month;
  readonly description: string;
  /** Not 0; a credit is negative. */
  readonly amountCents: number;
  readonly taxable: boolean;
}

/** An item, and what of its amount no other live invoice takes: with the amount's sign, and not 0. */
export interface FreeItem extends InvoiceItem {
  readonly freeCents: number;
}

/** A line of an invoice before it is numbered. */
export type ItemLine = Omit<PlacedLine, 'lineNo'>;

/**
 * Returns the lines of the items that an invoice takes, in the order given. It takes charges whole. A taxable
 * credit takes what is left of the taxable charges, another one what is left of the other charges. If that is nothing,
 * it has no line (docs/spec.md#invoice-items).
 * @param items by month, then in the order in which they were recorded
 * @param chargesCents the sum of the lines of deployments, all of which are taxable
 * @param month the invoice's
 * @throws DomainError `amount_out_of_range`
 */
export function itemLines(
  items: readonly FreeItem[],
  chargesCents: number,
  month: Month,
): readonly ItemLine[] {
  const chargesOf = (taxable: boolean) =>
    sumCents([
      ...(taxable ? [chargesCents] : []),
      ...items.filter((item) => item.taxable === taxable && item.freeCents > 0).map(free),
    ]);
  const left = { taxable: chargesOf(true), free: chargesOf(false) };
  return items.flatMap((item) => {
    if (item.freeCents > 0) return toLine(item, item.freeCents, month);
    const of = item.taxable ? 'taxable' : 'free';
    const credited = Math.min(-item.freeCents, Math.max(left[of], 0));
    left[of] -= credited;
    return credited === 0 ? [] : toLine(item, -credited, month);
  });
}

function free({ freeCents }: FreeItem): number {
  return freeCents;
}

/** Returns the line by which an invoice takes an amount of an item. */
function toLine(item: InvoiceItem, takenCents: number, month: Month): ItemLine {
  return {
    kind: 'item',
    deploymentId: null,
    subscriptionId: null,
    itemId: item.itemId,
    taxable: item.taxable,
    resourceKind: null,
    description: item.description,
    qty: '1',
    unit: 'item',
    unitPriceCents: null,
    amountCents: takenCents,
    meta: {
      ...(item.month === month ? {} : { item_month: item.month }),
      ...(item.amountCents === takenCents ? {} : { item_cents: String(item.amountCents) }),
    },
  };
}
