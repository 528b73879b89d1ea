import type { Appendix } from './billing-document.ts';
import { columnsOf, layOut, type Page, type RowMeasures } from './pdf-layout.ts';
import { INK, LEFT, TOP, type Pen, type Struct } from './pdf-pen.ts';
import { drawRows } from './pdf-table.ts';

const TITLE_SIZE = 13;
const TITLE_HEIGHT = 26;

/**
 * Returns the pages of an appendix and a function that draws one of them.
 * @param room the height that a page has for rows
 */
export function layOutAppendix(appendix: Appendix, measures: RowMeasures, room: number) {
  const columns = columnsOf(appendix, measures);
  const heights = { first: room - TITLE_HEIGHT, others: room, tail: 0 };
  const pages = layOut(appendix, { ...measures, columns }, heights);
  let table: Struct | null = null;
  return {
    pages,
    draw(pen: Pen, root: Struct, page: Page, index: number): void {
      const { pdf } = pen;
      const top = TOP + 26;
      if (table === null) {
        const title = { x: LEFT, y: top, size: TITLE_SIZE, weight: 'bold' as const, color: INK };
        root.add(pdf.struct('H2', {}, () => pen.write(appendix.title, title)));
        table = pdf.struct('Table');
        root.add(table);
      }
      const start = index === 0 ? top + TITLE_HEIGHT : top;
      drawRows(pen, table, page, { columns, start, isFirst: index === 0 });
      if (index === pages.length - 1) table.end();
    },
  };
}
