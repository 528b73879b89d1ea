import Table from 'cli-table3';
import { style, terminalWidth, type Format } from './styled-text.ts';

export interface Column<Row> {
  readonly head: string;
  readonly align?: 'left' | 'right';
  /** Words for people, which may go onto several lines where there is little room. */
  readonly wrap?: boolean;
  readonly value: (row: Row) => string | number | null;
  /** How it stands out, on a terminal. */
  readonly format?: (row: Row) => Format | null;
}

/** White space instead of boxes: the eye follows the columns, and so does a copied text. */
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

/** Tables are moved to the right by that much in places. */
const MARGIN = 2;

/**
 * Rows as a plain table. Where they don't fit into the width, words are wrapped; where that is not
 * enough, each row is told field by field. Nothing is ever cut off.
 * @param width columns; null: as many as it takes, so that what is piped is always the same
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

/** A field a line; those that are empty are left out. */
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

/** The same, every line moved to the right. */
export function indent(text: string, by = 2): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
}

/** What a column of a table has to hold. */
interface ColumnTexts {
  readonly wrap: boolean;
  /** Its head and its cells. */
  readonly texts: readonly string[];
}

/**
 * How wide each column is to be. Those of words give way, the widest first, down to their longest
 * word; the others are as wide as what they hold, for ids and amounts are to be copied whole.
 * @param gap columns between two of them
 * @returns null where there is no room for that
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
