import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';
import { plainLineText, pricedQuantity, type LineText } from '../display/line-text.ts';
import { shareOf, textOf } from '../display/line-meta.ts';
import { roundedDecimal } from '../display/priced-quantity.ts';
import { factorOf } from '../display/unit-words.ts';
import { TAX_CURRENCY } from '../domain/aud-tax.ts';
import { toAmount } from '../domain/format.ts';

interface Row {
  readonly source: DocumentSource;
  readonly seller: Seller;
  readonly line: DocumentSource['lines'][number];
  readonly text: LineText;
}

const LINE_COLUMNS: readonly CsvColumn<Row>[] = [
  { head: 'number', value: ({ source }) => source.number, isText: true },
  { head: 'status', value: ({ source }) => source.status },
  { head: 'issued_on', value: ({ source }) => source.issued_on },
  { head: 'period_start', value: ({ source }) => source.period_start },
  { head: 'period_end', value: ({ source }) => source.period_end },
  { head: 'seller_name', value: ({ seller }) => seller.legal_name, isText: true },
  { head: 'seller_abn', value: ({ seller }) => seller.abn },
  { head: 'buyer_name', value: ({ source }) => buyerName(source), isText: true },
  { head: 'buyer_abn', value: ({ source }) => source.buyer?.abn ?? null },
  { head: 'currency', value: ({ source }) => source.currency },
  { head: 'line_no', value: ({ line }) => line.line_no },
  { head: 'deployment_id', value: ({ line }) => line.deployment_id, isText: true },
  // As people read the line.
  { head: 'description', value: ({ text }) => text.name, isText: true },
  { head: 'details', value: ({ text }) => text.details.join('. '), isText: true },
  { head: 'quantity', value: ({ line }) => roundedDecimal(pricedQuantity(line)) },
  { head: 'quantity_unit', value: ({ text }) => text.quantity.unit, isText: true },
  {
    head: 'unit_price',
    value: ({ source, line }) =>
      line.unit_price_cents === null ? null : toAmount(line.unit_price_cents, source.currency),
  },
  { head: 'amount', value: ({ source, line }) => toAmount(line.amount_cents, source.currency) },
  // As programs compute it: amount = qty ÷ unit_factor × days ÷ days_in_month × unit_price.
  { head: 'kind', value: ({ line }) => line.kind },
  { head: 'resource_kind', value: ({ line }) => line.resource_kind, isText: true },
  { head: 'qty', value: ({ line }) => line.qty },
  { head: 'unit', value: ({ line }) => line.unit, isText: true },
  { head: 'unit_factor', value: ({ line }) => factorOf(line.unit, line.meta) },
  { head: 'service_from', value: ({ line }) => textOf(line.meta.service_from) },
  { head: 'service_to', value: ({ line }) => textOf(line.meta.service_to) },
  { head: 'days', value: ({ line }) => shareOf(line.meta)?.dividend ?? null },
  { head: 'days_in_month', value: ({ line }) => shareOf(line.meta)?.divisor ?? null },
];

export const DOCUMENT_CSV_HEADERS: readonly string[] = LINE_COLUMNS.map(({ head }) => head);

/**
 * Returns an invoice as CSV (RFC 4180) with a row per line. Tax is a row too, so the rows add up to the total. Columns up
 * to `amount` are what people read, the others are the line as the API serves it (docs/integrating.md#documents).
 */
export function documentCsv(source: DocumentSource, seller: Seller): string {
  return (
    csvHead(LINE_COLUMNS) +
    csvRows(
      LINE_COLUMNS,
      source.lines.map((line) => ({
        source,
        seller,
        line,
        text: plainLineText(line, source.currency),
      })),
    )
  );
}

/** Returns the buyer's name for documents. */
function buyerName({ buyer, buyer_name }: DocumentSource): string {
  return buyer?.legal_name ?? buyer_name;
}

const SUMMARY_COLUMNS: readonly CsvColumn<DocumentSource>[] = [
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
  { head: 'tax_treatment', value: ({ tax }) => tax.treatment, isText: true },
  { head: 'tax_rate', value: ({ tax }) => (tax.seller_registered ? tax.rate : '0') },
  { head: 'tax', value: (source) => toAmount(source.tax_cents, source.currency) },
  { head: 'tax_aud', value: ({ tax }) => tax.aud && toAmount(tax.aud.tax_cents, TAX_CURRENCY) },
  { head: 'total', value: (source) => toAmount(source.total_cents, source.currency) },
  { head: 'status', value: ({ status }) => status },
  { head: 'replaces', value: ({ replaces_number }) => replaces_number, isText: true },
  { head: 'superseded_by', value: ({ superseded_by_number: by }) => by, isText: true },
];

/** The header row of a month's tables for accounting. */
export const SUMMARY_CSV_HEAD = csvHead(SUMMARY_COLUMNS);

/** Whether an invoice is live: neither superseded nor void. */
export function isLive({ status }: Pick<DocumentSource, 'status'>): boolean {
  return status === 'issued' || status === 'paid';
}

/** Returns a row per invoice. */
export function summaryCsvRows(sources: readonly DocumentSource[]): string {
  return csvRows(SUMMARY_COLUMNS, sources);
}
