import { z } from 'zod';
import type { InvoiceCursor } from '../db/invoice-views.ts';
import { invalidRequest } from './problems.ts';

const cursor = z.tuple([z.string().regex(/^[12]\d{3}-(?:0[1-9]|1[0-2])-01$/), z.uuid()]);

/** Where a page of invoices ended, as text that nobody should read anything into. */
export function encodeCursor({ period_start, invoice_id }: InvoiceCursor): string {
  return Buffer.from(JSON.stringify([period_start, invoice_id])).toString('base64url');
}

/** @throws HttpProblem `invalid-request` */
export function decodeCursor(text: string): InvoiceCursor {
  const [period_start, invoice_id] = parse(text);
  return { period_start, invoice_id };
}

function parse(text: string): z.infer<typeof cursor> {
  try {
    return cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  } catch {
    throw invalidRequest([
      { parameter: 'cursor', detail: 'not a cursor of ours: take next_cursor as it is' },
    ]);
  }
}
