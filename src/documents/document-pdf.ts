import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import PDFDocument from 'pdfkit';
import type { Fact, InvoiceDocument, Party } from './invoice-document.ts';
import { createPen, type Pen } from './pdf-pen.ts';
import { COLUMNS, GAP, LINE_HEIGHT, layOut, type Page, type Row } from './pdf-layout.ts';
import { wrapText } from './wrap-text.ts';

/** A4, in points. */
const PAGE = { width: 595.28, height: 841.89 };
const LEFT = 48;
const RIGHT = LEFT + COLUMNS.reduce((sum, { width }) => sum + width, 0);
const TOP = 48;
const BOTTOM = PAGE.height - 64;
const HEAD_HEIGHT = 20;
const SIZE = 8.5;
const DETAIL_SIZE = 7;
const INK = '#1b2230';
const SOFT = '#565f70';
const RULE = '#d7dce5';
const BAND = '#f3f5f9';
const MARKS = { superseded: '#a3161d', void: '#a3161d', paid: '#17683a' };

/**
 * An invoice as PDF, tagged for screen readers. The same document makes the same bytes: no clock, no chance.
 * Other work gets its turn between pages.
 */
export async function documentPdf(document: InvoiceDocument): Promise<Buffer> {
  const issuedAt = new Date(document.issuedAt);
  const pdf = new PDFDocument({
    size: [PAGE.width, PAGE.height],
    margin: 0,
    autoFirstPage: false,
    pdfVersion: '1.7',
    tagged: true,
    lang: 'en-AU',
    displayTitle: true,
    info: {
      Title: `${document.title} ${document.number}`,
      Author: document.seller.name,
      Creator: 'arcadia-invoicing',
      CreationDate: issuedAt,
      ModDate: issuedAt,
    },
  });
  const bytes = buffer(pdf);
  const pen = createPen(pdf);
  const tail = tailOf(document, pen);
  const top = topOf(document, pen);
  const pages = layOut(
    document,
    {
      group: pen.measure('bold', SIZE),
      text: pen.measure('regular', SIZE),
      detail: pen.measure('regular', DETAIL_SIZE),
    },
    {
      first: BOTTOM - top.height - HEAD_HEIGHT,
      others: BOTTOM - TOP - 26 - HEAD_HEIGHT,
      tail: tail.height,
    },
  );
  const root = pdf.struct('Document');
  pdf.addStructure(root);
  const table = pdf.struct('Table');
  for (const [index, page] of pages.entries()) {
    if (index > 0) await setImmediate();
    pdf.addPage();
    drawFurniture(pdf, pen, document, `Page ${index + 1} of ${pages.length}`);
    if (index === 0) {
      top.draw(root);
      root.add(table);
    } else drawRunningHead(pdf, pen, document);
    const start = index === 0 ? top.height : TOP + 26;
    const end = drawRows(pdf, pen, table, page, { start, isFirst: index === 0 });
    if (index === pages.length - 1) {
      table.end();
      tail.draw(root, end);
    }
  }
  root.end();
  pdf.end();
  return bytes;
}

type Pdf = PDFKit.PDFDocument;
type Struct = ReturnType<Pdf['struct']>;

/** What is on every page, and no part of what it says. */
function drawFurniture(
  pdf: Pdf,
  pen: Pen,
  { mark, number }: InvoiceDocument,
  pageOf: string,
): void {
  pdf.markContent('Artifact', { type: 'Pagination' });
  if (mark !== null && mark.status !== 'paid') {
    pdf
      .save()
      .rotate(-54, { origin: [PAGE.width / 2, PAGE.height / 2] })
      .opacity(0.07);
    const text = mark.status.toUpperCase();
    const size = 96;
    const x = (PAGE.width - pen.measure('bold', size)(text)) / 2;
    pen.write(text, {
      x,
      y: PAGE.height / 2 - size / 2,
      size,
      weight: 'bold',
      color: MARKS[mark.status],
    });
    pdf.restore();
  }
  pdf
    .moveTo(LEFT, BOTTOM + 14)
    .lineTo(RIGHT, BOTTOM + 14)
    .lineWidth(0.5)
    .stroke(RULE);
  const y = BOTTOM + 21;
  pen.write(number, { x: LEFT, y, size: DETAIL_SIZE, color: SOFT });
  pen.write(pageOf, { x: RIGHT, y, size: DETAIL_SIZE, color: SOFT, align: 'right' });
  pdf.endMarkedContent();
}

/** On the pages after the first. */
function drawRunningHead(pdf: Pdf, pen: Pen, { title, number, mark }: InvoiceDocument): void {
  pdf.markContent('Artifact', { type: 'Pagination' });
  pen.write(`${title} ${number}`, { x: LEFT, y: TOP, size: 10, weight: 'bold', color: INK });
  if (mark !== null) {
    const color = MARKS[mark.status];
    pen.write(mark.text, { x: RIGHT, y: TOP, size: 10, weight: 'bold', color, align: 'right' });
  }
  pdf.endMarkedContent();
}

/** Title, mark, parties and facts: how far down they reach, and how they are drawn. */
function topOf(document: InvoiceDocument, pen: Pen) {
  const { title, mark, seller, buyer, facts } = document;
  const width = (RIGHT - LEFT) / 3;
  const blocks = [
    partyLines(seller, pen, width),
    partyLines(buyer, pen, width),
    factLines(facts, pen, width),
  ];
  const start = TOP + 48;
  const height = start + Math.max(...blocks.map(heightOf)) + 22;
  return {
    height,
    draw(root: Struct): void {
      const { pdf } = pen;
      root.add(
        pdf.struct('H1', {}, () =>
          pen.write(title, { x: LEFT, y: TOP - 6, size: 22, weight: 'bold', color: INK }),
        ),
      );
      if (mark !== null) {
        const color = MARKS[mark.status];
        root.add(
          pdf.struct('P', {}, () =>
            pen.write(mark.text, {
              x: RIGHT,
              y: TOP + 2,
              size: 12,
              weight: 'bold',
              color,
              align: 'right',
            }),
          ),
        );
      }
      drawRule(pdf, TOP + 28, 1.2, INK);
      blocks.forEach((lines, index) => {
        const section = pdf.struct('Sect');
        root.add(section);
        let y = start;
        for (const line of lines) {
          const { before, size, text, ...style } = line;
          y += before;
          const at = { x: LEFT + index * width, y, size, ...style };
          section.add(pdf.struct('P', {}, () => pen.write(text, at)));
          y += size * LEADING;
        }
        section.end();
      });
    },
  };
}

const LEADING = 1.36;

interface StyledLine {
  readonly text: string;
  readonly size: number;
  readonly before: number;
  readonly weight?: 'bold';
  readonly color: string;
}

function heightOf(lines: readonly StyledLine[]): number {
  return lines.reduce((sum, { size, before }) => sum + size * LEADING + before, 0);
}

function partyLines({ role, name, lines }: Party, pen: Pen, width: number): StyledLine[] {
  const room = width - GAP;
  return [
    { text: role.toUpperCase(), size: DETAIL_SIZE, before: 0, color: SOFT },
    ...wrapText(name, room, pen.measure('bold', 10)).map((text): StyledLine => ({
      text,
      size: 10,
      before: 0,
      weight: 'bold',
      color: INK,
    })),
    ...lines
      .flatMap((line) => wrapText(line, room, pen.measure('regular', SIZE)))
      .map((text) => ({ text, size: SIZE, before: 0, color: INK })),
  ];
}

function factLines(facts: readonly Fact[], pen: Pen, width: number): StyledLine[] {
  return facts.flatMap(({ label, value }, index) => [
    { text: label, size: DETAIL_SIZE, before: index === 0 ? 0 : 4, color: SOFT },
    ...wrapText(value, width, pen.measure('regular', SIZE)).map((text) => ({
      text,
      size: SIZE,
      before: 0,
      color: INK,
    })),
  ]);
}

/** The head of the table and a page of its rows. @returns how far down they reach */
function drawRows(
  pdf: Pdf,
  pen: Pen,
  table: Struct,
  { rows }: Page,
  { start, isFirst }: { readonly start: number; readonly isFirst: boolean },
): number {
  if (rows.length === 0) return start;
  const drawHead = (): void => {
    columnEdges().forEach(({ head, align, left, right }) => {
      const x = align === 'right' ? right : left;
      pen.write(head, { x, y: start, size: SIZE, weight: 'bold', color: INK, align });
    });
  };
  if (isFirst) {
    const cells = columnEdges().map(({ head, align, left, right }) =>
      pdf.struct('TH', {}, () => {
        const x = align === 'right' ? right : left;
        pen.write(head, { x, y: start, size: SIZE, weight: 'bold', color: INK, align });
      }),
    );
    table.add(pdf.struct('TR', {}, cells));
  } else {
    // Heads that are repeated are read once.
    pdf.markContent('Artifact', { type: 'Pagination' });
    drawHead();
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
      spans.forEach(({ text, isDetail }, lineIndex) => {
        const { align = 'left', left = LEFT, right = RIGHT } = edges[index] ?? {};
        const x = kind === 'group' ? LEFT + 4 : align === 'right' ? right : left;
        pen.write(text, {
          x,
          y: top + lineIndex * LINE_HEIGHT,
          size: isDetail ? DETAIL_SIZE : SIZE,
          color: isDetail ? SOFT : INK,
          align,
          ...(kind === 'group' && { weight: 'bold' as const }),
        });
      });
    }),
  );
  table.add(pdf.struct('TR', {}, structs));
  if (kind === 'line') drawRule(pdf, top + height - 4.5, 0.5, RULE);
}

/** Totals, how to pay, and notes: their height, and how they are drawn. */
function tailOf({ totals, payment, notes }: InvoiceDocument, pen: Pen) {
  const width = RIGHT - LEFT;
  const wrap = (lines: readonly string[], room: number, size: number): string[] =>
    lines.flatMap((line) => wrapText(line, room, pen.measure('regular', size)));
  const paymentLines = wrap(payment, width - 24, SIZE);
  const noteLines = wrap(notes, width, DETAIL_SIZE);
  const totalsHeight = totals.length * 17 + 14;
  const paymentHeight = paymentLines.length === 0 ? 0 : paymentLines.length * LINE_HEIGHT + 42;
  return {
    height: totalsHeight + paymentHeight + noteLines.length * 10 + 12,
    draw(root: Struct, start: number): void {
      const { pdf } = pen;
      let y = start + 6;
      totals.forEach(({ label, value }, index) => {
        const isLast = index === totals.length - 1;
        const style = { y, size: isLast ? 11 : SIZE, color: INK, align: 'right' as const };
        const weight = isLast ? { weight: 'bold' as const } : {};
        root.add(
          pdf.struct('P', {}, () => {
            pen.write(label, { ...style, ...weight, x: RIGHT - 110 });
            pen.write(value, { ...style, ...weight, x: RIGHT });
          }),
        );
        y += 17;
      });
      drawRule(pdf, y, 1.2, INK, RIGHT - 300);
      y += 14;
      if (paymentLines.length > 0) {
        pdf.markContent('Artifact', { type: 'Layout' });
        pdf.roundedRect(LEFT, y, width, paymentHeight - 12, 3).fill(BAND);
        pdf.endMarkedContent();
        const section = pdf.struct('Sect');
        root.add(section);
        const headY = y + 9;
        section.add(
          pdf.struct('P', {}, () =>
            pen.write('PAYMENT', { x: LEFT + 12, y: headY, size: DETAIL_SIZE, color: SOFT }),
          ),
        );
        paymentLines.forEach((text, index) => {
          const at = { x: LEFT + 12, y: headY + 12 + index * LINE_HEIGHT, size: SIZE, color: INK };
          section.add(pdf.struct('P', {}, () => pen.write(text, at)));
        });
        section.end();
        y += paymentHeight;
      }
      noteLines.forEach((text, index) => {
        const at = { x: LEFT, y: y + index * 10, size: DETAIL_SIZE, color: SOFT };
        root.add(pdf.struct('P', {}, () => pen.write(text, at)));
      });
    },
  };
}

function drawRule(pdf: Pdf, y: number, width: number, color: string, left = LEFT): void {
  pdf.markContent('Artifact', { type: 'Layout' });
  pdf.moveTo(left, y).lineTo(RIGHT, y).lineWidth(width).stroke(color);
  pdf.endMarkedContent();
}
