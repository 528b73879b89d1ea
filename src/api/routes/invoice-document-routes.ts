import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  readDocumentHeader,
  readDocumentSource,
  type DocumentHeader,
  type DocumentKind,
  type DocumentSource,
  type UsedDays,
} from '../../db/invoices/invoice-documents.ts';
import { DOCUMENT_CSV_HEADERS } from '../../documents/document-csv.ts';
import { DOCUMENT_CSP } from '../../documents/document-html.ts';
import {
  documentFileName,
  type DocumentFormat,
  NoSellerError,
} from '../../documents/render-document.ts';
import type { CallDeps } from '../http/api-deps.ts';
import { invoiceParams, notAnInvoice } from './invoice-params.ts';
import { readLineDays } from './line-days.ts';
import { noteParams, notANote } from './note-params.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { ownerOf } from '../http/rate-limits.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/**
 * Invoices and adjustment notes as documents for the buyer. All three formats have the same content: what was issued,
 * marked once it is superseded, void or adjusted.
 */

const SHARED = {
  method: 'get',
  scopes: ['tenant', 'operator'],
  rateLimited: true,
  problems: ['not-found', 'seller-unknown', 'overloaded'],
} as const;

/** Lines with usage in an appendix, each with a row per day. */
const MAX_APPENDED = 500;

const appendixQuery = z.strictObject({
  appendix: z
    .enum(['1'])
    .optional()
    .describe(
      `1: ends with an appendix of the usage behind its lines by day and model, of at most ${MAX_APPENDED} lines. ` +
        'It is left out once the events have expired.',
    ),
});

/** Where the documents of a kind are, and what they are called. */
interface Kind<Params extends z.ZodObject> {
  readonly kind: DocumentKind;
  readonly tag: string;
  readonly path: string;
  /** Ends the operation ids. */
  readonly name: string;
  readonly noun: string;
  readonly about: string;
  readonly params: Params;
  readonly idOf: (params: z.output<Params>) => string;
  readonly notFound: () => HttpProblem;
  readonly exampleName: string;
}

const headersOf = (exampleName: string) =>
  ({
    'Content-Disposition': {
      description: 'The file name: the number.',
      required: true,
      schema: { type: 'string' },
      example: `inline; filename="${exampleName}.pdf"`,
    },
    ETag: {
      description:
        'Identifies these bytes. With it as If-None-Match, the answer is 304 while they are unchanged.',
      required: true,
      schema: { type: 'string' },
      example: '"2jmj7l5rSw0yVb_vlWAYkK_YBwk3Vw7c5vG1l0oXc9M"',
    },
  }) as const;

/** Makes the three routes of a kind of document. */
function documentRoutes<Params extends z.ZodObject>(of: Kind<Params>) {
  const headers = headersOf(of.exampleName);
  const shared = { ...SHARED, tag: of.tag, params: of.params };
  const html = defineRoute(
    {
      ...shared,
      path: `${of.path}.html`,
      operationId: `get${of.name}Html`,
      summary: `Read ${of.noun} as a page`,
      description: `${of.about} To read and print, without external resources.`,
      query: appendixQuery,
      responses: {
        200: {
          description: 'HTML',
          schema: z.string(),
          contentType: 'text/html; charset=utf-8',
          headers,
          example: '<!doctype html>',
        },
      },
    },
    async ({ params, query, caller }, deps) => {
      const id = of.idOf(params as z.output<Params>);
      const rendered = await render(deps, of, id, caller, 'html', query.appendix !== undefined);
      return reply(200, String(rendered.content), {
        ...rendered.headers,
        'Content-Security-Policy': DOCUMENT_CSP,
      });
    },
  );
  const pdf = defineRoute(
    {
      ...shared,
      path: `${of.path}.pdf`,
      operationId: `get${of.name}Pdf`,
      summary: `Download ${of.noun} as PDF`,
      description: `${of.about} Tagged for screen readers. The same content always has the same bytes.`,
      query: appendixQuery,
      responses: {
        200: {
          description: 'PDF 1.7',
          schema: z
            .custom<Buffer>((body) => Buffer.isBuffer(body))
            .meta({ type: 'string', format: 'binary' }),
          contentType: 'application/pdf',
          headers,
          example: '%PDF-1.7',
        },
      },
    },
    async ({ params, query, caller }, deps) => {
      const id = of.idOf(params as z.output<Params>);
      const rendered = await render(deps, of, id, caller, 'pdf', query.appendix !== undefined);
      return reply(200, rendered.content, rendered.headers);
    },
  );
  const csv = defineRoute(
    {
      ...shared,
      path: `${of.path}.csv`,
      operationId: `get${of.name}Csv`,
      summary: `Download the lines of ${of.noun}`,
      description:
        'One row per line, including GST. Amounts are decimals that add up to the total. ' +
        `Columns: ${DOCUMENT_CSV_HEADERS.join(', ')}.`,
      responses: {
        200: {
          description: 'CSV (RFC 4180), UTF-8',
          schema: z.string(),
          contentType: 'text/csv; charset=utf-8',
          headers,
          example: `${DOCUMENT_CSV_HEADERS.join(',')}\r\n`,
        },
      },
    },
    async ({ params, caller }, deps) => {
      const rendered = await render(deps, of, of.idOf(params as z.output<Params>), caller, 'csv');
      return reply(200, String(rendered.content), rendered.headers);
    },
  );
  return { html, pdf, csv };
}

/** @throws HttpProblem `not-found`, `seller-unknown`; OverloadedError */
async function render(
  { db, documents }: Pick<CallDeps, 'db' | 'documents'>,
  { kind, notFound }: Pick<Kind<z.ZodObject>, 'kind' | 'notFound'>,
  id: string,
  caller: ApiKey,
  format: DocumentFormat,
  hasDays = false,
) {
  const isUuid = z.uuid().safeParse(id).success;
  const header = isUuid ? await readDocumentHeader(db, kind, id, caller.tenantId) : null;
  if (header === null) throw notFound();
  const place = format === 'csv' ? 'attachment' : 'inline';
  const name = documentFileName(header.number, format);
  try {
    const readSource = () =>
      hasDays ? readSourceWithDays(db, header, caller) : readDocumentSource(db, header);
    const rendered = documents.render(ownerOf(caller), header, format, readSource, hasDays);
    const { content, etag } = await rendered;
    const headers = { 'Content-Disposition': `${place}; filename="${name}"`, ETag: etag };
    return { content, headers };
  } catch (error) {
    if (error instanceof NoSellerError) throw new HttpProblem('seller-unknown', error.message);
    throw error;
  }
}

/** @throws HttpProblem `invalid-request` if too many lines have usage; OverloadedError */
async function readSourceWithDays(
  db: Queryable,
  header: DocumentHeader,
  caller: ApiKey,
): Promise<DocumentSource> {
  const source = await readDocumentSource(db, header);
  const lines = source.lines.filter(({ kind }) => kind === 'llm_usage' || kind === 'overage');
  if (lines.length > MAX_APPENDED) {
    const detail = `${header.number} has ${lines.length} lines with usage, and the appendix can have ${MAX_APPENDED}`;
    throw invalidRequest([{ parameter: 'appendix', detail }]);
  }
  const days: UsedDays[] = [];
  for (const { line_no, kind, resource_kind, meta } of lines) {
    const late = typeof meta.service_month === 'string' ? meta.service_month : null;
    const month = late ?? header.period_start.slice(0, 'YYYY-MM'.length);
    const isLlm = kind === 'llm_usage';
    const line = {
      ...{ documentId: header.invoice_id, lineNo: line_no, month },
      resourceKind: isLlm ? kind : (resource_kind ?? ''),
      currency: isLlm ? header.currency : null,
    };
    days.push({ line_no, month, figures: await readLineDays(db, line, caller) });
  }
  return { ...source, days };
}

export const {
  html: getInvoiceHtml,
  pdf: getInvoicePdf,
  csv: getInvoiceCsv,
} = documentRoutes({
  kind: 'invoice',
  tag: 'Invoices',
  path: '/api/v1/invoices/{invoice_id}',
  name: 'Invoice',
  noun: 'an invoice',
  about: 'A tax invoice. Superseded and void invoices are marked, adjusted ones name their notes.',
  params: invoiceParams,
  idOf: ({ invoice_id }) => invoice_id,
  notFound: notAnInvoice,
  exampleName: 'acme-000007',
});

export const {
  html: getAdjustmentNoteHtml,
  pdf: getAdjustmentNotePdf,
  csv: getAdjustmentNoteCsv,
} = documentRoutes({
  kind: 'adjustment_note',
  tag: 'Adjustment notes',
  path: '/api/v1/adjustment-notes/{adjustment_note_id}',
  name: 'AdjustmentNote',
  noun: 'an adjustment note',
  about: 'An adjustment note, with the invoice that it adjusts and the reason.',
  params: noteParams,
  idOf: ({ adjustment_note_id }) => adjustment_note_id,
  notFound: notANote,
  exampleName: 'acme-A000001',
});
