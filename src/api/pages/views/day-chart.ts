import { Decimal } from '../../../domain/decimal.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { Part } from './bars.ts';

/**
 * A chart of days, or of months, as inline SVG: a column for each, divided into parts. Widths are in percent, so it fits
 * any screen; heights are in pixels. Screen readers skip it; the same figures are in a table.
 */

export interface ChartDay {
  /** From the bottom up; exact decimals. */
  readonly parts: readonly { readonly part: Part; readonly value: string }[];
  /** Shown while the pointer is on the day. */
  readonly title: string;
}

/**
 * In pixels: the columns, half a line above them for the highest grid line's label, and room below for the days. The
 * style sheet places the labels of the grid lines accordingly.
 */
const PLOT = { top: 8, height: 132, bottom: 20 } as const;
const BASE = PLOT.top + PLOT.height;
/** A part is at least this high, so that it can be seen. */
const MIN_HEIGHT = 0.75;
/** The share of a day's width that its column takes. */
const COLUMN = 0.74;

/**
 * Renders the chart.
 * @param days one for each day of the month, in order
 * @param label formats the value of a grid line
 * @param nameOf what a column is called on the axis; null: nothing
 */
export function dayChart(
  days: readonly ChartDay[],
  label: (value: string) => string,
  nameOf: (index: number) => string | null = dayOf,
): Markup {
  const highest = days.map(({ parts }) => heightOf(parts)).reduce(maxOf, new Decimal(0));
  const top = roundUp(highest);
  const lines = [top, top.dividedBy(2)];
  const grid = lines.map((value) => {
    const y = yOf(value, top);
    return markup`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"></line>`;
  });
  const labels = [...lines.map((value) => label(value.toFixed())), '0'];
  const columns = days.map((day, index) => column(day, index, days.length, top));
  const marks = days.map((_, index) => {
    const name = nameOf(index);
    return name === null
      ? ''
      : markup`<text class="axis" x="${percent((index + 0.5) / days.length)}" y="${BASE + 15}">${name}</text>`;
  });
  return markup`<div class="plot" aria-hidden="true"><div class="ticks">${labels.map((text) => markup`<span>${text}</span>`)}</div>
<svg class="chart" height="${BASE + PLOT.bottom}" focusable="false">
${grid}${columns}<line class="base" x1="0" x2="100%" y1="${BASE}" y2="${BASE}"></line>${marks}
</svg></div>
`;
}

function column({ parts, title }: ChartDay, index: number, days: number, top: Decimal): Markup {
  const x = percent((index + (1 - COLUMN) / 2) / days);
  const width = percent(COLUMN / days);
  let y = BASE;
  const rects = parts.flatMap(({ part, value }) => {
    if (!new Decimal(value).greaterThan(0)) return [];
    const height = Math.max(
      new Decimal(value).dividedBy(top).times(PLOT.height).toNumber(),
      MIN_HEIGHT,
    );
    y -= height;
    return markup`<rect class="part-${part}" x="${x}" y="${y.toFixed(2)}" width="${width}" height="${height.toFixed(2)}"></rect>`;
  });
  // The whole height shows the title, so that low columns can be pointed at.
  return markup`<g><title>${title}</title><rect class="hit" x="${percent(index / days)}" y="${PLOT.top}" width="${percent(1 / days)}" height="${PLOT.height}"></rect>${rects}</g>
`;
}

/** Returns the height of a day: a negative correction takes nothing off the other parts. */
function heightOf(parts: ChartDay['parts']): Decimal {
  return parts
    .map(({ value }) => Decimal.max(value, 0))
    .reduce((sum, value) => sum.plus(value), new Decimal(0));
}

function maxOf(a: Decimal, b: Decimal): Decimal {
  return Decimal.max(a, b);
}

/** Returns the next number of 1, 2, 4 or 10 times a power of ten, half of which is easy to read, too; 1 for 0. */
export function roundUp(value: Decimal): Decimal {
  if (!value.greaterThan(0)) return new Decimal(1);
  const power = new Decimal(10).pow(value.logarithm(10).floor());
  const steps = [1, 2, 4, 10].map((step) => power.times(step));
  return steps.find((step) => step.greaterThanOrEqualTo(value)) ?? power.times(10);
}

function yOf(value: Decimal, top: Decimal): string {
  return value.dividedBy(top).times(-PLOT.height).plus(BASE).toFixed(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}

/** Names the first day and every fifth; the 30th is the last one that is named. */
function dayOf(index: number): string | null {
  const day = index + 1;
  return day === 1 || day % 5 === 0 ? String(day) : null;
}
