import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';
import { toAmount } from '../domain/format.ts';
import { dateOf } from './document-wording.ts';

interface Row {
  readonly source: DocumentSource;
  readonly seller: Seller;
  readonly line: DocumentSource['lines'][number];
}

const COLUMNS: readonly CsvColumn<Row>[] = [
  { head: 'number', value: ({ source }) => source.number, isText: true },
  { head: 'status', value: ({ source }) => source.status },
  { head: 'issued_on', value: ({ source }) => dateOf(source.issued_at) },
  { head: 'period_start', value: ({ source }) => source.period_start },
  { head: 'period_end', value: ({ source }) => source.period_end },
  { head: 'seller_name', value: ({ seller }) => seller.legal_name, isText: true },
  { head: 'seller_abn', value: ({ seller }) => seller.abn },
  { head: 'buyer_name', value: ({ source }) => buyerName(source), isText: true },
  { head: 'buyer_abn', value: ({ source }) => source.buyer?.abn ?? null },
  { head: 'currency', value: ({ source }) => source.currency },
  { head: 'line_no', value: ({ line }) => line.line_no },
  { head: 'deployment_id', value: ({ line }) => line.deployment_id, isText: true },
  { head: 'kind', value: ({ line }) => line.kind },
  { head: 'resource_kind', value: ({ line }) => line.resource_kind, isText: true },
  { head: 'description', value: ({ line }) => line.description, isText: true },
  { head: 'qty', value: ({ line }) => line.qty },
  { head: 'unit', value: ({ line }) => line.unit, isText: true },
  {
    head: 'unit_price',
    value: ({ source, line }) =>
      line.unit_price_cents === null ? null : toAmount(line.unit_price_cents, source.currency),
  },
  { head: 'amount', value: ({ source, line }) => toAmount(line.amount_cents, source.currency) },
];

export const DOCUMENT_CSV_HEADERS: readonly string[] = COLUMNS.map(({ head }) => head);

/** An invoice as CSV (RFC 4180), a row a line; GST has its own, so that the rows add up to the total. */
export function documentCsv(source: DocumentSource, seller: Seller): string {
  return (
    csvHead(COLUMNS) +
    csvRows(
      COLUMNS,
      source.lines.map((line) => ({ source, seller, line })),
    )
  );
}

/** Who buys, as the documents name it. */
export function buyerName({ buyer, buyer_name }: DocumentSource): string {
  return buyer?.legal_name ?? buyer_name;
}
