import type { Seller } from '../db/catalogue/seller-details.ts';
import type { DocumentHeader, DocumentSource } from '../db/invoices/invoice-documents.ts';
import { documentCsv } from './document-csv.ts';
import { documentHtml } from './document-html.ts';
import { visibleIn } from '../lib/visible-text.ts';
import type { BillingDocument } from './billing-document.ts';
import { invoiceDocument } from './invoice-document.ts';
import { noteDocument } from './note-document.ts';

export const DOCUMENT_FORMATS = ['html', 'pdf', 'csv'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/**
 * Returns the content of the documents of an invoice or an adjustment note. Hidden characters are shown, so a name can't
 * reorder text next to it.
 */
export function makeDocument(source: DocumentSource, seller: Seller): BillingDocument {
  return visibleIn<BillingDocument>(
    source.kind === 'invoice' ? invoiceDocument(source, seller) : noteDocument(source, seller),
  );
}

/**
 * Renders a document. The same invoice or note gives the same bytes.
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

/** Returns the file name of a document. Numbers contain only characters that file names allow. */
export function documentFileName(number: string, format: DocumentFormat): string {
  return `${number}.${format}`;
}

/** Documents can't be rendered until the seller's details are known. */
export class NoSellerError extends Error {
  override readonly name = 'NoSellerError';

  constructor() {
    super('no seller details exist yet: set them with `seller apply FILE`');
  }
}

/** Returns the seller of an invoice or a note. @throws NoSellerError */
export function sellerOf({ seller }: DocumentHeader): Seller {
  if (seller === null) throw new NoSellerError();
  return seller;
}
