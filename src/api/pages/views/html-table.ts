import { markup, type Markup } from '../../../lib/markup.ts';

/** A column of a table. */
export interface Column<Row> {
  /** Text, or markup if screen readers get more than is visible. */
  readonly head: string | Markup;
  readonly cell: (row: Row) => unknown;
  /** Figures are right-aligned and never break. */
  readonly isFigure?: boolean;
  /** The cell that names the row. */
  readonly isHead?: boolean;
}

/** A row of sums below all others. */
export interface SumRow {
  readonly name: string;
  /** By the head of their column. */
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface TableOptions<Row> {
  /** Describes the table. */
  readonly caption: string;
  /** By default only screen readers get the caption, because a heading says the same. */
  readonly hasVisibleCaption?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Text to show instead of a table without rows. */
  readonly empty: string;
  readonly sums?: readonly SumRow[];
}

/** Tables with more columns don't fit on a phone. There, each row becomes a block, and each cell a line with its label. */
const MAX_COLUMNS_ON_PHONES = 3;

/** Renders a table. If it is wider than the page, it scrolls by itself, also with the keyboard. */
export function table<Row>(options: TableOptions<Row>): Markup {
  const { caption, columns, rows, empty, sums = [], hasVisibleCaption = false } = options;
  if (rows.length === 0) return markup`<p class="empty">${empty}</p>`;
  const isStacked = columns.length > MAX_COLUMNS_ON_PHONES;
  const row = (cellOf: (column: Column<Row>) => unknown) =>
    markup`<tr>${columns.map((column) => bodyCell(column, cellOf(column), isStacked))}</tr>`;
  const foot = sums.map((sum) => row((column) => sumCell(column, sum)));
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table${isStacked ? markup` class="stacked"` : ''}>
<caption class="${hasVisibleCaption ? '' : 'heard'}">${caption}</caption>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>
${rows.map((each) => markup`${row((column) => column.cell(each))}\n`)}</tbody>
${foot.length === 0 ? '' : markup`<tfoot>${foot}</tfoot>\n`}</table>
</div>
`;
}

function headCell<Row>({ head, isFigure }: Column<Row>): Markup {
  return markup`<th scope="col" class="${isFigure ? 'figure' : ''}">${head}</th>`;
}

function sumCell<Row>({ head, isHead }: Column<Row>, { name, figures }: SumRow): unknown {
  if (isHead) return name;
  return typeof head === 'string' ? (figures[head] ?? '') : '';
}

function bodyCell<Row>(column: Column<Row>, content: unknown, isStacked: boolean): Markup {
  const { head, isFigure, isHead } = column;
  const inner = markup`${content}`;
  const classes = [isFigure && 'figure', isStacked && inner.text === '' && 'blank']
    .filter(Boolean)
    .join(' ');
  if (isHead) return markup`<th scope="row" class="${classes}">${inner}</th>`;
  const label = isStacked && typeof head === 'string' && head !== '';
  return markup`<td class="${classes}"${label ? markup` data-label="${head}"` : ''}>${inner}</td>`;
}

/** Renders the link to the next page of a list; nothing on the last page. */
export function nextLink(nextHref: string | null, text: string): Markup {
  if (nextHref === null) return markup``;
  return markup`<p><a href="${nextHref}" rel="next">${text}</a></p>
`;
}
