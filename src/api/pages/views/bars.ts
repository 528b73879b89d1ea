import { Decimal } from '../../../domain/decimal.ts';
import { markup, type Markup } from '../../../lib/markup.ts';

/** The colours of parts: the classes `part-1` to `part-5`, and `part-rest` for all others together. */
export type Part = 1 | 2 | 3 | 4 | 5 | 'rest';

/**
 * Bars as inline SVG. Lengths are attributes in percent, so they fit any width. Colours come from the style sheet,
 * because the page's policy forbids inline styles. Screen readers skip them; the same figures are in tables.
 */

/** Returns a share in percent with two decimals, computed from exact cents or quantities. */
export function percentOf(part: number | string, whole: number | string): string {
  const [of, all] = [new Decimal(part), new Decimal(whole)];
  if (!all.greaterThan(0) || !of.greaterThan(0)) return '0';
  return of.times(100).dividedBy(all).toFixed(2);
}

/** Returns the largest of the amounts in cents, as text; 0 without amounts. */
export function largest(amounts: readonly (number | string)[]): string {
  return String(amounts.map(BigInt).reduce((max, value) => (value > max ? value : max), 0n));
}

/** Renders two bars: this month's above, last month's below and paler. */
export function pairOfBars(
  { now, then }: { readonly now: string; readonly then: string },
  longest: string,
): Markup {
  return markup`<svg class="bars" aria-hidden="true" focusable="false">
<rect class="bar now" y="2" height="9" width="${percentOf(now, longest)}%" rx="1"></rect>
<rect class="bar then" y="13" height="7" width="${percentOf(then, longest)}%" rx="1"></rect>
</svg>`;
}

/** Renders one bar with a share of the longest. */
export function bar(value: string, longest: string): Markup {
  return markup`<svg class="meter" aria-hidden="true" focusable="false"><rect class="track" width="100%" height="8"></rect><rect class="part-1" width="${percentOf(value, longest)}%" height="8"></rect></svg>`;
}

/** Usage of a kind as decimals; the last two are null if the plan doesn't have the kind. */
export interface KindUsage {
  readonly used: string;
  readonly allowance: string | null;
  /** What is billed beyond the allowance. */
  readonly overage: string | null;
}

/** Renders usage against what is included: the included part, what is billed beyond it, and the rest, which isn't billed. */
export function allowanceBar({ used, allowance, overage }: KindUsage): Markup {
  const included = Decimal.min(used, allowance ?? 0);
  const billed = included.plus(overage ?? 0);
  const whole = Decimal.max(used, allowance ?? 0).toFixed();
  const part = (name: string, from: Decimal, to: Decimal) =>
    markup`<rect class="${name}" x="${percentOf(from.toFixed(), whole)}%" width="${percentOf(to.minus(from).toFixed(), whole)}%" height="8"></rect>`;
  return markup`<svg class="meter" aria-hidden="true" focusable="false"><rect class="track" width="100%" height="8"></rect>${[
    part('part-2', new Decimal(0), included),
    part('part-3', included, billed),
    part('part-rest', billed, Decimal.max(used, billed)),
  ]}</svg>`;
}

/** A part of a whole. */
export interface Share {
  readonly part: Part;
  readonly cents: number;
}

/** Renders one bar that is divided into its parts, in order. */
export function stackedBar(shares: readonly Share[]): Markup {
  const whole = shares.reduce((sum, { cents }) => sum + BigInt(cents), 0n);
  let before = 0n;
  const rects = shares.map(({ part, cents }) => {
    const x = percentOf(String(before), String(whole));
    before += BigInt(cents);
    return markup`<rect class="part-${part}" x="${x}%" width="${percentOf(cents, String(whole))}%" height="28"></rect>`;
  });
  return markup`<svg class="stack" aria-hidden="true" focusable="false">${rects}</svg>`;
}

/** Renders the colour of a part, to show beside its name. */
export function swatch(part: Part): Markup {
  return markup`<svg class="swatch" aria-hidden="true" focusable="false"><rect class="part-${part}" width="12" height="12" rx="2"></rect></svg>`;
}
