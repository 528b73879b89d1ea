import type { Seller } from '../db/catalogue/seller-details.ts';
import type { InvoiceSource } from '../db/invoices/invoice-documents.ts';
import { formatDate, NO_BREAK } from '../display/dates.ts';
import { joinFigure, lineText } from '../display/line-text.ts';
import { currencyOfLines, documentTitle, taxNotes, totalRows } from '../display/tax-text.ts';
import type { BillingDocument, DocumentLine, Fact, Mark } from './billing-document.ts';
import { dayAppendix } from './day-appendix.ts';
import { modelAppendix } from './model-appendix.ts';
import { buyerParty, currencyNote, datesOf, groupLines, sellerParty } from './document-parts.ts';

/** A tax invoice of $1,000 or more, including GST, must identify the buyer. */
const BUYER_FROM_CENTS = 100_000;

/**
 * Returns the content of an invoice's documents. It has what Australian law requires of a tax invoice (A New Tax System
 * (Goods and Services Tax) Act 1999, s 29-70): the title, the seller with ABN, the date, what was sold with quantity and
 * price, the GST, and the buyer if the total is $1,000 or more.
 */
export function invoiceDocument(source: InvoiceSource, seller: Seller): BillingDocument {
  const { number, currency, total_cents, tax } = source;
  // The value in Australian dollars of other currencies is unknown here, so they count as large.
  const isLarge = currency !== 'AUD' || total_cents >= BUYER_FROM_CENTS;
  return {
    title: documentTitle(source),
    number,
    caption: `Lines of ${number}, in ${currencyOfLines(source)}`,
    issuedAt: source.issued_at,
    mark: markOf(source),
    facts: factsOf(source),
    seller: sellerParty(seller),
    buyer: buyerParty(source, isLarge && tax.seller_registered ? 'ABN not provided' : null),
    statements: statementsOf(source),
    heads: ['Description', 'Quantity', 'Unit price', 'Amount'],
    groups: groupLines(source, (line) => toDocumentLine(line, currency)),
    totals: totalRows(source),
    notes: [currencyNote(source), ...taxNotes(source), ...statusNotes(source)],
    payment: isPayable(source) ? paymentOf(source, seller) : [],
    appendices: [modelAppendix(source), dayAppendix(source)].filter((each) => each !== null),
  };
}

function markOf({ status, superseded_by_number }: InvoiceSource): Mark | null {
  if (status === 'superseded') {
    return { status, text: `Superseded by ${superseded_by_number ?? 'a later revision'}` };
  }
  return status === 'void' ? { status, text: 'Void' } : null;
}

function factsOf(source: InvoiceSource): Fact[] {
  const { number, revision, replaces_number, replaces_void } = source;
  const due = dueText(source);
  return [
    { label: 'Invoice number', value: number },
    ...datesOf(source),
    ...(isPayable(source) ? [{ label: 'Due date', value: due }] : []),
    ...(replaces_number === null
      ? []
      : [
          {
            label: 'Replaces',
            value: `${replaces_void ? 'void invoice ' : ''}${replaces_number} (this is revision ${revision})`,
          },
        ]),
  ];
}

function statementsOf({ adjusted_by }: InvoiceSource): Fact[] {
  if (adjusted_by.length === 0) return [];
  const noun = adjusted_by.length === 1 ? 'adjustment note' : 'adjustment notes';
  return [
    {
      label: 'Adjusted',
      value: `This invoice is as it was issued. It was adjusted by ${noun} ${adjusted_by.join(', ')}.`,
    },
  ];
}

/** Whether the document asks for a payment. Whether it was paid doesn't matter: documents never say so. */
function isPayable({ status, total_cents }: InvoiceSource): boolean {
  return status !== 'superseded' && status !== 'void' && total_cents > 0;
}

/** Returns the due date, or how it will follow from the release. */
function dueText({ due_on, payment_days }: InvoiceSource): string {
  if (due_on !== null) return formatDate(due_on);
  return `within ${payment_days}${NO_BREAK}${payment_days === 1 ? 'day' : 'days'} of release`;
}

function paymentOf(
  source: InvoiceSource,
  { payment_terms, payment_details }: Seller,
): readonly string[] {
  const due = dueText(source);
  return [
    source.due_on === null ? `Payable ${due}` : `Payable by ${due}`,
    ...(payment_terms === null ? [] : [payment_terms]),
    ...payment_details,
  ];
}

function statusNotes({ status, superseded_by_number }: InvoiceSource): string[] {
  if (status === 'superseded') return ['This invoice was replaced: do not pay it.'];
  if (status !== 'void') return [];
  return [
    'This invoice is void: do not pay it.',
    ...(superseded_by_number === null ? [] : [`It was replaced by ${superseded_by_number}.`]),
  ];
}

function toDocumentLine(line: InvoiceSource['lines'][number], currency: string): DocumentLine {
  const { name, quantity, unitPrice, amount, details } = lineText(line, currency);
  return {
    lineNo: line.line_no,
    name,
    details,
    figures: [joinFigure(quantity), unitPrice === null ? '' : joinFigure(unitPrice), amount],
  };
}
