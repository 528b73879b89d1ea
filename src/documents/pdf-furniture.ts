import type { InvoiceDocument } from './invoice-document.ts';
import {
  type Pen,
  BOTTOM,
  DETAIL_SIZE,
  INK,
  LEFT,
  MARKS,
  PAGE,
  RIGHT,
  RULE,
  SOFT,
  TOP,
  type Pdf,
} from './pdf-pen.ts';

/** Draws what every page has besides its content: watermark, invoice number and page number. */
export function drawFurniture(
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

/** Draws the header of the pages after the first. */
export function drawRunningHead(
  pdf: Pdf,
  pen: Pen,
  { title, number, mark }: InvoiceDocument,
): void {
  pdf.markContent('Artifact', { type: 'Pagination' });
  pen.write(`${title} ${number}`, { x: LEFT, y: TOP, size: 10, weight: 'bold', color: INK });
  if (mark !== null) {
    const color = MARKS[mark.status];
    pen.write(mark.text, { x: RIGHT, y: TOP, size: 10, weight: 'bold', color, align: 'right' });
  }
  pdf.endMarkedContent();
}
