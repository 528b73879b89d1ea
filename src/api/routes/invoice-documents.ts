import { z } from 'zod';
import type { ApiKey } from '../../db/api-keys.ts';
import { readDocumentSource, type DocumentSource } from '../../db/invoice-documents.ts';
import type { Queryable } from '../../db/pool.ts';
import { DOCUMENT_CSV_HEADERS } from '../../documents/document-csv.ts';
import { DOCUMENT_CSP } from '../../documents/document-html.ts';
import { documentFileName, renderDocument, type DocumentFormat } from '../../documents/formats.ts';
import { NoSellerError } from '../../documents/seller-of.ts';
import { invoiceParams, notAnInvoice } from '../invoice-params.ts';
import { HttpProblem } from '../problems.ts';
import { defineRoute, reply } from '../route.ts';

/** An invoice as its buyer gets it. All three say the same, and go on saying it. */

const SHARED = {
  method: 'get',
  tag: 'Invoices',
  scopes: ['tenant', 'operator'],
  rateLimited: true,
  params: invoiceParams,
  problems: ['not-found', 'seller-unknown'],
} as const;

const DISPOSITION = {
  'Content-Disposition': {
    description: "Under which name to keep it: the invoice's number.",
    required: true,
    schema: { type: 'string' },
    example: 'inline; filename="acme-000007.pdf"',
  },
} as const;

export const getInvoiceHtml = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.html',
    operationId: 'getInvoiceHtml',
    summary: 'Read an invoice as a page',
    description:
      'A tax invoice, to read and to print; it loads nothing. Superseded ones are marked.',
    responses: {
      200: {
        description: 'HTML',
        schema: z.string(),
        contentType: 'text/html; charset=utf-8',
        headers: DISPOSITION,
        example: '<!doctype html>',
      },
    },
  },
  async ({ params, caller }, { db }) => {
    const { content, headers } = await render(db, params.invoice_id, caller, 'html');
    return reply(200, String(content), { ...headers, 'Content-Security-Policy': DOCUMENT_CSP });
  },
);

export const getInvoicePdf = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.pdf',
    operationId: 'getInvoicePdf',
    summary: 'Download an invoice as PDF',
    description: 'A tax invoice, tagged for screen readers. The same invoice has the same bytes.',
    responses: {
      200: {
        description: 'PDF 1.7',
        schema: z
          .custom<Buffer>((body) => Buffer.isBuffer(body))
          .meta({ type: 'string', format: 'binary' }),
        contentType: 'application/pdf',
        headers: DISPOSITION,
        example: '%PDF-1.7',
      },
    },
  },
  async ({ params, caller }, { db }) => {
    const { content, headers } = await render(db, params.invoice_id, caller, 'pdf');
    return reply(200, Buffer.from(content), headers);
  },
);

export const getInvoiceCsv = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.csv',
    operationId: 'getInvoiceCsv',
    summary: 'Download the lines of an invoice',
    description:
      `A row a line, GST too, with amounts as decimals: ` +
      `they add up to the total. Columns: ${DOCUMENT_CSV_HEADERS.join(', ')}.`,
    responses: {
      200: {
        description: 'CSV (RFC 4180), UTF-8',
        schema: z.string(),
        contentType: 'text/csv; charset=utf-8',
        headers: DISPOSITION,
        example: `${DOCUMENT_CSV_HEADERS.join(',')}\r\n`,
      },
    },
  },
  async ({ params, caller }, { db }) => {
    const { content, headers } = await render(db, params.invoice_id, caller, 'csv');
    return reply(200, String(content), headers);
  },
);

/** @throws HttpProblem `not-found`, `seller-unknown` */
async function render(db: Queryable, invoiceId: string, caller: ApiKey, format: DocumentFormat) {
  const source = await requireSource(db, invoiceId, caller);
  const place = format === 'csv' ? 'attachment' : 'inline';
  const name = documentFileName(source.number, format);
  try {
    return {
      content: await renderDocument(source, format),
      headers: { 'Content-Disposition': `${place}; filename="${name}"` },
    };
  } catch (error) {
    if (error instanceof NoSellerError) throw new HttpProblem('seller-unknown', error.message);
    throw error;
  }
}

async function requireSource(
  db: Queryable,
  invoiceId: string,
  caller: ApiKey,
): Promise<DocumentSource> {
  const isUuid = z.uuid().safeParse(invoiceId).success;
  const source = isUuid ? await readDocumentSource(db, invoiceId, caller.tenantId) : null;
  if (source === null) throw notAnInvoice();
  return source;
}
