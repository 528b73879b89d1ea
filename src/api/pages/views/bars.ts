import { markup, type Markup } from '../../../lib/markup.ts';

/**
 * Bars, as SVG made here: their lengths are attributes in percent, so that they fit any width, their
 * colours come from the stylesheet, and nothing has a style of its own, which the page's policy would
 * refuse. They are for the eye alone: the figures stand beside them.
 */

/** A share in percent, with two decimals: exact in cents, rounded for the eye. */
export function percentOf(part: number | string, whole: number | string): string {
  const [of, all] = [BigInt(part), BigInt(whole)];
  if (all <= 0n || of <= 0n) return '0';
  const hundredths = String((of * 20_000n + all) / (all * 2n)).padStart(3, '0');
  return `${hundredths.slice(0, -2)}.${hundredths.slice(-2)}`;
}

/** The largest of some amounts in cents, as text; 0 of none. */
export function largest(amounts: readonly (number | string)[]): string {
  return String(amounts.map(BigInt).reduce((max, value) => (value > max ? value : max), 0n));
}

/** Two bars, one above the other: this month's, full, and last month's, pale. */
export function pairOfBars(
  { now, then }: { readonly now: string; readonly then: string },
  longest: string,
): Markup {
  return markup`<svg class="bars" aria-hidden="true" focusable="false">
<rect class="bar now" y="2" height="9" width="${percentOf(now, longest)}%" rx="1"></rect>
<rect class="bar then" y="13" height="7" width="${percentOf(then, longest)}%" rx="1"></rect>
</svg>`;
}

/** A part of a whole. */
export interface Share {
  /** One of the classes `part-1` to `part-3`. */
  readonly part: 1 | 2 | 3;
  readonly cents: number;
}

/** One bar that is the whole, made of its parts in their order. */
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

/** The colour of a part, beside its name. */
export function swatch(part: Share['part']): Markup {
  return markup`<svg class="swatch" aria-hidden="true" focusable="false"><rect class="part-${part}" width="12" height="12" rx="2"></rect></svg>`;
}
