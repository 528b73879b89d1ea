import { markup, type Markup } from '../../../lib/markup.ts';

/** A column of a table. */
export interface Column<Row> {
  /** Text, or markup where the head says more than it shows. */
  readonly head: string | Markup;
  readonly cell: (row: Row) => unknown;
  /** Figures stand at the right. */
  readonly isFigure?: boolean;
  /** Left out where there is little room. */
  readonly isWide?: boolean;
  /** What the row is about: the head of the row. */
  readonly isHead?: boolean;
}

export interface TableOptions<Row> {
  /** What is in the table. */
  readonly caption: string;
  /** For who sees the page: by default the caption is heard only, where a heading says the same. */
  readonly hasVisibleCaption?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Instead of a table without rows. */
  readonly empty: string;
  readonly foot?: Markup;
}

/** A table that can be scrolled by itself, with the keyboard too, where it is wider than the page. */
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
