import type { LineText } from '../../../display/line-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';

/** Cells of the tables of lines: what belongs to a figure is in small print below it. */

/** Renders a line's name, with how its amount came about. */
export function nameCell({ name, details }: Pick<LineText, 'name' | 'details'>): Markup {
  return markup`${name}${details.map((detail) => markup`<span class="sub">${detail}</span>`)}`;
}

/** Renders a quantity with its unit. */
export function quantityCell({ quantity: { number, unit } }: LineText): Markup {
  return markup`${number}${unit === '' ? '' : markup`<span class="sub">${unit}</span>`}`;
}

/** Renders a unit price with what it is for; empty if the amount isn't computed from one. */
export function priceCell({ unitPrice }: LineText): Markup {
  if (unitPrice === null) return markup``;
  return markup`${unitPrice.number}<span class="sub">${unitPrice.unit}</span>`;
}
