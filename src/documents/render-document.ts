import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import { documentCsv } from './document-csv.ts';
import { documentHtml } from './document-html.ts';
import { makeDocument } from './invoice-document.ts';
import { sellerOf } from './seller-of.ts';

export const DOCUMENT_FORMATS = ['html', 'pdf', 'csv'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/**
 * An invoice's document. The same invoice makes the same bytes.
 * @throws NoSellerError
 */
export async function renderDocument(
  source: DocumentSource,
  format: DocumentFormat,
): Promise<string | Buffer> {
  const seller = sellerOf(source);
  switch (format) {
    case 'html':
      return documentHtml(makeDocument(source, seller));
    case 'pdf':
      return (await loadPdf()).documentPdf(makeDocument(source, seller));
    case 'csv':
      return documentCsv(source, seller);
  }
}

/** Only when one is wanted: pdfkit takes a while to load, and every process and command would wait for it. */
function loadPdf() {
  return import('./document-pdf.ts');
}

/** What an invoice's document is called. A number holds nothing that a file's name may not. */
export function documentFileName(number: string, format: DocumentFormat): string {
  return `${number}.${format}`;
}
