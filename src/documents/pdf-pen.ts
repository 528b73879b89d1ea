import { faceOf, toRuns, type FaceName, type Weight } from './pdf-fonts.ts';
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
  const registered = new Set<FaceName>();
  const take = (face: FaceName, size: number): void => {
    if (!registered.has(face)) pdf.registerFont(face, faceOf(face).bytes);
    registered.add(face);
    pdf.font(face).fontSize(size);
  };
  const widthOf = (face: FaceName, size: number, text: string): number => {
    take(face, size);
    return pdf.widthOfString(text);
  };
  const measure =
    (weight: Weight, size: number): Measure =>
    (text) =>
      toRuns(text, weight).reduce((sum, run) => sum + widthOf(run.face, size, run.text), 0);
  return {
    pdf,
    measure,
    write(text, { x, y, size, color, weight = 'regular', align = 'left' }) {
      let left = align === 'right' ? x - measure(weight, size)(text) : x;
      for (const run of toRuns(text, weight)) {
        // What the faces have in common is the line that letters stand on, not their tops.
        const top = y + (faceOf(weight).ascent - faceOf(run.face).ascent) * size;
        take(run.face, size);
        pdf.fillColor(color).text(run.text, left, top, { lineBreak: false });
        left += pdf.widthOfString(run.text);
      }
    },
  };
}
