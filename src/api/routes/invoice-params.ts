import { z } from 'zod';
import type { ApiKey } from '../../db/access/api-keys.ts';
import {
  showInvoice,
  showInvoiceHeader,
  type InvoiceHeader,
  type InvoiceReader,
  type InvoiceView,
} from '../../db/invoices/invoice-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { documentedInteger } from '../http/request-fields.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { requireKnown } from './require-known.ts';

/** Path parameters of an invoice. The id may be any text: one that isn't a UUID is `not-found`. */
export const invoiceParams = z.strictObject({ invoice_id: z.string().meta({ format: 'uuid' }) });

/** A line number in a path. */
export const lineNoParam = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, { error: 'expected a line number' })
  .transform(Number)
  .meta(documentedInteger(1, 999_999_999));

/** Path parameters of an invoice line. */
export const lineParams = invoiceParams.extend({ line_no: lineNoParam });

/**
 * Returns the invoice without its lines, if it exists and the caller may see it.
 * @throws HttpProblem `not-found`
 */
export async function requireInvoiceHeader(
  db: Queryable,
  invoiceId: string,
  caller: ApiKey,
): Promise<InvoiceHeader> {
  const isUuid = z.uuid().safeParse(invoiceId).success;
  const invoice = isUuid ? await showInvoiceHeader(db, invoiceId, caller.tenantId) : null;
  if (invoice === null) throw notAnInvoice();
  return invoice;
}

/** Returns how the invoice was taxed that this one replaces; null for a first invoice. */
export async function readReplacedTax(
  db: Queryable,
  { replaces_invoice_id }: Pick<InvoiceHeader, 'replaces_invoice_id'>,
  caller: ApiKey,
): Promise<InvoiceHeader['tax'] | null> {
  if (replaces_invoice_id === null) return null;
  return (await requireInvoiceHeader(db, replaces_invoice_id, caller)).tax;
}

/**
 * Returns the invoice with its lines, if it exists and the caller may see it.
 * @throws HttpProblem `not-found`
 */
export async function requireInvoice(
  db: Queryable,
  invoiceId: string,
  caller: ApiKey,
): Promise<InvoiceView> {
  const isUuid = z.uuid().safeParse(invoiceId).success;
  const invoice = isUuid ? await showInvoice(db, invoiceId, caller.tenantId) : null;
  if (invoice === null) throw notAnInvoice();
  return invoice;
}

/** Returns the reader of lists: those of a tenant leave out what only operators may see. */
export function readerOf({ tenantId }: ApiKey): InvoiceReader {
  return tenantId === null ? 'operator' : 'tenant';
}

/**
 * Returns the tenant that a call is about, which exists; undefined: an operator names none.
 * @throws HttpProblem `not-found` if there is no such tenant, or a tenant asks for another tenant
 */
export async function knownTenant(
  db: Queryable,
  caller: ApiKey,
  askedFor: string | undefined,
): Promise<string | undefined> {
  if (caller.tenantId === null) await requireKnown(db, 'tenant', askedFor);
  return visibleTenant(caller, askedFor);
}

/**
 * Returns the tenant that a call has to be about, which exists.
 * @throws HttpProblem as `knownTenant`; `invalid-request` if an operator names none
 */
export async function requiredTenant(
  db: Queryable,
  caller: ApiKey,
  askedFor: string | undefined,
): Promise<string> {
  const tenantId = await knownTenant(db, caller, askedFor);
  if (tenantId !== undefined) return tenantId;
  throw invalidRequest([{ parameter: 'tenant_id', detail: 'is required with an operator key' }]);
}

/** Returns the tenant to filter by. @throws HttpProblem `not-found` if a tenant asks for another tenant */
export function visibleTenant(caller: ApiKey, askedFor: string | undefined): string | undefined {
  if (caller.tenantId === null) return askedFor;
  if (askedFor === undefined || askedFor === caller.tenantId) return caller.tenantId;
  throw new HttpProblem('not-found', `there is no tenant ${askedFor}`);
}

export function notAnInvoice(): HttpProblem {
  return new HttpProblem('not-found', 'there is no such invoice');
}
