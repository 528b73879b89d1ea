import { z } from 'zod';
import { findInvoiceId, showInvoice, type InvoiceView } from '../db/invoices/invoice-views.ts';
import type { Queryable } from '../db/pool.ts';
import { CliError } from './errors.ts';

/**
 * The invoice that a user named by its number or its id.
 * @throws CliError
 */
export async function requireInvoice(db: Queryable, idOrNumber: string): Promise<InvoiceView> {
  const isId = z.uuid().safeParse(idOrNumber).success;
  const id = isId ? idOrNumber : await findInvoiceId(db, idOrNumber);
  const invoice = id === null ? null : await showInvoice(db, id);
  if (invoice === null) throw new CliError(`There is no invoice ${idOrNumber}`);
  return invoice;
}
