import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import {
  readDocumentHeader,
  readDocumentSource,
  type DocumentHeader,
} from '../../db/invoices/invoice-documents.ts';
import type { Queryable } from '../../db/pool.ts';
import { DOCUMENT_CSV_HEADERS } from '../../documents/document-csv.ts';
import { DOCUMENT_CSP } from '../../documents/document-html.ts';
import {
  documentFileName,
  type DocumentFormat,
  NoSellerError,
} from '../../documents/render-document.ts';
import type { CallDeps } from '../http/api-deps.ts';
import { invoiceParams, notAnInvoice } from './invoice-params.ts';
import { HttpProblem } from '../http/problems.ts';
import { ownerOf } from '../http/rate-limits.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** Invoices as documents for the buyer. All three formats have the same content, which never changes. */

const SHARED = {
  method: 'get',
  tag: 'Invoices',
  scopes: ['tenant', 'operator'],
  rateLimited: true,
  params: invoiceParams,
  problems: ['not-found', 'seller-unknown', 'overloaded'],
} as const;

const HEADERS = {
  'Content-Disposition': {
    description: 'The file name: the invoice number.',
    required: true,
    schema: { type: 'string' },
    example: 'inline; filename="acme-000007.pdf"',
  },
  ETag: {
    description:
      'Identifies these bytes. With it as If-None-Match, the answer is 304 while they are unchanged.',
    required: true,
    schema: { type: 'string' },
    example: '"2jmj7l5rSw0yVb_vlWAYkK_YBwk3Vw7c5vG1l0oXc9M"',
  },
} as const;

export const getInvoiceHtml = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.html',
    operationId: 'getInvoiceHtml',
    summary: 'Read an invoice as a page',
    description:
      'A tax invoice to read and print, without external resources. Superseded invoices are marked.',
    responses: {
      200: {
        description: 'HTML',
        schema: z.string(),
        contentType: 'text/html; charset=utf-8',
        headers: HEADERS,
        example: '<!doctype html>',
      },
    },
  },
  async ({ params, caller }, deps) => {
    const { content, headers } = await render(deps, params.invoice_id, caller, 'html');
    return reply(200, String(content), { ...headers, 'Content-Security-Policy': DOCUMENT_CSP });
  },
);

export const getInvoicePdf = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.pdf',
    operationId: 'getInvoicePdf',
    summary: 'Download an invoice as PDF',
    description: 'A tax invoice, tagged for screen readers. An invoice always has the same bytes.',
    responses: {
      200: {
        description: 'PDF 1.7',
        schema: z
          .custom<Buffer>((body) => Buffer.isBuffer(body))
          .meta({ type: 'string', format: 'binary' }),
        contentType: 'application/pdf',
        headers: HEADERS,
        example: '%PDF-1.7',
      },
    },
  },
  async ({ params, caller }, deps) => {
    const { content, headers } = await render(deps, params.invoice_id, caller, 'pdf');
    return reply(200, content, headers);
  },
);

export const getInvoiceCsv = defineRoute(
  {
    ...SHARED,
    path: '/api/v1/invoices/{invoice_id}.csv',
    operationId: 'getInvoiceCsv',
    summary: 'Download the lines of an invoice',
    description:
      'One row per line, including GST. Amounts are decimals that add up to the total. ' +
      `Columns: ${DOCUMENT_CSV_HEADERS.join(', ')}.`,
    responses: {
      200: {
        description: 'CSV (RFC 4180), UTF-8',
        schema: z.string(),
        contentType: 'text/csv; charset=utf-8',
        headers: HEADERS,
        example: `${DOCUMENT_CSV_HEADERS.join(',')}\r\n`,
      },
    },
  },
  async ({ params, caller }, deps) => {
    const { content, headers } = await render(deps, params.invoice_id, caller, 'csv');
    return reply(200, String(content), headers);
  },
);

/** @throws HttpProblem `not-found`, `seller-unknown`; OverloadedError */
async function render(
  { db, documents }: Pick<CallDeps, 'db' | 'documents'>,
  invoiceId: string,
  caller: ApiKey,
  format: DocumentFormat,
) {
  const header = await requireHeader(db, invoiceId, caller);
  const place = format === 'csv' ? 'attachment' : 'inline';
  const name = documentFileName(header.number, format);
  try {
    const { content, etag } = await documents.render(ownerOf(caller), header, format, () =>
      readDocumentSource(db, header),
    );
    const headers = { 'Content-Disposition': `${place}; filename="${name}"`, ETag: etag };
    return { content, headers };
  } catch (error) {
    if (error instanceof NoSellerError) throw new HttpProblem('seller-unknown', error.message);
    throw error;
  }
}

async function requireHeader(
  db: Queryable,
  invoiceId: string,
  caller: ApiKey,
): Promise<DocumentHeader> {
  const isUuid = z.uuid().safeParse(invoiceId).success;
  const header = isUuid ? await readDocumentHeader(db, invoiceId, caller.tenantId) : null;
  if (header === null) throw notAnInvoice();
  return header;
}
