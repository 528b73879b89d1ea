import { markup, type Markup } from '../../../lib/markup.ts';

/** A column of a table. */
export interface Column<Row> {
  /** Text, or markup if screen readers get more than is visible. */
  readonly head: string | Markup;
  readonly cell: (row: Row) => unknown;
  /** Figures are right-aligned. */
  readonly isFigure?: boolean;
  /** Hidden on narrow screens. */
  readonly isWide?: boolean;
  /** The cell that names the row. */
  readonly isHead?: boolean;
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
  readonly foot?: Markup;
}

/** Renders a table. If it is wider than the page, it scrolls by itself, also with the keyboard. */
export function table<Row>(options: TableOptions<Row>): Markup {
  const { caption, columns, rows, empty, foot, hasVisibleCaption = false } = options;
  if (rows.length === 0) return markup`<p class="empty">${empty}</p>`;
  const captionClass = hasVisibleCaption ? '' : 'heard';
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption class="${captionClass}">${caption}</caption>
<thead><tr>${columns.map(headCell)}</tr></thead>
<tbody>
${rows.map((row) => markup`<tr>${columns.map((column) => bodyCell(column, row))}</tr>\n`)}</tbody>
${foot ?? ''}</table>
</div>
`;
}

function headCell<Row>(column: Column<Row>): Markup {
  return markup`<th scope="col" class="${classOf(column)}">${column.head}</th>`;
}

function bodyCell<Row>(column: Column<Row>, row: Row): Markup {
  const content = column.cell(row);
  return column.isHead
    ? markup`<th scope="row" class="${classOf(column)}">${content}</th>`
    : markup`<td class="${classOf(column)}">${content}</td>`;
}

function classOf<Row>({ isFigure, isWide }: Column<Row>): string {
  return [isFigure && 'figure', isWide && 'wide'].filter(Boolean).join(' ');
}
