import { renderTable, type Column } from '../../src/cli/render/text-table.ts';
import type { Bound, Figure, Quantity } from './bench.ts';
import { verdictOf } from './verdict.ts';

const DIGITS = 3;

/** Formats three significant digits, more than a measurement justifies; whole numbers stay unchanged. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const options: Intl.NumberFormatOptions =
    Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: DIGITS };
  return new Intl.NumberFormat('en', options).format(value);
}

function formatQuantity({ value, unit }: Quantity): string {
  return `${formatNumber(value)} ${unit}`.trim();
}

function formatBound(bound: Bound | undefined): string {
  if (!bound) return '';
  return 'atLeast' in bound
    ? `≥ ${formatNumber(bound.atLeast)}`
    : `≤ ${formatNumber(bound.atMost)}`;
}

const NAME: Column<Figure> = { head: 'figure', value: ({ name }) => name };
const MEASURED: Column<Figure> = {
  head: 'measured',
  align: 'right',
  value: ({ measured }) => formatQuantity(measured),
};
const LIMIT: Column<Figure> = {
  head: 'limit',
  align: 'right',
  value: ({ against }) => (against ? formatQuantity(against) : ''),
};
const OF_BOUND: readonly Column<Figure>[] = [
  {
    head: 'ratio',
    align: 'right',
    value: ({ ratio }) => (ratio === undefined ? '' : formatNumber(ratio)),
  },
  { head: 'bound', align: 'right', value: ({ bound }) => formatBound(bound) },
  { head: '', value: (figure) => ({ ok: 'ok', short: 'SHORT', none: '' })[verdictOf(figure)] },
];

/** Renders figures as a table for terminals, with limits and notes below. */
export function renderFigures(figures: readonly Figure[]): string {
  const notes = figures.flatMap(({ name, against, note }) => {
    const parts = [against && `limit: ${against.name}`, note].filter((part) => part !== undefined);
    return parts.length === 0 ? [] : `  ${name}: ${parts.join('; ')}`;
  });
  return [renderTable([NAME, MEASURED, LIMIT, ...OF_BOUND], figures), ...notes].join('\n');
}

const MARKDOWN: readonly Column<Figure>[] = [
  NAME,
  MEASURED,
  LIMIT,
  { head: 'which is', value: ({ against }) => against?.name ?? '' },
  ...OF_BOUND,
  { head: 'note', value: ({ note }) => note ?? '' },
];

/** Renders figures as a Markdown table. */
export function renderFiguresAsMarkdown(figures: readonly Figure[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(MARKDOWN.map(({ head }) => head)),
    row(MARKDOWN.map(({ align }) => (align === 'right' ? '--:' : '---'))),
    ...figures.map((figure) =>
      row(MARKDOWN.map(({ value }) => String(value(figure) ?? '').replaceAll('|', '\\|'))),
    ),
  ].join('\n');
}
