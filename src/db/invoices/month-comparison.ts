import { z } from 'zod';
import { CAUSES } from '../../domain/change-causes.ts';
import { compareMonths, type MonthComparison } from '../../domain/month-comparison.ts';
import { lineToJson } from '../../domain/quote-json.ts';
import type { UnplacedLine } from '../../domain/line-changes.ts';
import type { Queryable } from '../pool.ts';
import { sql, uuidArray } from '../sql.ts';
import { invoiceOf, standsUnvoided } from '../standing.ts';
import { INVOICE_STATUSES, invoiceLineSchema, type InvoiceHeader } from './invoice-views.ts';
import { readInvoiceLines } from './invoices.ts';

/** Compares an invoice with another month's (docs/spec.md#comparing-months). Fields have the names that the API serves. */

const comparedInvoiceSchema = z.object({
  invoice_id: z.uuid(),
  number: z.string(),
  month: z.string().meta({ example: '2026-05' }),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  total_cents: z.int().describe('With its adjustment notes.'),
  adjustment_notes: z.array(z.string()).describe('Their numbers, in their order.'),
});
export type ComparedInvoice = z.infer<typeof comparedInvoiceSchema>;

const chargedLineSchema = invoiceLineSchema.pick({
  ...{ description: true, qty: true, unit: true, unit_price_cents: true, amount_cents: true },
  meta: true,
});

const causeSchema = z.object({
  cause: z
    .enum(CAUSES)
    .describe(
      'What differs. `plan`: plan versions. `price`: decimal cents. `days`: billed days over the days of the month. ' +
        '`usage`, `allowance` and `cap`: base units. `average_charge` (of a request) and `model`: exact cents.',
    ),
  before: z.string().nullable().describe('Null if that month has none.'),
  after: z.string().nullable(),
  model: z
    .string()
    .nullable()
    .describe('Of the cause `model`. Null: all models without sums of their own.'),
});

export const comparisonSchema = z.object({
  invoice: comparedInvoiceSchema,
  compared_with: comparedInvoiceSchema
    .nullable()
    .describe('Null if the tenant has no earlier invoice in this currency.'),
  difference_cents: z.int().nullable().describe('Null without an invoice to compare with.'),
  changes: z
    .array(
      z.object({
        deployment_id: invoiceLineSchema.shape.deployment_id,
        kind: invoiceLineSchema.shape.kind,
        resource_kind: invoiceLineSchema.shape.resource_kind,
        item_id: invoiceLineSchema.shape.item_id,
        before_cents: z.int(),
        after_cents: z.int(),
        difference_cents: z.int(),
        causes: z.array(causeSchema).describe('Why the amounts differ.'),
        before: z
          .array(chargedLineSchema)
          .describe('The lines of the charge, with what reruns have adjusted. Empty: not charged.'),
        after: z.array(chargedLineSchema),
      }),
    )
    .describe(
      'One entry for each charge, largest difference first; what did not change is last. ' +
        'They add up to difference_cents.',
    ),
});

/** An invoice and the other month's. */
export interface ComparedInvoices {
  readonly invoice: ComparedInvoice;
  /** Null if there is none to compare with. */
  readonly comparedWith: ComparedInvoice | null;
}

/** An invoice beside another month's. */
export interface InvoiceComparison extends ComparedInvoices {
  /** Null if there is no invoice to compare with. */
  readonly comparison: MonthComparison | null;
}

/**
 * Compares an invoice with the tenant's last earlier live one in the same currency that isn't void, or with the given
 * one (see `whyNotComparable`). Adjustment notes count on both sides.
 * @throws DomainError `amount_out_of_range`
 */
export async function readInvoiceComparison(
  db: Queryable,
  invoice: InvoiceHeader,
  other: InvoiceHeader | null = null,
): Promise<InvoiceComparison> {
  const found = await findCompared(db, invoice, other);
  const { comparedWith } = found;
  const comparison = comparedWith && (await compareFound(db, { ...found, comparedWith }));
  return { invoice: found.invoice, comparedWith, comparison };
}

/** What is compared: the invoices with their notes, of which no line ever changes. */
export interface FoundToCompare extends ComparedInvoices {
  readonly documents: readonly z.infer<typeof document>[];
}

/** Returns what `readInvoiceComparison` compares, without reading its lines. */
export async function findCompared(
  db: Queryable,
  invoice: InvoiceHeader,
  other: InvoiceHeader | null = null,
): Promise<FoundToCompare> {
  const otherId = other?.invoice_id ?? (await findLastInvoiceId(db, invoice));
  const ids = otherId === null ? [invoice.invoice_id] : [invoice.invoice_id, otherId];
  const documents = await listDocuments(db, ids);
  return {
    invoice: toCompared(documents, invoice.invoice_id),
    comparedWith: otherId === null ? null : toCompared(documents, otherId),
    documents,
  };
}

/** Compares invoices that were found. @throws DomainError `amount_out_of_range` */
export async function compareFound(
  db: Queryable,
  { invoice, comparedWith, documents }: FoundToCompare & { readonly comparedWith: ComparedInvoice },
): Promise<MonthComparison> {
  const lines = await readInvoiceLines(
    db,
    documents.map(({ id }) => id),
  );
  const charged = ({ invoice_id, month }: ComparedInvoice) => ({
    month,
    documents: documents
      .filter(({ about }) => about === invoice_id)
      .map(({ id }) => lines.get(id) ?? []),
  });
  return compareMonths(charged(comparedWith), charged(invoice));
}

/** Says why two invoices can't be compared; null if they can. */
export function whyNotComparable(invoice: InvoiceHeader, other: InvoiceHeader): string | null {
  if (invoice.tenant_id !== other.tenant_id) return `${other.number} is another tenant's invoice`;
  if (invoice.currency === other.currency) return null;
  return `${other.number} is in ${other.currency}, but ${invoice.number} is in ${invoice.currency}`;
}

function findLastInvoiceId(
  db: Queryable,
  { tenant_id, period_start, currency }: InvoiceHeader,
): Promise<string | null> {
  return db.maybeOneFirst(sql.type(z.object({ invoice_id: z.string() }))`
    SELECT i.invoice_id FROM invoices i
    WHERE i.tenant_id = ${tenant_id} AND i.period_start < ${period_start}::date
      AND i.currency = ${currency} AND ${standsUnvoided('i')}
    ORDER BY i.period_start DESC LIMIT 1
  `);
}

const document = z.object({
  id: z.string(),
  /** The invoice: itself, or the one that a note adjusts. */
  about: z.string(),
  number: z.string(),
  month: z.string(),
  status: z.enum(INVOICE_STATUSES),
  currency: z.string(),
  total_cents: z.number(),
});

/** Returns the invoices and their adjustment notes: of each invoice itself, then its notes in order. */
function listDocuments(
  db: Queryable,
  invoiceIds: readonly string[],
): Promise<readonly z.infer<typeof document>[]> {
  return db.any(sql.type(document)`
    SELECT i.invoice_id AS id, ${invoiceOf('i')} AS about, i.number, to_char(i.period_start, 'YYYY-MM') AS month,
      i.status, i.currency, i.total_cents
    FROM (
      SELECT unnest(${uuidArray(invoiceIds)}) AS invoice_id
      UNION ALL
      SELECT n.invoice_id FROM invoices n WHERE n.adjusts_invoice_id = ANY(${uuidArray(invoiceIds)})
    ) found JOIN invoices i USING (invoice_id)
    ORDER BY i.kind DESC, i.revision
  `);
}

function toCompared(
  documents: readonly z.infer<typeof document>[],
  invoiceId: string,
): ComparedInvoice {
  const [invoice, ...notes] = documents.filter(({ about }) => about === invoiceId);
  if (invoice === undefined) throw new Error(`invoice ${invoiceId} no longer exists`);
  const { id, number, month, status, currency } = invoice;
  return {
    ...{ invoice_id: id, number, month, status, currency },
    total_cents: [invoice, ...notes].reduce((sum, { total_cents }) => sum + total_cents, 0),
    adjustment_notes: notes.map((note) => note.number),
  };
}

/** Returns a comparison as the API serves it. */
export function comparisonToJson({
  invoice,
  comparedWith,
  comparison,
}: InvoiceComparison): z.input<typeof comparisonSchema> {
  return {
    invoice,
    compared_with: comparedWith,
    difference_cents: comparison?.differenceCents ?? null,
    changes: (comparison?.changes ?? []).map((change) => {
      const { before, after, beforeCents, afterCents, differenceCents, causes } = change;
      const line = after[0] ?? before[0];
      if (line === undefined) throw new Error('a charge has lines in at least one month');
      const { deploymentId, kind, resourceKind, itemId = null } = line;
      return {
        ...{ deployment_id: deploymentId, kind, resource_kind: resourceKind, item_id: itemId },
        ...{ before_cents: beforeCents, after_cents: afterCents },
        difference_cents: differenceCents,
        causes: [...causes],
        ...{ before: before.map(toLine), after: after.map(toLine) },
      };
    }),
  };
}

function toLine(line: UnplacedLine): z.input<typeof chargedLineSchema> {
  const { description, qty, unit, unit_price_cents, amount_cents, meta } = lineToJson(line);
  return { description, qty, unit, unit_price_cents, amount_cents, meta };
}
