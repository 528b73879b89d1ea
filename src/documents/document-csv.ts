import type {
  DocumentSource,
  InvoiceSource,
  NoteSource,
} from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';
import { plainLineText, pricedQuantity } from '../display/line-text.ts';
import { serviceDates, shareOf } from '../display/line-meta.ts';
import { plainNoteLineText } from '../display/note-text.ts';
import { roundedDecimal } from '../display/priced-quantity.ts';
import { factorOf } from '../display/unit-words.ts';
import { TAX_CURRENCY } from '../domain/aud-tax.ts';
import { toAmount } from '../domain/format.ts';

interface Row {
  readonly source: DocumentSource;
  readonly seller: Seller;
  readonly line: DocumentSource['lines'][number];
  readonly name: string;
  readonly details: readonly string[];
  /** What an amount of an invoice is computed from; null on an adjustment note, whose lines are differences. */
  readonly priced: { readonly quantity: string; readonly unit: string } | null;
}

const LINE_COLUMNS: readonly CsvColumn<Row>[] = [
  { head: 'document', value: ({ source }) => source.kind },
  { head: 'number', value: ({ source }) => source.number, isText: true },
  { head: 'status', value: ({ source }) => source.status },
  { head: 'issued_on', value: ({ source }) => source.issued_on },
  { head: 'due_on', value: ({ source }) => (source.kind === 'invoice' ? source.due_on : null) },
  { head: 'period_start', value: ({ source }) => source.period_start },
  { head: 'period_end', value: ({ source }) => source.period_end },
  {
    head: 'adjusts',
    value: ({ source }) => (source.kind === 'invoice' ? null : source.adjusts.number),
    isText: true,
  },
  {
    head: 'reason',
    value: ({ source }) => (source.kind === 'invoice' ? null : source.reason),
    isText: true,
  },
  { head: 'seller_name', value: ({ seller }) => seller.legal_name, isText: true },
  { head: 'seller_abn', value: ({ seller }) => seller.abn },
  { head: 'buyer_name', value: ({ source }) => buyerName(source), isText: true },
  { head: 'buyer_abn', value: ({ source }) => source.buyer?.abn ?? null },
  { head: 'currency', value: ({ source }) => source.currency },
  { head: 'line_no', value: ({ line }) => line.line_no },
  { head: 'deployment_id', value: ({ line }) => line.deployment_id, isText: true },
  // As people read the line.
  { head: 'description', value: ({ name }) => name, isText: true },
  { head: 'details', value: ({ details }) => details.join('. '), isText: true },
  { head: 'quantity', value: ({ priced }) => priced?.quantity ?? null },
  { head: 'quantity_unit', value: ({ priced }) => priced?.unit ?? null, isText: true },
  {
    head: 'unit_price',
    value: ({ source, line, priced }) =>
      priced === null || line.unit_price_cents === null
        ? null
        : toAmount(line.unit_price_cents, source.currency),
  },
  { head: 'taxable', value: ({ line }) => (line.kind === 'tax' ? null : String(line.taxable)) },
  { head: 'before', value: (row) => amountOf(row, 'before_cents') },
  { head: 'after', value: (row) => amountOf(row, 'after_cents') },
  { head: 'amount', value: ({ source, line }) => toAmount(line.amount_cents, source.currency) },
  // As programs compute it: amount = qty ÷ unit_factor × days ÷ days_in_month × unit_price.
  { head: 'kind', value: ({ line }) => line.kind },
  { head: 'item_id', value: ({ line }) => line.item_id, isText: true },
  { head: 'resource_kind', value: ({ line }) => line.resource_kind, isText: true },
  { head: 'qty', value: ({ line }) => line.qty },
  { head: 'unit', value: ({ line }) => line.unit, isText: true },
  { head: 'unit_factor', value: ({ line }) => factorOf(line.unit, line.meta) },
  { head: 'service_from', value: ({ line, priced }) => priced && serviceDates(line.meta)[0] },
  { head: 'service_to', value: ({ line, priced }) => priced && serviceDates(line.meta)[1] },
  {
    head: 'days',
    value: ({ line, priced }) => (priced && shareOf(line.meta)?.dividend) ?? null,
  },
  {
    head: 'days_in_month',
    value: ({ line, priced }) => (priced && shareOf(line.meta)?.divisor) ?? null,
  },
  // JSON, as the API serves it.
  {
    head: 'by_model',
    value: ({ line: { meta } }) =>
      meta.by_model === undefined ? null : JSON.stringify(meta.by_model),
    isText: true,
  },
];

export const DOCUMENT_CSV_HEADERS: readonly string[] = LINE_COLUMNS.map(({ head }) => head);

/**
 * Returns an invoice or an adjustment note as CSV (RFC 4180) with a row per line. Tax is a row too, so the rows add up to
 * the total. Columns up to `amount` are what people read, the others are the line as the API serves it
 * (docs/integrating.md#documents). Lines of a note are signed differences.
 */
export function documentCsv(source: DocumentSource, seller: Seller): string {
  const { currency } = source;
  const rows = source.lines.map((line): Row => {
    const shared = { source, seller, line };
    if (source.kind === 'adjustment_note') {
      return { ...shared, ...plainNoteLineText(line, currency), priced: null };
    }
    const { name, details, quantity } = plainLineText(line, currency);
    const priced = { quantity: roundedDecimal(pricedQuantity(line)), unit: quantity.unit };
    return { ...shared, name, details, priced };
  });
  return csvHead(LINE_COLUMNS) + csvRows(LINE_COLUMNS, rows);
}

function amountOf({ source, line }: Row, field: 'before_cents' | 'after_cents'): string | null {
  const cents = line.meta[field];
  return typeof cents === 'number' ? toAmount(cents, source.currency) : null;
}

/** Returns the buyer's name for documents. */
function buyerName({ buyer, buyer_name }: DocumentSource): string {
  return buyer?.legal_name ?? buyer_name;
}

/** What the tables of invoices and of notes have in common. */
function summaryColumns<Source extends DocumentSource>(): readonly CsvColumn<Source>[] {
  return [
    { head: 'number', value: ({ number }) => number, isText: true },
    { head: 'invoice_id', value: ({ invoice_id }) => invoice_id },
    { head: 'tenant_id', value: ({ tenant_id }) => tenant_id, isText: true },
    { head: 'buyer_name', value: buyerName, isText: true },
    { head: 'buyer_abn', value: ({ buyer }) => buyer?.abn ?? null },
    { head: 'issued_on', value: ({ issued_on }) => issued_on },
    { head: 'period_start', value: ({ period_start }) => period_start },
    { head: 'period_end', value: ({ period_end }) => period_end },
    { head: 'revision', value: ({ revision }) => revision },
    { head: 'currency', value: ({ currency }) => currency },
    { head: 'subtotal', value: (source) => toAmount(source.subtotal_cents, source.currency) },
    { head: 'taxable', value: (source) => toAmount(source.taxable_cents, source.currency) },
    { head: 'tax_treatment', value: ({ tax }) => tax.treatment, isText: true },
    { head: 'tax_rate', value: ({ tax }) => (tax.seller_registered ? tax.rate : '0') },
    { head: 'tax', value: (source) => toAmount(source.tax_cents, source.currency) },
    { head: 'tax_aud', value: ({ tax }) => tax.aud && toAmount(tax.aud.tax_cents, TAX_CURRENCY) },
    { head: 'total', value: (source) => toAmount(source.total_cents, source.currency) },
  ];
}

const INVOICE_COLUMNS: readonly CsvColumn<InvoiceSource>[] = [
  ...summaryColumns<InvoiceSource>(),
  { head: 'status', value: ({ status }) => status },
  { head: 'due_on', value: ({ due_on }) => due_on },
  { head: 'replaces', value: ({ replaces_number }) => replaces_number, isText: true },
  { head: 'superseded_by', value: ({ superseded_by_number: by }) => by, isText: true },
  { head: 'adjusted_by', value: ({ adjusted_by }) => adjusted_by.join(' '), isText: true },
];

const NOTE_COLUMNS: readonly CsvColumn<NoteSource>[] = [
  ...summaryColumns<NoteSource>(),
  { head: 'adjusts', value: ({ adjusts }) => adjusts.number, isText: true },
  { head: 'reason', value: ({ reason }) => reason, isText: true },
];

/** The header row of a month's tables of invoices for accounting. */
export const SUMMARY_CSV_HEAD = csvHead(INVOICE_COLUMNS);
/** The header row of a month's table of adjustment notes. */
export const NOTES_CSV_HEAD = csvHead(NOTE_COLUMNS);

/** Whether an invoice is live: neither superseded nor void. */
export function isLive({ status }: InvoiceSource): boolean {
  return status !== 'superseded' && status !== 'void';
}

/** Returns a row per invoice. */
export function summaryCsvRows(sources: readonly InvoiceSource[]): string {
  return csvRows(INVOICE_COLUMNS, sources);
}

/** Returns a row per adjustment note. Amounts are signed differences. */
export function notesCsvRows(sources: readonly NoteSource[]): string {
  return csvRows(NOTE_COLUMNS, sources);
}
