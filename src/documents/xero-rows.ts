import type { DocumentKind, DocumentSource } from '../db/invoices/invoice-documents.ts';
import type { ExportEntry } from '../db/invoices/book-exports.ts';
import { plainLineText } from '../display/line-text.ts';
import { toAmount } from '../domain/format.ts';
import { bookingOf, taxInXero, type Booking, type XeroSettings } from '../domain/xero-accounts.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';

/** A document as Xero's import of sales invoices takes it (docs/operations/export-to-xero.md). Amounts exclude tax. */
export interface XeroDocument {
  /** In Xero: a reversal has a number of its own. */
  readonly number: string;
  readonly source: DocumentSource;
  readonly entry: DocumentKind | 'reversal';
  readonly rows: readonly XeroRow[];
  /** Of the document; negated in a reversal. */
  readonly subtotalCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
  /** The tax that Xero computes from the rows. */
  readonly taxInXeroCents: number;
  /** The amount of the row that makes up for the difference; 0 without one. */
  readonly roundingCents: number;
}

interface XeroRow {
  readonly document: Omit<XeroDocument, 'rows'> & {
    readonly reference: string;
    readonly date: string;
    readonly dueDate: string;
  };
  readonly description: string;
  readonly amountCents: number;
  readonly booking: Booking;
}

/**
 * Returns a document's rows: one per line, without the tax line. If the settings name an account for rounding and Xero's
 * tax differs from the document's, a further row makes the totals equal.
 * @throws Error if a mapping is missing, which `exportBooks` has ruled out
 */
export function xeroDocument(
  source: DocumentSource,
  { entry, reversedOn }: Pick<ExportEntry, 'entry' | 'reversedOn'>,
  settings: XeroSettings,
): XeroDocument {
  const { tax, number, kind } = source;
  const sign = entry === 'reversal' ? -1 : 1;
  const lines = source.lines
    .filter((line) => line.kind !== 'tax')
    .map((line) => {
      const isTaxed = tax.seller_registered && line.taxable;
      const booking = bookingOf(settings, { kind: line.kind, treatment: tax.treatment, isTaxed });
      if ('missing' in booking) throw new Error(`${booking.missing} is missing for ${number}`);
      // 0 and not -0.
      const amountCents = line.amount_cents * sign || 0;
      return { description: descriptionOf(line, source.currency), amountCents, booking, isTaxed };
    });
  const taxed = lines.filter(({ isTaxed }) => isTaxed);
  const taxInXeroCents = taxInXero(
    taxed.map(({ amountCents }) => amountCents),
    tax.rate,
  );
  const taxCents = source.tax_cents * sign || 0;
  const roundingCents = settings.rounding === null ? 0 : taxCents - taxInXeroCents;
  const date = reversedOn ?? source.issued_on;
  const document = {
    number: entry === 'reversal' ? `${number}-R` : number,
    source,
    entry: entry === 'reversal' ? entry : kind,
    subtotalCents: source.subtotal_cents * sign || 0,
    taxCents,
    totalCents: source.total_cents * sign || 0,
    taxInXeroCents,
    roundingCents,
  };
  const onEachRow = {
    ...document,
    reference: referenceOf(source, entry),
    date,
    // Notes and reversals have no due date, but Xero requires one.
    dueDate: (source.kind === 'invoice' && entry === 'document' ? source.due_on : null) ?? date,
  };
  const rows = lines.map(({ isTaxed: _isTaxed, ...line }) => ({ document: onEachRow, ...line }));
  if (settings.rounding === null || roundingCents === 0) return { ...document, rows };
  const { account_code: accountCode, tax_type: taxType } = settings.rounding;
  return {
    ...document,
    rows: [
      ...rows,
      {
        document: onEachRow,
        description: `${tax.label}: rounded once per document, and per line in Xero`,
        amountCents: roundingCents,
        booking: { accountCode, taxType },
      },
    ],
  };
}

/** Returns name, deployment and details of a line as one text. */
function descriptionOf(line: DocumentSource['lines'][number], currency: string): string {
  const { name, details } = plainLineText(line, currency);
  const what = line.deployment_id === null ? name : `${name} (${line.deployment_id})`;
  return [what, ...details].join('. ');
}

function referenceOf(source: DocumentSource, entry: ExportEntry['entry']): string {
  const month = source.period_start.slice(0, 7);
  if (source.kind === 'adjustment_note') return `${month}, adjusts ${source.adjusts.number}`;
  const { number, status, replaces_number, superseded_by_number } = source;
  if (entry === 'document') {
    return replaces_number === null ? month : `${month}, replaces ${replaces_number}`;
  }
  // A void invoice may have been replaced since it was reversed.
  const why = status === 'void' ? 'which is void' : `replaced by ${superseded_by_number ?? ''}`;
  return `Reverses ${number}, ${why}`;
}

const empty = () => null;

/** The columns of Xero's template for sales invoices, in its order. Columns with a star are required. */
const COLUMNS: readonly CsvColumn<XeroRow>[] = [
  { head: '*ContactName', value: ({ document }) => contactOf(document), isText: true },
  {
    head: 'EmailAddress',
    value: ({ document }) => document.source.buyer?.email ?? null,
    isText: true,
  },
  ...[0, 1, 2, 3].map((index) => ({
    head: `POAddressLine${index + 1}`,
    value: ({ document }: XeroRow) => addressLine(document, index),
    isText: true,
  })),
  { head: 'POCity', value: empty },
  { head: 'PORegion', value: empty },
  { head: 'POPostalCode', value: empty },
  { head: 'POCountry', value: empty },
  { head: '*InvoiceNumber', value: ({ document }) => document.number, isText: true },
  { head: 'Reference', value: ({ document }) => document.reference, isText: true },
  { head: '*InvoiceDate', value: ({ document }) => xeroDate(document.date) },
  { head: '*DueDate', value: ({ document }) => xeroDate(document.dueDate) },
  { head: 'InventoryItemCode', value: empty },
  { head: '*Description', value: ({ description }) => description, isText: true },
  // The price isn't exported: Xero would round quantity × price by its own rules.
  { head: '*Quantity', value: () => 1 },
  {
    head: '*UnitAmount',
    value: ({ document, amountCents }) => toAmount(amountCents, document.source.currency),
  },
  { head: 'Discount', value: empty },
  { head: '*AccountCode', value: ({ booking }) => booking.accountCode, isText: true },
  { head: '*TaxType', value: ({ booking }) => booking.taxType, isText: true },
  { head: 'TrackingName1', value: empty },
  { head: 'TrackingOption1', value: empty },
  { head: 'TrackingName2', value: empty },
  { head: 'TrackingOption2', value: empty },
  { head: 'Currency', value: ({ document }) => document.source.currency },
  { head: 'BrandingTheme', value: empty },
];

export const XERO_CSV_HEAD = csvHead(COLUMNS);

export function xeroCsvRows({ rows }: XeroDocument): string {
  return csvRows(COLUMNS, rows);
}

function contactOf({ source }: Pick<XeroDocument, 'source'>): string {
  return source.buyer?.legal_name ?? source.buyer_name;
}

/** Returns a line of the buyer's address. Xero has four: the last one gets all that is left. */
function addressLine({ source }: Pick<XeroDocument, 'source'>, index: number): string | null {
  const address = source.buyer?.address ?? [];
  return (index === 3 ? address.slice(3).join(', ') : (address[index] ?? '')) || null;
}

/** `2026-06-01` → `01/06/2026`. */
function xeroDate(date: string): string {
  return date.split('-').reverse().join('/');
}

const TOTALS_COLUMNS: readonly CsvColumn<XeroDocument>[] = [
  { head: 'number', value: ({ number }) => number, isText: true },
  { head: 'entry', value: ({ entry }) => entry },
  { head: 'tenant_id', value: ({ source }) => source.tenant_id, isText: true },
  { head: 'currency', value: ({ source }) => source.currency },
  ...(
    [
      ['subtotal', 'subtotalCents'],
      ['tax', 'taxCents'],
      ['total', 'totalCents'],
      ['tax_in_xero', 'taxInXeroCents'],
      ['rounding_row', 'roundingCents'],
    ] as const
  ).map(([head, amount]) => ({
    head,
    value: (document: XeroDocument) => toAmount(document[amount], document.source.currency),
  })),
  {
    head: 'total_in_xero',
    value: (document) => toAmount(totalInXero(document), document.source.currency),
  },
];

/** The head of the table that compares each document's totals with those that Xero computes. */
export const XERO_TOTALS_HEAD = csvHead(TOTALS_COLUMNS);

export function xeroTotalsRows(documents: readonly XeroDocument[]): string {
  return csvRows(TOTALS_COLUMNS, documents);
}

/** Returns the total that Xero computes for the rows, in cents. */
export function totalInXero({
  subtotalCents,
  taxInXeroCents,
  roundingCents,
}: XeroDocument): number {
  return subtotalCents + taxInXeroCents + roundingCents;
}
