import type { Fact, InvoiceDocument, Party } from './invoice-document.ts';
import { GAP } from './pdf-layout.ts';
import {
  type Pen,
  DETAIL_SIZE,
  INK,
  LEFT,
  MARKS,
  RIGHT,
  SIZE,
  SOFT,
  TOP,
  drawRule,
  type Struct,
} from './pdf-pen.ts';
import { wrapText } from './wrap-text.ts';

/** Returns the height of title, mark, parties and facts, and a function that draws them. */
export function topOf(document: InvoiceDocument, pen: Pen) {
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
