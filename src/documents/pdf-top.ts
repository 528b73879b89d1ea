import type { BillingDocument, Fact, Party } from './billing-document.ts';
import { GAP } from './pdf-layout.ts';
import {
  type Pen,
  DETAIL_SIZE,
  INK,
  LEFT,
  RED,
  RIGHT,
  SIZE,
  SOFT,
  TOP,
  drawRule,
  type Struct,
} from './pdf-pen.ts';
import { wrapText } from './wrap-text.ts';

const TITLE_SIZE = 22;
const MARK_SIZE = 12;

/** Returns the height of title, mark, parties, facts and statements, and a function that draws them. */
export function topOf(document: BillingDocument, pen: Pen) {
  const { title, seller, buyer, facts, statements } = document;
  const width = (RIGHT - LEFT) / 3;
  const columns = [
    partyLines(seller, pen, width),
    partyLines(buyer, pen, width),
    factLines(facts, pen, width),
  ];
  const marks = markLines(document, pen);
  const below = factLines(statements, pen, RIGHT - LEFT);
  const ruleY = TOP + 28 + Math.max(0, marks.length - 1) * MARK_SIZE * LEADING;
  const start = ruleY + 20;
  const statementsY = start + Math.max(...columns.map(heightOf)) + 14;
  return {
    height: statementsY + (below.length === 0 ? 0 : heightOf(below) + 10) + 8,
    draw(root: Struct): void {
      const { pdf } = pen;
      const writeTitle = (): void =>
        pen.write(title, { x: LEFT, y: TOP - 6, size: TITLE_SIZE, weight: 'bold', color: INK });
      root.add(pdf.struct('H1', {}, writeTitle));
      marks.forEach((text, index) => {
        const y = TOP + 2 + index * MARK_SIZE * LEADING;
        const style = { size: MARK_SIZE, weight: 'bold', color: RED, align: 'right' } as const;
        root.add(pdf.struct('P', {}, () => pen.write(text, { x: RIGHT, y, ...style })));
      });
      drawRule(pdf, ruleY, 1.2, INK);
      columns.forEach((lines, index) => {
        drawLines(pen, root, lines, { x: LEFT + index * width, y: start });
      });
      if (below.length > 0) drawLines(pen, root, below, { x: LEFT, y: statementsY });
    },
  };
}

/** The mark is beside the title. */
function markLines({ title, mark }: BillingDocument, pen: Pen): string[] {
  if (mark === null) return [];
  const room = RIGHT - LEFT - GAP - pen.measure('bold', TITLE_SIZE)(title);
  return wrapText(mark.text, room, pen.measure('bold', MARK_SIZE));
}

function drawLines(
  pen: Pen,
  root: Struct,
  lines: readonly StyledLine[],
  { x, y: top }: { readonly x: number; readonly y: number },
): void {
  const section = pen.pdf.struct('Sect');
  root.add(section);
  let y = top;
  for (const { before, size, text, ...style } of lines) {
    y += before;
    const at = { x, y, size, ...style };
    section.add(pen.pdf.struct('P', {}, () => pen.write(text, at)));
    y += size * LEADING;
  }
  section.end();
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
