import type { BillingDocument, DocumentLine, LineGroup } from './billing-document.ts';
import { wrapText, type Measure } from './wrap-text.ts';

/** Spreads the lines of a document over pages. Pure: a function that it gets measures texts. */

export interface Column {
  readonly head: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}
export type Columns = readonly [Column, Column, Column, Column];

/** A table to lay out: the lines of a document, or its appendix. */
type Laid = Pick<BillingDocument, 'heads' | 'groups'>;

/** The width of the table, in points. */
export const TABLE_WIDTH = 499;
/** Widths of the columns of figures, unless a number needs more. */
const FIGURE_WIDTHS: readonly number[] = [115, 121, 75];
const MIN_DESCRIPTION_WIDTH = 120;
/** Numbers up to this length fit into every column. Measuring all of them would be slow. */
const FITTING_DIGITS = 12;
/** Space between the text of two columns. */
export const GAP = 12;

/** Returns the columns. Long numbers get room at the expense of the descriptions, which can be broken. */
export function columnsOf({ heads, groups }: Laid, { text }: RowMeasures): Columns {
  const lines = groups.flatMap((group) => group.lines);
  const wanted = FIGURE_WIDTHS.map((width, index) =>
    lines.reduce((widest, { figures }) => {
      const long = (figures[index] ?? '').split(/\s/).filter((it) => it.length > FITTING_DIGITS);
      return Math.max(widest, ...long.map((number) => text(number) + GAP));
    }, width),
  );
  const room = TABLE_WIDTH - MIN_DESCRIPTION_WIDTH;
  const share = Math.min(1, room / wanted.reduce((sum, width) => sum + width, 0));
  const [second = 0, third = 0, fourth = 0] = wanted.map((width) => width * share);
  return [
    { head: heads[0], width: TABLE_WIDTH - second - third - fourth, align: 'left' },
    { head: heads[1], width: second, align: 'right' },
    { head: heads[2], width: third, align: 'right' },
    { head: heads[3], width: fourth, align: 'right' },
  ];
}

export const LINE_HEIGHT = 11.5;
const DETAIL_HEIGHT = 9.5;
const ROW_PADDING = 7;

/** A row of the table, with its texts wrapped. */
export interface Row {
  readonly kind: 'group' | 'line';
  readonly cells: readonly (readonly Span[])[];
  readonly height: number;
}

/** A line of text in a cell. */
export interface Span {
  readonly text: string;
  /** Whether it explains the amount; shown smaller. */
  readonly isDetail: boolean;
}

/** The rows of a page. */
export interface Page {
  readonly rows: readonly Row[];
}

/** Heights available for rows. */
export interface Room {
  readonly first: number;
  readonly others: number;
  /** Height of the part after the last row, which is never split. */
  readonly tail: number;
}

/** Fonts of the rows. */
export interface RowMeasures {
  readonly group: Measure;
  readonly text: Measure;
  readonly detail: Measure;
}

/** Spreads the lines over pages. The last page has room for the tail and may have no rows. */
export function layOut(
  { groups }: Laid,
  style: RowMeasures & { readonly columns: Columns },
  room: Room,
): Page[] {
  const pages: Row[][] = [[]];
  let left = room.first;
  const newPage = (): void => {
    pages.push([]);
    left = room.others;
  };
  const put = (row: Row): void => {
    pages.at(-1)?.push(row);
    left -= row.height;
  };
  for (const group of groups) {
    const [head, continued] = groupRows(group, style);
    group.lines.forEach((line, index) => {
      const rows = splitRow(lineRow(line, style), room.others - head.height);
      rows.forEach((row, part) => {
        const isFirst = index === 0 && part === 0;
        if (row.height + (isFirst ? head.height : 0) > left) {
          newPage();
          put(isFirst ? head : continued);
        } else if (isFirst) put(head);
        put(row);
      });
    });
  }
  if (room.tail > left) newPage();
  return pages.map((rows) => ({ rows }));
}

/** Returns the heading of a group of lines, and the heading for lines that continue on another page. */
function groupRows({ heading }: LineGroup, { group }: RowMeasures): readonly [Row, Row] {
  const rowOf = (text: string): Row =>
    makeRow('group', [
      wrapText(text, TABLE_WIDTH - GAP, group).map((line) => ({ text: line, isDetail: false })),
    ]);
  return [rowOf(heading), rowOf(`${heading} (continued)`)];
}

function lineRow(
  { name, details, figures }: DocumentLine,
  { columns, text, detail }: RowMeasures & { readonly columns: Columns },
): Row {
  const spans = (value: string, width: number, measure: Measure, isDetail = false): Span[] =>
    value === ''
      ? []
      : wrapText(value, width - GAP, measure).map((one) => ({ text: one, isDetail }));
  const [first, ...others] = columns;
  return makeRow('line', [
    [
      ...spans(name, first.width, text),
      ...details.flatMap((one) => spans(one, first.width, detail, true)),
    ],
    ...others.map(({ width }, index) => spans(figures[index] ?? '', width, text)),
  ]);
}

function makeRow(kind: Row['kind'], cells: Row['cells']): Row {
  const heights = cells.map((spans) => spans.reduce((sum, span) => sum + heightOf(span), 0));
  return { kind, cells, height: Math.max(LINE_HEIGHT, ...heights) + ROW_PADDING };
}

/** Returns the distance from the top of a line of text to the next one. */
export function heightOf({ isDetail }: Span): number {
  return isDetail ? DETAIL_HEIGHT : LINE_HEIGHT;
}

/** Splits a row that is higher than a page. */
function splitRow(row: Row, maxHeight: number): Row[] {
  if (row.height <= maxHeight) return [row];
  const perPart = Math.floor((maxHeight - ROW_PADDING) / LINE_HEIGHT);
  const parts = Math.ceil(Math.max(...row.cells.map(({ length }) => length)) / perPart);
  return Array.from({ length: parts }, (_, part) =>
    makeRow(
      row.kind,
      row.cells.map((cell) => cell.slice(part * perPart, (part + 1) * perPart)),
    ),
  );
}
