import type { BillingDocument } from './billing-document.ts';
import type { Weight } from './pdf-fonts.ts';
import { GAP, LINE_HEIGHT } from './pdf-layout.ts';
import {
  type Pen,
  BAND,
  DETAIL_SIZE,
  INK,
  LEFT,
  RIGHT,
  SIZE,
  SOFT,
  drawRule,
  type Struct,
} from './pdf-pen.ts';
import { cutText, wrapText } from './wrap-text.ts';

/** Returns the height of totals, payment details and notes, and a function that draws them. */
export function tailOf({ totals, payment, notes }: BillingDocument, pen: Pen) {
  const width = RIGHT - LEFT;
  const wrap = (lines: readonly string[], room: number, size: number): string[] =>
    lines.flatMap((line) => wrapText(line, room, pen.measure('regular', size)));
  const paymentLines = wrap(payment, width - 24, SIZE);
  const noteLines = wrap(notes, width, DETAIL_SIZE);
  const totalsHeight = totals.length * 17 + 14;
  // Labels end where the widest amount begins.
  const widths = totals.map(({ value, isTotal }) => {
    const [weight, size] = fontOf(isTotal);
    return pen.measure(weight, size)(value);
  });
  const labelRight = RIGHT - Math.max(110, ...widths.map((one) => one + 2 * GAP));
  const paymentHeight = paymentLines.length === 0 ? 0 : paymentLines.length * LINE_HEIGHT + 42;
  return {
    height: totalsHeight + paymentHeight + noteLines.length * 10 + 12,
    draw(root: Struct, start: number): void {
      const { pdf } = pen;
      let y = start + 6;
      totals.forEach(({ label, value, isTotal }) => {
        const [weight, size] = fontOf(isTotal);
        const style = { y, size, weight, color: INK, align: 'right' as const };
        root.add(
          pdf.struct('P', {}, () => {
            pen.write(cutText(label, labelRight - LEFT, pen.measure(weight, size)), {
              ...style,
              x: labelRight,
            });
            pen.write(value, { ...style, x: RIGHT });
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

function fontOf(isTotal: boolean): readonly [Weight, number] {
  return isTotal ? ['bold', 11] : ['regular', SIZE];
}
