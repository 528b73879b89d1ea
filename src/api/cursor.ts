import { z } from 'zod';
import type { InvoiceCursor } from '../db/invoice-views.ts';

const CURSOR = /^(?<month>[12]\d{3}(?:0[1-9]|1[0-2]))(?<id>[\da-f]{32})$/;

/**
 * Where a page of invoices ended, as text that nobody should read anything into: month and id. Its
 * whole grammar is a pattern, so that the document says exactly what is taken.
 */
export function encodeCursor({ period_start, invoice_id }: InvoiceCursor): string {
  return `${period_start.slice(0, '2026-05'.length)}${invoice_id}`.replaceAll('-', '');
}

/** A cursor in a URL. */
export const invoiceCursor = z
  .string()
  .regex(CURSOR, { error: 'not a cursor of ours: take next_cursor as it is' })
  .transform((text): InvoiceCursor => {
    const { month = '', id = '' } = CURSOR.exec(text)?.groups ?? {};
    return {
      period_start: `${month.slice(0, 4)}-${month.slice(4)}-01`,
      invoice_id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    };
  })
  .meta({ pattern: String.raw`^[12]\d{3}(0[1-9]|1[0-2])[\da-f]{32}$` });
