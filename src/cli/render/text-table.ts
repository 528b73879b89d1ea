import Table from 'cli-table3';
import { style, terminalWidth, type Format } from './styled-text.ts';

export interface Column<Row> {
  readonly head: string;
  readonly align?: 'left' | 'right';
  /** Prose that may be wrapped if the table is too wide. */
  readonly wrap?: boolean;
  readonly value: (row: Row) => string | number | null;
  /** The style of the cell on a terminal. */
  readonly format?: (row: Row) => Format | null;
}

/** White space instead of boxes, so that copied text stays readable. */
const GAP = '  ';
const CHARS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};

/** Some tables are indented by this much. */
const MARGIN = 2;

/**
 * The rows as a plain table. If it is too wide, `wrap` columns are wrapped; if it is still too wide, each row is shown
 * field by field. Nothing is cut off.
 * @param width in columns; null for no limit, so that piped output never depends on a terminal
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty = 'none',
  width = terminalWidth(),
): string {
  if (rows.length === 0) return empty;
  const cells = rows.map((row) => columns.map(({ value }) => String(value(row) ?? '')));
  const texts = columns.map(({ head, wrap = false }, index) => ({
    wrap,
    texts: [head, ...cells.map((row) => row[index] ?? '')],
  }));
  const widths = fitWidths(texts, width === null ? Infinity : width - MARGIN, GAP.length);
  const styled = cells.map((texts, row) =>
    texts.map((text, column) => paint(columns[column], rows[row] as Row, text)),
  );
  return widths === null ? renderRecords(columns, styled) : renderGrid(columns, styled, widths);
}

function paint<Row>(column: Column<Row> | undefined, row: Row, text: string): string {
  const format = text === '' ? null : column?.format?.(row);
  return format ? style(format, text) : text;
}

function renderGrid<Row>(
  columns: readonly Column<Row>[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): string {
  const table = new Table({
    head: columns.map(({ head }) => head && style('bold', head)),
    colAligns: columns.map(({ align = 'left' }) => align),
    colWidths: [...widths],
    wordWrap: true,
    wrapOnWordBoundary: true,
    chars: CHARS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Rows with a line per field; empty fields are left out. */
function renderRecords<Row>(
  columns: readonly Column<Row>[],
  rows: readonly (readonly string[])[],
): string {
  const width = Math.max(...columns.map(({ head }) => head.length));
  return rows
    .map((texts) =>
      columns
        .map(({ head }, index) => ({ head, text: texts[index] ?? '' }))
        .filter(({ text }) => text !== '')
        .map(({ head, text }) => {
          const label = style('bold', head) + ' '.repeat(width - head.length);
          return `${label}${GAP}${text.replaceAll('\n', `\n${' '.repeat(width)}${GAP}`)}`.trimEnd();
        })
        .join('\n'),
    )
    .join('\n\n');
}

/** The text with every non-empty line indented. */
export function indent(text: string, by = 2): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
}

/** The contents of a column. */
interface ColumnTexts {
  readonly wrap: boolean;
  /** Heading and cells. */
  readonly texts: readonly string[];
}

/**
 * The width of each column. `wrap` columns shrink, widest first, down to their longest word; the others keep their full
 * width, so that ids and amounts can be copied whole.
 * @param gap space between two columns
 * @returns null if the columns don't fit
 */
export function fitWidths(
  columns: readonly ColumnTexts[],
  width: number,
  gap: number,
): readonly number[] | null {
  const widths = columns.map(({ texts }) => longest(texts, /\n/));
  const least = columns.map(({ wrap, texts }, index) =>
    wrap ? longest(texts, /\s/) : (widths[index] ?? 0),
  );
  const room = width - gap * (columns.length - 1);
  if (sum(least) > room) return null;
  while (sum(widths) > room) {
    const [widest = 0] = columns
      .map((_column, index) => index)
      .filter((index) => (widths[index] ?? 0) > (least[index] ?? 0))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function longest(texts: readonly string[], separator: RegExp): number {
  return Math.max(...texts.flatMap((text) => text.split(separator).map(({ length }) => length)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
