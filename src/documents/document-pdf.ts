import { buffer } from 'node:stream/consumers';
import PDFDocument from 'pdfkit';
import type { BillingDocument } from './billing-document.ts';
import { drawFurniture, drawRunningHead } from './pdf-furniture.ts';
import { columnsOf, layOut } from './pdf-layout.ts';
import { createPen, BOTTOM, DETAIL_SIZE, HEAD_HEIGHT, PAGE, SIZE, TOP } from './pdf-pen.ts';
import { layOutAppendix } from './pdf-appendix.ts';
import { drawRows } from './pdf-table.ts';
import { tailOf } from './pdf-tail.ts';
import { topOf } from './pdf-top.ts';

/**
 * Renders an invoice or a note as PDF, tagged for screen readers. The same document gives the same bytes: it depends on no clock
 * and no randomness.
 */
export async function documentPdf(document: BillingDocument): Promise<Buffer> {
  const issuedAt = new Date(document.issuedAt);
  const pdf = new PDFDocument({
    size: [PAGE.width, PAGE.height],
    margin: 0,
    autoFirstPage: false,
    pdfVersion: '1.7',
    tagged: true,
    lang: 'en-AU',
    displayTitle: true,
    info: {
      Title: `${document.title} ${document.number}`,
      Author: document.seller.name,
      Creator: 'arcadia-invoicing',
      CreationDate: issuedAt,
      ModDate: issuedAt,
    },
  });
  const bytes = buffer(pdf);
  const pen = createPen(pdf);
  const tail = tailOf(document, pen);
  const top = topOf(document, pen);
  const measures = {
    group: pen.measure('bold', SIZE),
    text: pen.measure('regular', SIZE),
    detail: pen.measure('regular', DETAIL_SIZE),
  };
  const columns = columnsOf(document, measures);
  const others = BOTTOM - TOP - 26 - HEAD_HEIGHT;
  const pages = layOut(
    document,
    { ...measures, columns },
    { first: BOTTOM - top.height - HEAD_HEIGHT, others, tail: tail.height },
  );
  const appendices = document.appendices.map((each) => layOutAppendix(each, measures, others));
  const appended = appendices.flatMap((appendix) =>
    appendix.pages.map((page, index) => ({ page, index, appendix })),
  );
  const pageCount = pages.length + appended.length;
  const root = pdf.struct('Document');
  pdf.addStructure(root);
  const table = pdf.struct('Table');
  for (const [index, page] of pages.entries()) {
    pdf.addPage();
    drawFurniture(pen, document, `Page ${index + 1} of ${pageCount}`);
    if (index === 0) {
      top.draw(root);
      root.add(table);
    } else drawRunningHead(pen, document);
    const start = index === 0 ? top.height : TOP + 26;
    const end = drawRows(pen, table, page, { columns, start, isFirst: index === 0 });
    if (index === pages.length - 1) {
      table.end();
      tail.draw(root, end);
    }
  }
  appended.forEach(({ page, index, appendix }, at) => {
    pdf.addPage();
    drawFurniture(pen, document, `Page ${pages.length + at + 1} of ${pageCount}`);
    drawRunningHead(pen, document);
    appendix.draw(pen, root, page, index);
  });
  root.end();
  pdf.end();
  return bytes;
}
