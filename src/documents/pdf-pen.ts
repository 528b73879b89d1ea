import { faceOf, toRuns, type FaceName, type Weight } from './pdf-fonts.ts';
import { TABLE_WIDTH } from './pdf-layout.ts';
import type { Measure } from './wrap-text.ts';

/** Positions, sizes and colours on a page of a document. */

/** A4, in points. */
export const PAGE = { width: 595.28, height: 841.89 };
export const LEFT = 48;
export const RIGHT = LEFT + TABLE_WIDTH;
export const TOP = 48;
export const BOTTOM = PAGE.height - 64;
export const HEAD_HEIGHT = 20;
export const SIZE = 8.5;
export const DETAIL_SIZE = 7;
export const INK = '#1b2230';
export const SOFT = '#565f70';
export const RULE = '#d7dce5';
export const BAND = '#f3f5f9';
/** Of what says that a document must not be paid. */
export const RED = '#a3161d';

export type Pdf = PDFKit.PDFDocument;
/** A part of the page's structure, for screen readers. */
export type Struct = ReturnType<Pdf['struct']>;

/** Draws a decorative line across the page, which screen readers skip. */
export function drawRule(pdf: Pdf, y: number, width: number, color: string, left = LEFT): void {
  pdf.markContent('Artifact', { type: 'Layout' });
  pdf.moveTo(left, y).lineTo(RIGHT, y).lineWidth(width).stroke(color);
  pdf.endMarkedContent();
}

export interface TextStyle {
  /** The left edge; the right edge of right-aligned text. */
  readonly x: number;
  /** The top. */
  readonly y: number;
  /** Points. */
  readonly size: number;
  readonly color: string;
  readonly weight?: Weight;
  readonly align?: 'left' | 'right';
}

/** Writes and measures single lines of text. */
export interface Pen {
  readonly pdf: Pdf;
  readonly measure: (weight: Weight, size: number) => Measure;
  readonly write: (text: string, style: TextStyle) => void;
}

export function createPen(pdf: Pdf): Pen {
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
        // Faces are aligned at their baselines, not at their tops.
        const top = y + (faceOf(weight).ascent - faceOf(run.face).ascent) * size;
        take(run.face, size);
        pdf.fillColor(color).text(run.text, left, top, { lineBreak: false });
        left += pdf.widthOfString(run.text);
      }
    },
  };
}
