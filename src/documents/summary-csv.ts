import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';
import { toAmount } from '../domain/format.ts';
import { dateOf } from './document-wording.ts';
import { buyerName } from './document-csv.ts';

const COLUMNS: readonly CsvColumn<DocumentSource>[] = [
  { head: 'number', value: ({ number }) => number, isText: true },
  { head: 'invoice_id', value: ({ invoice_id }) => invoice_id },
  { head: 'tenant_id', value: ({ tenant_id }) => tenant_id, isText: true },
  { head: 'buyer_name', value: buyerName, isText: true },
  { head: 'buyer_abn', value: ({ buyer }) => buyer?.abn ?? null },
  { head: 'issued_on', value: ({ issued_at }) => dateOf(issued_at) },
  { head: 'period_start', value: ({ period_start }) => period_start },
  { head: 'period_end', value: ({ period_end }) => period_end },
  { head: 'revision', value: ({ revision }) => revision },
  { head: 'currency', value: ({ currency }) => currency },
  { head: 'subtotal', value: (source) => toAmount(source.subtotal_cents, source.currency) },
  { head: 'tax', value: (source) => toAmount(source.tax_cents, source.currency) },
  { head: 'total', value: (source) => toAmount(source.total_cents, source.currency) },
  { head: 'status', value: ({ status }) => status },
  { head: 'replaces', value: ({ replaces_number }) => replaces_number, isText: true },
  { head: 'superseded_by', value: ({ superseded_by_number: by }) => by, isText: true },
];

/** The head of a month's tables for accounting. */
export const SUMMARY_CSV_HEAD = csvHead(COLUMNS);

/** Whether an invoice counts: it is neither superseded nor void. */
export function isLive({ status }: Pick<DocumentSource, 'status'>): boolean {
  return status === 'issued' || status === 'paid';
}

/** One row for each invoice. */
export function summaryCsvRows(sources: readonly DocumentSource[]): string {
  return csvRows(COLUMNS, sources);
}
