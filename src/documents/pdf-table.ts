import { COLUMNS, GAP, heightOf, type Page, type Row } from './pdf-layout.ts';
import {
  type Pen,
  BAND,
  DETAIL_SIZE,
  HEAD_HEIGHT,
  INK,
  LEFT,
  RIGHT,
  RULE,
  SIZE,
  SOFT,
  drawRule,
  type Pdf,
  type Struct,
} from './pdf-pen.ts';

/** Draws the head of the table and a page of its rows. @returns the position below them */
export function drawRows(
  pdf: Pdf,
  pen: Pen,
  table: Struct,
  { rows }: Page,
  { start, isFirst }: { readonly start: number; readonly isFirst: boolean },
): number {
  if (rows.length === 0) return start;
  const drawHead = ({ head, align, left, right }: Edges): void => {
    const x = align === 'right' ? right : left;
    pen.write(head, { x, y: start, size: SIZE, weight: 'bold', color: INK, align });
  };
  if (isFirst) {
    const cells = columnEdges().map((edges) => pdf.struct('TH', {}, () => drawHead(edges)));
    table.add(pdf.struct('TR', {}, cells));
  } else {
    // An artifact, so that screen readers read repeated heads only once.
    pdf.markContent('Artifact', { type: 'Pagination' });
    columnEdges().forEach(drawHead);
    pdf.endMarkedContent();
  }
  drawRule(pdf, start + HEAD_HEIGHT - 5, 1, INK);
  let y = start + HEAD_HEIGHT;
  for (const row of rows) {
    drawRow(pdf, pen, table, row, y);
    y += row.height;
  }
  return y;
}

type Edges = ReturnType<typeof columnEdges>[number];

function columnEdges() {
  let left = LEFT;
  return COLUMNS.map((column) => {
    const edges = {
      ...column,
      left,
      right: left + column.width - (column === COLUMNS[3] ? 0 : GAP),
    };
    left += column.width;
    return edges;
  });
}

function drawRow(
  pdf: Pdf,
  pen: Pen,
  table: Struct,
  { kind, cells, height }: Row,
  top: number,
): void {
  if (kind === 'group') {
    pdf.markContent('Artifact', { type: 'Layout' });
    pdf.rect(LEFT, top - 3, RIGHT - LEFT, height - 1).fill(BAND);
    pdf.endMarkedContent();
  }
  const edges = columnEdges();
  const structs = cells.map((spans, index) =>
    pdf.struct(kind === 'group' ? 'TH' : 'TD', {}, () => {
      let y = top;
      spans.forEach((span) => {
        const { text, isDetail } = span;
        const { align = 'left', left = LEFT, right = RIGHT } = edges[index] ?? {};
        const x = kind === 'group' ? LEFT + 4 : align === 'right' ? right : left;
        pen.write(text, {
          x,
          y,
          size: isDetail ? DETAIL_SIZE : SIZE,
          color: isDetail ? SOFT : INK,
          align,
          ...(kind === 'group' && { weight: 'bold' as const }),
        });
        y += heightOf(span);
      });
    }),
  );
  table.add(pdf.struct('TR', {}, structs));
  if (kind === 'line') drawRule(pdf, top + height - 4.5, 0.5, RULE);
}
