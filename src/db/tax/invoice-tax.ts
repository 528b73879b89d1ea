import { z } from 'zod';
import type { InvoiceTax } from '../../domain/invoice-totals.ts';
import { taxFromJson } from '../../domain/tax-json.ts';
import { sql } from '../sql.ts';

/** How an invoice was taxed: the columns of `invoices` that freeze it, and how they are read (docs/spec.md#tax). */

/** The columns' types, named as in `invoices`. */
export const TAX_COLUMNS = {
  tax_treatment: 'text',
  tax_label: 'text',
  tax_rate: 'numeric',
  tax_note: 'text',
  seller_registered: 'bool',
  aud_rate: 'numeric',
  aud_rate_source: 'text',
  tax_aud_cents: 'int8',
} as const;

/** Returns the values of the columns. */
export function taxColumns({ treatment, sellerRegistered, aud }: InvoiceTax) {
  return {
    tax_treatment: treatment.code,
    tax_label: treatment.label,
    tax_rate: treatment.rate,
    tax_note: treatment.note,
    seller_registered: sellerRegistered,
    aud_rate: aud?.rate ?? null,
    aud_rate_source: aud?.source ?? null,
    tax_aud_cents: aud?.taxCents ?? null,
  } satisfies Record<keyof typeof TAX_COLUMNS, unknown>;
}

/** How an invoice was taxed, as the API serves it. */
export const taxViewSchema = z
  .object({
    treatment: z.string().describe('The code of the tax treatment.'),
    label: z.string().describe('What the tax is called.'),
    rate: z.string().describe('The share of the taxable part of the subtotal: "0.10" is 10 %.'),
    note: z.string().nullable().describe('Printed on the invoice, such as why it is free of GST.'),
    seller_registered: z
      .boolean()
      .describe(
        'Whether the seller was registered for GST. If not, there is no tax, and the document is an "Invoice" ' +
          'instead of a "Tax invoice".',
      ),
    aud: z
      .object({
        rate: z.string().describe("AUD for one unit of the invoice's currency."),
        source: z.string().describe('Where the rate was published.'),
        tax_cents: z.int().describe('The tax in cents of AUD.'),
      })
      .nullable()
      .describe('The tax in AUD. Null if the invoice is in AUD or has no tax.'),
  })
  .describe('How the invoice was taxed. It never changes.')
  .meta({
    example: {
      treatment: 'gst',
      label: 'GST',
      rate: '0.10',
      note: null,
      seller_registered: true,
      aud: null,
    },
  });

/** The same in the domain's terms. */
export const invoiceTaxSchema = taxViewSchema.transform(taxFromJson);

/**
 * Selects how an invoice was taxed, as the API, documents and webhook events have it. Rates are text, because numbers
 * inside JSON would become floats.
 * @param alias of `invoices`
 */
export function taxViewOf(alias: 'i' | 'n' | 'old') {
  const column = (name: keyof typeof TAX_COLUMNS) => sql.identifier([alias, name]);
  return sql.fragment`jsonb_build_object('treatment', ${column('tax_treatment')},
    'label', ${column('tax_label')}, 'rate', ${column('tax_rate')}::text, 'note', ${column('tax_note')},
    'seller_registered', ${column('seller_registered')},
    'aud', CASE WHEN ${column('tax_aud_cents')} IS NOT NULL THEN jsonb_build_object(
      'rate', ${column('aud_rate')}::text, 'source', ${column('aud_rate_source')},
      'tax_cents', ${column('tax_aud_cents')}) END)`;
}

/** Selects what the lines of a document must add up to in its header: `subtotal`, `taxable` and `tax`. */
export const SUMS_OF_LINES = sql.fragment`
  coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax'), 0) AS subtotal,
  coalesce(sum(amount_cents) FILTER (WHERE kind <> 'tax' AND taxable), 0) AS taxable,
  coalesce(sum(amount_cents) FILTER (WHERE kind = 'tax'), 0) AS tax`;

/** What the tax of an invoice `i` must be, by what it keeps. The table has the same rule as a constraint. */
export const TAX_OF_INVOICE = sql.fragment`
  CASE WHEN i.seller_registered THEN round(i.taxable_cents * i.tax_rate) ELSE 0 END`;

/**
 * What the tax of an adjustment note `i` must be: the tax of what its invoice and their notes charge together up to it,
 * less their tax so far (docs/spec.md#adjustment-notes).
 */
export const TAX_OF_NOTE = sql.fragment`(
  SELECT CASE WHEN i.seller_registered THEN round(sum(d.taxable_cents) * i.tax_rate) ELSE 0 END
    - coalesce(sum(d.tax_cents) FILTER (WHERE d.invoice_id <> i.invoice_id), 0)
  FROM invoices d
  WHERE d.invoice_id = i.adjusts_invoice_id
    OR (d.adjusts_invoice_id = i.adjusts_invoice_id AND d.revision <= i.revision)
)`;
