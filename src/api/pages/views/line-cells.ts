import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount } from '../../../domain/format.ts';
import { quantity } from './format.ts';

/** What a line says of quantity and price. */
interface PricedLine {
  readonly kind: string;
  readonly qty: string;
  readonly unit: string | null;
  readonly unit_price_cents: number | null;
}

/** Overage counts in base units, and its price is for another one: that stands with the price. */
export function quantityCell({ kind, qty, unit }: PricedLine): Markup {
  return markup`${quantity(qty)}${kind === 'overage' ? '' : markup`<span class="sub">${unit}</span>`}`;
}

export function priceCell(
  { kind, unit, unit_price_cents }: PricedLine,
  currency: string,
): Markup | string {
  if (unit_price_cents === null) return '';
  const price = formatAmount(unit_price_cents, currency);
  return kind === 'overage'
    ? markup`${price}<span class="sub">${unit === null ? 'each' : `per ${unit}`}</span>`
    : price;
}
