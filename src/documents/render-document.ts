import type { Seller } from '../db/catalogue/seller-details.ts';
import type { DocumentHeader, DocumentSource } from '../db/invoices/invoice-documents.ts';
import { documentCsv } from './document-csv.ts';
import { documentHtml } from './document-html.ts';
import { makeDocument } from './invoice-document.ts';

export const DOCUMENT_FORMATS = ['html', 'pdf', 'csv'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/**
 * Renders an invoice's document. The same invoice gives the same bytes.
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

/** Loads pdfkit on demand, because loading it would delay the start of every process and command. */
function loadPdf() {
  return import('./document-pdf.ts');
}

/** Returns the file name of a document. Invoice numbers contain only characters that file names allow. */
export function documentFileName(number: string, format: DocumentFormat): string {
  return `${number}.${format}`;
}

/** Invoices can't be rendered until the seller's details are known. */
export class NoSellerError extends Error {
  override readonly name = 'NoSellerError';

  constructor() {
    super('no seller details exist yet: set them with `seller apply FILE`');
  }
}

/** Returns the seller of an invoice. @throws NoSellerError */
export function sellerOf({ seller }: DocumentHeader): Seller {
  if (seller === null) throw new NoSellerError();
  return seller;
}
