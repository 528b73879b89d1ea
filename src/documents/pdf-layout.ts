import type { InvoiceDocument, LineGroup } from './invoice-document.ts';
import { wrapText, type Measure } from './wrap-text.ts';

/** Spreads the lines of an invoice over pages. Pure: a function that it gets measures texts. */

export interface Column {
  readonly head: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}

/** Points. */
export const COLUMNS: readonly [Column, Column, Column, Column] = [
  { head: 'Description', width: 188, align: 'left' },
  { head: 'Quantity', width: 115, align: 'right' },
  { head: 'Unit price', width: 121, align: 'right' },
  { head: 'Amount', width: 75, align: 'right' },
];
/** Space between the text of two columns. */
export const GAP = 12;
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
export function layOut(document: InvoiceDocument, measures: RowMeasures, room: Room): Page[] {
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
  for (const group of document.groups) {
    const [head, continued] = groupRows(group, measures);
    group.lines.forEach((line, index) => {
      const rows = splitRow(lineRow(line, measures), room.others - head.height);
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

/** Returns the heading of a deployment's lines, and the heading for lines that continue on another page. */
function groupRows({ deploymentId }: LineGroup, { group }: RowMeasures): readonly [Row, Row] {
  const width = COLUMNS.reduce((sum, column) => sum + column.width, 0) - GAP;
  const rowOf = (text: string): Row =>
    makeRow('group', [
      wrapText(text, width, group).map((line) => ({ text: line, isDetail: false })),
    ]);
  return [rowOf(deploymentId), rowOf(`${deploymentId} (continued)`)];
}

function lineRow(line: LineGroup['lines'][number], { text, detail }: RowMeasures): Row {
  const spans = (
    value: string,
    index: 0 | 1 | 2 | 3,
    measure: Measure,
    isDetail = false,
  ): Span[] =>
    value === ''
      ? []
      : wrapText(value, COLUMNS[index].width - GAP, measure).map((one) => ({
          text: one,
          isDetail,
        }));
  return makeRow('line', [
    [...spans(line.name, 0, text), ...line.details.flatMap((one) => spans(one, 0, detail, true))],
    spans(line.quantity, 1, text),
    spans(line.unitPrice, 2, text),
    spans(line.amount, 3, text),
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
