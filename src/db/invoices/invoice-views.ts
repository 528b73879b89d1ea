import { z } from 'zod';
import { LINE_KINDS } from '../../domain/types.ts';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';
import { dueOn, releasedAt } from '../release-facts.ts';
import {
  BALANCE_COLUMNS,
  JOIN_BALANCE,
  balanceConditions,
  balanceFields,
  type BalanceFilter,
} from './balances.ts';
import { taxViewOf, taxViewSchema } from '../tax/invoice-tax.ts';
import { isInForce } from '../standing.ts';

/** Reads invoices for the API and the CLI. Fields have the names that the API serves. */

export const INVOICE_STATUSES = ['issued', 'void', 'superseded'] as const;
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

/** An invoice without its lines. */
export const invoiceHeaderSchema = z.object({
  invoice_id: z.uuid(),
  number: z.string(),
  tenant_id: z.string(),
  period_start: z.iso.date(),
  period_end: z.iso.date().describe('Inclusive.'),
  revision: z.int(),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  subtotal_cents: z.int(),
  taxable_cents: z.int().describe('The part of the subtotal that is taxed.'),
  tax_cents: z.int(),
  total_cents: z.int(),
  tax: taxViewSchema,
  issued_at: z.iso.datetime(),
  issued_on: z.iso.date().describe('The date of issue, in the billing time zone.'),
  released_at: z.iso
    .datetime()
    .nullable()
    .describe(
      "When the period was released to the tenant. Null while it waits: tenants' keys can't see it.",
    ),
  due_on: z.iso
    .date()
    .nullable()
    .describe('The later of issue and release, plus the payment days. Null before the release.'),
  ...balanceFields,
  replaces_invoice_id: z.uuid().nullable(),
  superseded_by: z.uuid().nullable(),
  superseded_at: z.iso.datetime().nullable(),
  re_run: z
    .object({
      request_id: z.string().nullable(),
      actor: z.string().nullable(),
      reason: z.string().nullable(),
    })
    .nullable()
    .describe(
      "Of a forced invoice or revision: by which request, who asked, and why. Not for tenants' keys.",
    ),
  status_change: z
    .object({
      actor: z.string(),
      reason: z.string().nullable(),
      changed_at: z.iso.datetime(),
    })
    .nullable()
    .describe("Of a void invoice: who voided it, why, and when. Not for tenants' keys."),
});
export type InvoiceHeader = z.infer<typeof invoiceHeaderSchema>;

export const invoiceLineSchema = z.object({
  line_no: z.int(),
  deployment_id: z
    .string()
    .nullable()
    .describe('Null on lines of invoice items, of credits on those, and of tax.'),
  kind: z.enum(LINE_KINDS),
  resource_kind: z.string().nullable(),
  description: z.string(),
  qty: z.string(),
  unit: z
    .string()
    .nullable()
    .describe('Null for overage whose plan item has no unit: the price is per base unit.'),
  unit_price_cents: z
    .string()
    .nullable()
    .describe('A decimal. Null if the amount is not computed from a unit price.'),
  amount_cents: z.int(),
  taxable: z
    .boolean()
    .describe(
      'Whether the amount is taxed. Only invoice items, and credits on them, can be untaxed.',
    ),
  item_id: z.string().nullable().describe('The invoice item, on lines of the kind `item`.'),
  meta: z.record(z.string(), z.unknown()),
});
export type InvoiceLine = z.infer<typeof invoiceLineSchema>;

/** The columns of a line, as `invoiceLineSchema` has them. */
export const LINE_VIEW_COLUMNS = sql.fragment`
  line_no, deployment_id, kind, resource_kind, description, trim_scale(qty)::text AS qty, unit,
  trim_scale(unit_price_cents)::text AS unit_price_cents, amount_cents, taxable, item_id, meta`;

/** A note as its invoice names it. */
export const noteLinkSchema = z.object({
  id: z.uuid(),
  number: z.string().meta({ example: 'acme-A000001' }),
  total_cents: z.int().meta({ example: -1100 }),
  issued_at: z.iso.datetime(),
});
export type NoteLink = z.infer<typeof noteLinkSchema>;

export interface InvoiceView extends InvoiceHeader {
  /** The notes that adjust it, in their order. */
  readonly adjustment_notes: readonly NoteLink[];
  readonly lines: readonly InvoiceLine[];
}

export interface InvoiceFilter extends BalanceFilter {
  readonly tenantId?: string | undefined;
  /** First day of the period. */
  readonly periodStart?: string | undefined;
  /** Undefined: any status, but `superseded` only with `includeSuperseded`. */
  readonly status?: InvoiceStatus | undefined;
  readonly includeSuperseded?: boolean | undefined;
}

/** The last invoice of a page. */
export interface InvoiceCursor {
  readonly period_start: string;
  readonly invoice_id: string;
}

/** Who reads the invoice. Only operators see the actor and the reason of a rerun or a status change. */
export type InvoiceReader = 'operator' | 'tenant';

const HEADER_COLUMNS = sql.fragment`
  i.invoice_id, i.number, i.tenant_id, i.period_start, i.period_end, i.revision, i.status,
  i.currency, i.subtotal_cents, i.taxable_cents, i.tax_cents, i.total_cents, ${taxViewOf('i')} AS tax, i.issued_at,
  i.issued_on, ${releasedAt('i')} AS released_at, ${dueOn('i')} AS due_on,
  i.replaces_invoice_id, i.superseded_by, i.superseded_at`;

const OPERATORS_COLUMNS = sql.fragment`
  CASE WHEN i.request_id IS NOT NULL THEN jsonb_build_object(
    'request_id', i.request_id, 'actor', i.actor, 'reason', i.reason
  ) END AS re_run,
  (
    SELECT jsonb_build_object('actor', c.actor, 'reason', c.reason,
      'changed_at', to_char(c.changed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    FROM invoice_status_changes c WHERE c.invoice_id = i.invoice_id
  ) AS status_change
`;

/**
 * Selects the columns of a header. The database role for tenants' keys can't read the operators' columns at
 * all.
 */
function headerColumns(reader: InvoiceReader) {
  const others =
    reader === 'operator' ? OPERATORS_COLUMNS : sql.fragment`NULL AS re_run, NULL AS status_change`;
  return sql.fragment`${HEADER_COLUMNS}, ${BALANCE_COLUMNS}, ${others}`;
}

/**
 * Returns a page of invoices, newest month first.
 * @param after the last invoice of the previous page; null for the first page
 */
export function listInvoices(
  db: Queryable,
  filter: InvoiceFilter,
  { after, limit }: Page<InvoiceCursor>,
  reader: InvoiceReader = 'operator',
): Promise<readonly InvoiceHeader[]> {
  const { tenantId, periodStart, status, includeSuperseded = false } = filter;
  const conditions = [
    sql.fragment`i.kind = 'invoice'`,
    tenantId !== undefined && sql.fragment`i.tenant_id = ${tenantId}`,
    periodStart !== undefined && sql.fragment`i.period_start = ${periodStart}::date`,
    status !== undefined && sql.fragment`i.status = ${status}`,
    status === undefined && !includeSuperseded && isInForce('i'),
    after !== null &&
      sql.fragment`(i.period_start, i.invoice_id)
        < (${after.period_start}::date, ${after.invoice_id}::uuid)`,
  ];
  // The page first: balances are computed for its invoices alone, unless they decide.
  const balanced = balanceConditions(filter);
  return db.any(sql.type(invoiceHeaderSchema)`
    SELECT ${headerColumns(reader)}
    FROM (
      SELECT i.invoice_id FROM invoices i ${balanced.length > 0 ? JOIN_BALANCE : sql.fragment``}
      WHERE ${allOf([...conditions, ...balanced])}
      ORDER BY i.period_start DESC, i.invoice_id DESC LIMIT ${limit}
    ) page JOIN invoices i USING (invoice_id) ${JOIN_BALANCE}
    ORDER BY i.period_start DESC, i.invoice_id DESC
  `);
}

/**
 * Returns an invoice without its lines; null if it doesn't exist.
 * @param tenantId the tenant that it must belong to, which is then the reader; null: any tenant, for an
 * operator
 */
export function showInvoiceHeader(
  db: Queryable,
  invoiceId: string,
  tenantId: string | null = null,
): Promise<InvoiceHeader | null> {
  return db.maybeOne(sql.type(invoiceHeaderSchema)`
    SELECT ${headerColumns(tenantId === null ? 'operator' : 'tenant')} FROM invoices i ${JOIN_BALANCE}
    WHERE i.invoice_id = ${invoiceId}::uuid AND i.kind = 'invoice'
      AND (${tenantId}::text IS NULL OR i.tenant_id = ${tenantId}::text)
  `);
}

/**
 * Returns an invoice with its lines; null if it doesn't exist.
 * @param tenantId see `showInvoiceHeader`
 */
export async function showInvoice(
  db: Queryable,
  invoiceId: string,
  tenantId: string | null = null,
): Promise<InvoiceView | null> {
  const header = await showInvoiceHeader(db, invoiceId, tenantId);
  if (header === null) return null;
  const lines = await db.any(sql.type(invoiceLineSchema)`
    SELECT ${LINE_VIEW_COLUMNS} FROM invoice_lines WHERE invoice_id = ${invoiceId}::uuid ORDER BY line_no
  `);
  return { ...header, adjustment_notes: await listNotesOf(db, invoiceId), lines };
}

/** Returns the notes that adjust an invoice, in their order. */
function listNotesOf(db: Queryable, invoiceId: string): Promise<readonly NoteLink[]> {
  return db.any(sql.type(noteLinkSchema)`
    SELECT invoice_id AS id, number, total_cents, issued_at
    FROM invoices WHERE adjusts_invoice_id = ${invoiceId}::uuid ORDER BY revision
  `);
}

/** Returns the id of the invoice with this number; null if it doesn't exist. */
export function findInvoiceId(db: Queryable, number: string): Promise<string | null> {
  return db.maybeOneFirst(sql.type(z.object({ invoice_id: z.string() }))`
    SELECT invoice_id FROM invoices WHERE number = ${number} AND kind = 'invoice'
  `);
}
