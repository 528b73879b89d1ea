import type { BillingDocument } from './billing-document.ts';
import { GAP } from './pdf-layout.ts';
import {
  type Pen,
  BOTTOM,
  DETAIL_SIZE,
  INK,
  LEFT,
  PAGE,
  RED,
  RIGHT,
  RULE,
  SOFT,
  TOP,
} from './pdf-pen.ts';
import { cutText } from './wrap-text.ts';

/** Draws what every page has besides its content: watermark, number of the document and page number. */
export function drawFurniture(pen: Pen, { mark, number }: BillingDocument, pageOf: string): void {
  const { pdf } = pen;
  pdf.markContent('Artifact', { type: 'Pagination' });
  if (mark !== null) {
    pdf
      .save()
      .rotate(-54, { origin: [PAGE.width / 2, PAGE.height / 2] })
      .opacity(0.07);
    const text = mark.status.toUpperCase();
    const size = 96;
    const x = (PAGE.width - pen.measure('bold', size)(text)) / 2;
    pen.write(text, { x, y: PAGE.height / 2 - size / 2, size, weight: 'bold', color: RED });
    pdf.restore();
  }
  pdf
    .moveTo(LEFT, BOTTOM + 14)
    .lineTo(RIGHT, BOTTOM + 14)
    .lineWidth(0.5)
    .stroke(RULE);
  const y = BOTTOM + 21;
  const style = { y, size: DETAIL_SIZE, color: SOFT };
  const room = RIGHT - LEFT - GAP - pen.measure('regular', DETAIL_SIZE)(pageOf);
  pen.write(cutText(number, room, pen.measure('regular', DETAIL_SIZE)), { ...style, x: LEFT });
  pen.write(pageOf, { ...style, x: RIGHT, align: 'right' });
  pdf.endMarkedContent();
}

/** Draws the header of the pages after the first. */
export function drawRunningHead(pen: Pen, { title, number, mark }: BillingDocument): void {
  const { pdf } = pen;
  const style = { y: TOP, size: 10, weight: 'bold' } as const;
  const measure = pen.measure('bold', 10);
  pdf.markContent('Artifact', { type: 'Pagination' });
  // With a mark, each has half of the line.
  const room = mark === null ? RIGHT - LEFT : (RIGHT - LEFT - GAP) / 2;
  const head = cutText(`${title} ${number}`, room, measure);
  pen.write(head, { ...style, x: LEFT, color: INK });
  if (mark !== null) {
    const text = cutText(mark.text, room, measure);
    pen.write(text, { ...style, x: RIGHT, color: RED, align: 'right' });
  }
  pdf.endMarkedContent();
}
