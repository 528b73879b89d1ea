import { GAP, heightOf, type Columns, type Page, type Row } from './pdf-layout.ts';
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
  type Struct,
} from './pdf-pen.ts';

/** Where a page of the table goes. */
interface Place {
  readonly columns: Columns;
  readonly start: number;
  readonly isFirst: boolean;
}

/** Draws the head of the table and a page of its rows. @returns the position below them */
export function drawRows(
  pen: Pen,
  table: Struct,
  { rows }: Page,
  { columns, start, isFirst }: Place,
): number {
  if (rows.length === 0) return start;
  const { pdf } = pen;
  const edges = columnEdges(columns);
  const drawHead = ({ head, align, left, right }: Edges): void => {
    const x = align === 'right' ? right : left;
    pen.write(head, { x, y: start, size: SIZE, weight: 'bold', color: INK, align });
  };
  if (isFirst) {
    const cells = edges.map((edge) => pdf.struct('TH', {}, () => drawHead(edge)));
    table.add(pdf.struct('TR', {}, cells));
  } else {
    // An artifact, so that screen readers read repeated heads only once.
    pdf.markContent('Artifact', { type: 'Pagination' });
    edges.forEach(drawHead);
    pdf.endMarkedContent();
  }
  drawRule(pdf, start + HEAD_HEIGHT - 5, 1, INK);
  let y = start + HEAD_HEIGHT;
  for (const row of rows) {
    drawRow(pen, table, row, { edges, top: y });
    y += row.height;
  }
  return y;
}

type Edges = ReturnType<typeof columnEdges>[number];

function columnEdges(columns: Columns) {
  let left = LEFT;
  return columns.map((column, index) => {
    const isLast = index === columns.length - 1;
    const edges = { ...column, left, right: left + column.width - (isLast ? 0 : GAP) };
    left += column.width;
    return edges;
  });
}

function drawRow(
  pen: Pen,
  table: Struct,
  { kind, cells, height }: Row,
  { edges, top }: { readonly edges: readonly Edges[]; readonly top: number },
): void {
  const { pdf } = pen;
  if (kind === 'group') {
    pdf.markContent('Artifact', { type: 'Layout' });
    pdf.rect(LEFT, top - 3, RIGHT - LEFT, height - 1).fill(BAND);
    pdf.endMarkedContent();
  }
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
