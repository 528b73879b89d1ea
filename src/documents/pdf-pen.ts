import { WEIGHTS, faceOf, withBoxes, type Weight } from './pdf-fonts.ts';
import type { Measure } from './wrap-text.ts';

export interface TextStyle {
  /** The left edge; the right one where the text is aligned to it. */
  readonly x: number;
  /** The top. */
  readonly y: number;
  /** Points. */
  readonly size: number;
  readonly color: string;
  readonly weight?: Weight;
  readonly align?: 'left' | 'right';
}

/** Writes single lines, and knows how wide they are. */
export interface Pen {
  readonly pdf: PDFKit.PDFDocument;
  readonly measure: (weight: Weight, size: number) => Measure;
  readonly write: (text: string, style: TextStyle) => void;
}

export function createPen(pdf: PDFKit.PDFDocument): Pen {
  for (const weight of WEIGHTS) pdf.registerFont(weight, faceOf(weight).bytes);
  const take = (weight: Weight, size: number): void => {
    pdf.font(weight).fontSize(size);
  };
  const measure =
    (weight: Weight, size: number): Measure =>
    (text) => {
      take(weight, size);
      return pdf.widthOfString(withBoxes(text, weight));
    };
  return {
    pdf,
    measure,
    write(text, { x, y, size, color, weight = 'regular', align = 'left' }) {
      const left = align === 'right' ? x - measure(weight, size)(text) : x;
      take(weight, size);
      pdf.fillColor(color).text(withBoxes(text, weight), left, y, { lineBreak: false });
    },
  };
}
