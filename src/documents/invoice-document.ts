import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';
import { formatAbn } from '../domain/abn.ts';
import { formatDate } from '../display/dates.ts';
import { joinFigure, lineText } from '../display/line-text.ts';
import {
  currencyOfLines,
  documentTitle,
  taxNotes,
  totalRows,
  type TotalRow,
} from '../display/tax-text.ts';
import { visibleIn } from '../lib/visible-text.ts';

/**
 * The content of an invoice's documents. HTML and PDF are both made from it, so they agree. It has what Australian law
 * requires of a tax invoice (A New Tax System (Goods and Services Tax) Act 1999, s 29-70): the title, the seller with
 * ABN, the date, what was sold with quantity and price, the GST, and the buyer if the total is $1,000 or more.
 */
export interface InvoiceDocument {
  readonly title: 'Tax invoice' | 'Invoice';
  /** Of the table of lines. */
  readonly caption: string;
  readonly number: string;
  /** The instant of issue; documents contain no other time. */
  readonly issuedAt: string;
  readonly currency: string;
  /** Shown if the invoice is superseded, void or paid; null if it is issued and unpaid. */
  readonly mark: Mark | null;
  readonly facts: readonly Fact[];
  readonly seller: Party;
  readonly buyer: Party;
  readonly groups: readonly LineGroup[];
  readonly totals: readonly TotalRow[];
  readonly notes: readonly string[];
  /** How to pay; empty if nothing is due. */
  readonly payment: readonly string[];
}

export interface Mark {
  readonly status: 'superseded' | 'void' | 'paid';
  readonly text: string;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Party {
  readonly role: 'From' | 'To';
  readonly name: string;
  /** The lines under the name. */
  readonly lines: readonly string[];
}

/** The lines of a deployment. */
export interface LineGroup {
  readonly deploymentId: string;
  readonly lines: readonly DocumentLine[];
}

export interface DocumentLine {
  readonly lineNo: number;
  readonly name: string;
  /** How the amount came about. */
  readonly details: readonly string[];
  /** In the unit that the price is for. */
  readonly quantity: string;
  /** Includes its unit; empty if the amount isn't computed from a unit price. */
  readonly unitPrice: string;
  readonly amount: string;
}

/** A tax invoice of $1,000 or more, including GST, must identify the buyer. */
const BUYER_FROM_CENTS = 100_000;

/** Returns the content of an invoice's documents. Hidden characters are shown, so a name can't reorder text next to it. */
export function makeDocument(source: DocumentSource, seller: Seller): InvoiceDocument {
  const { currency } = source;
  const goods = source.lines.filter(({ kind }) => kind !== 'tax');
  const mark = markOf(source);
  return visibleIn<InvoiceDocument>({
    title: documentTitle(source),
    caption: `Lines of ${source.number}, in ${currencyOfLines(source)}`,
    number: source.number,
    issuedAt: source.issued_at,
    currency,
    mark,
    facts: factsOf(source),
    seller: sellerParty(seller),
    buyer: buyerParty(source),
    groups: [...Map.groupBy(goods, ({ deployment_id }) => deployment_id ?? '')].map(
      ([deploymentId, lines]) => ({
        deploymentId,
        lines: lines.map((line) => documentLine(line, currency)),
      }),
    ),
    totals: totalRows(source),
    notes: [
      `All amounts are in ${currency}${source.tax.aud === null ? '' : ' unless another currency is named'}.`,
      ...taxNotes(source),
      ...(mark?.status === 'superseded' ? ['This invoice was replaced: do not pay it.'] : []),
      ...(mark?.status === 'void' ? ['This invoice is void: do not pay it.'] : []),
    ],
    payment:
      mark === null && source.total_cents > 0
        ? [
            ...(seller.payment_terms === null ? [] : [seller.payment_terms]),
            ...seller.payment_details,
          ]
        : [],
  });
}

function markOf({ status, superseded_by_number }: DocumentSource): Mark | null {
  switch (status) {
    case 'superseded':
      return { status, text: `Superseded by ${superseded_by_number ?? 'a later revision'}` };
    case 'void':
      return { status, text: 'Void' };
    case 'paid':
      return { status, text: 'Paid' };
    case 'issued':
      return null;
  }
}

function factsOf(source: DocumentSource): Fact[] {
  const { number, issued_on, period_start, period_end, revision, replaces_number } = source;
  return [
    { label: 'Invoice number', value: number },
    { label: 'Date of issue', value: formatDate(issued_on) },
    { label: 'Service period', value: `${formatDate(period_start)} to ${formatDate(period_end)}` },
    ...(replaces_number === null
      ? []
      : [{ label: 'Replaces', value: `${replaces_number} (this is revision ${revision})` }]),
  ];
}

function sellerParty({ legal_name, trading_name, abn, address, email }: Seller): Party {
  return {
    role: 'From',
    name: legal_name,
    lines: [
      ...(trading_name === null || trading_name === legal_name
        ? []
        : [`trading as ${trading_name}`]),
      `ABN ${formatAbn(abn)}`,
      ...address,
      ...(email === null ? [] : [email]),
    ],
  };
}

function buyerParty({
  buyer,
  buyer_name,
  total_cents,
  currency,
  tenant_id,
  tax,
}: DocumentSource): Party {
  // The value in Australian dollars of other currencies is unknown here, so they count as large.
  const isLarge = currency !== 'AUD' || total_cents >= BUYER_FROM_CENTS;
  const withoutAbn = isLarge && tax.seller_registered ? ['ABN not provided'] : [];
  return {
    role: 'To',
    name: buyer?.legal_name ?? buyer_name,
    lines: [
      ...(buyer?.abn ? [`ABN ${formatAbn(buyer.abn)}`] : withoutAbn),
      ...(buyer?.contact ? [buyer.contact] : []),
      ...(buyer?.address ?? []),
      ...(buyer?.email ? [buyer.email] : []),
      `Account ${tenant_id}`,
    ],
  };
}

function documentLine(line: DocumentSource['lines'][number], currency: string): DocumentLine {
  const { name, quantity, unitPrice, amount, details } = lineText(line, currency);
  return {
    lineNo: line.line_no,
    name,
    details,
    quantity: joinFigure(quantity),
    unitPrice: unitPrice === null ? '' : joinFigure(unitPrice),
    amount,
  };
}
