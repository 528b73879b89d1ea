import { COLUMNS } from './pdf-layout.ts';

/** Where things are on a page of an invoice, how big, and in which colours. */

/** A4, in points. */
export const PAGE = { width: 595.28, height: 841.89 };
export const LEFT = 48;
export const RIGHT = LEFT + COLUMNS.reduce((sum, { width }) => sum + width, 0);
export const TOP = 48;
export const BOTTOM = PAGE.height - 64;
export const HEAD_HEIGHT = 20;
export const SIZE = 8.5;
export const DETAIL_SIZE = 7;
export const INK = '#1b2230';
export const SOFT = '#565f70';
export const RULE = '#d7dce5';
export const BAND = '#f3f5f9';
export const MARKS = { superseded: '#a3161d', void: '#a3161d', paid: '#17683a' };

export type Pdf = PDFKit.PDFDocument;
/** A part of what the page says, for screen readers. */
export type Struct = ReturnType<Pdf['struct']>;

/** A line across the page, which says nothing. */
export function drawRule(pdf: Pdf, y: number, width: number, color: string, left = LEFT): void {
  pdf.markContent('Artifact', { type: 'Layout' });
  pdf.moveTo(left, y).lineTo(RIGHT, y).lineWidth(width).stroke(color);
  pdf.endMarkedContent();
}
