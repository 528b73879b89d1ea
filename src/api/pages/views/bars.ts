import { markup, type Markup } from '../../../lib/markup.ts';

/**
 * Bars as inline SVG. Lengths are attributes in percent, so they fit any width. Colours come from the style sheet,
 * because the page's policy forbids inline styles. Screen readers skip them; the same figures are in tables.
 */

/** Returns a share in percent with two decimals, computed from exact cents. */
export function percentOf(part: number | string, whole: number | string): string {
  const [of, all] = [BigInt(part), BigInt(whole)];
  if (all <= 0n || of <= 0n) return '0';
  const hundredths = String((of * 20_000n + all) / (all * 2n)).padStart(3, '0');
  return `${hundredths.slice(0, -2)}.${hundredths.slice(-2)}`;
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

/** A part of a whole. */
export interface Share {
  /** One of the classes `part-1` to `part-3`. */
  readonly part: 1 | 2 | 3;
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
export function swatch(part: Share['part']): Markup {
  return markup`<svg class="swatch" aria-hidden="true" focusable="false"><rect class="part-${part}" width="12" height="12" rx="2"></rect></svg>`;
}
