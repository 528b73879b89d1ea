import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import type { Seller } from '../db/catalogue/seller-details.ts';
import { formatAbn } from '../domain/abn.ts';
import { formatAmount, formatMoney, groupDigits } from '../domain/format.ts';
import { visibleIn } from '../lib/visible-text.ts';
import { dateOf, formatDate } from './document-wording.ts';
import { withPriceUnit, withQuantityUnit } from './units.ts';

/**
 * An invoice as its documents say it: HTML and PDF are made of this alone, so that they say the same. It
 * has what Australian law asks of a tax invoice (A New Tax System (Goods and Services Tax) Act
 * 1999, s 29-70): that it is one, the seller and the ABN, the date, what was sold with quantity and price, the
 * GST, and, from $1,000, who buys.
 */
export interface InvoiceDocument {
  readonly title: 'Tax invoice';
  readonly number: string;
  /** The instant of issue: all that a document knows of time. */
  readonly issuedAt: string;
  readonly currency: string;
  /** What has become of it; null: it stands, and nobody has paid. */
  readonly mark: Mark | null;
  readonly facts: readonly Fact[];
  readonly seller: Party;
  readonly buyer: Party;
  readonly groups: readonly LineGroup[];
  readonly totals: readonly Fact[];
  readonly notes: readonly string[];
  /** How to pay; nothing where there is nothing to pay. */
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
  /** Under the name, a line each. */
  readonly lines: readonly string[];
}

/** The lines of a deployment. */
export interface LineGroup {
  readonly deploymentId: string;
  readonly lines: readonly DocumentLine[];
}

export interface DocumentLine {
  readonly lineNo: number;
  readonly description: string;
  /** What the amount was computed from; may be empty. */
  readonly detail: string;
  readonly quantity: string;
  /** With what it is for; empty where no unit price makes the amount. */
  readonly unitPrice: string;
  readonly amount: string;
}

/** From $1,000 on, with GST, a tax invoice says who the buyer is. */
const BUYER_FROM_CENTS = 100_000;

/** What an invoice's documents say, with hidden characters shown: a name can't reorder what stands beside it. */
export function makeDocument(source: DocumentSource, seller: Seller): InvoiceDocument {
  const { currency } = source;
  const goods = source.lines.filter(({ kind }) => kind !== 'tax');
  const tax = source.lines.find(({ kind }) => kind === 'tax');
  const mark = markOf(source);
  return visibleIn<InvoiceDocument>({
    title: 'Tax invoice',
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
    totals: [
      { label: 'Subtotal, excluding GST', value: formatAmount(source.subtotal_cents, currency) },
      { label: tax?.description ?? 'GST', value: formatAmount(source.tax_cents, currency) },
      {
        label: `Total ${currency}, including GST`,
        value: formatAmount(source.total_cents, currency),
      },
    ],
    notes: [
      `All amounts are in ${currency}. Prices and amounts of lines exclude GST, which is computed on the subtotal` +
        `${tax ? ' of all lines' : '; here it comes to nothing'}.`,
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
  const { number, issued_at, period_start, period_end, revision, replaces_number } = source;
  return [
    { label: 'Invoice number', value: number },
    { label: 'Date of issue', value: formatDate(dateOf(issued_at)) },
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
}: DocumentSource): Party {
  // Of another currency it can't be told here whether it comes to $1,000: better too much.
  const isLarge = currency !== 'AUD' || total_cents >= BUYER_FROM_CENTS;
  const withoutAbn = isLarge ? ['ABN not provided'] : [];
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
  const { line_no, description, qty, unit, unit_price_cents, amount_cents } = line;
  return {
    lineNo: line_no,
    description,
    detail: detailOf(line, currency),
    quantity: withQuantityUnit(groupDigits(qty), unit),
    unitPrice:
      unit_price_cents === null
        ? ''
        : withPriceUnit(formatAmount(unit_price_cents, currency), unit),
    amount: formatAmount(amount_cents, currency),
  };
}

/** Where the amount doesn't follow from quantity and price by itself. */
function detailOf({ kind, meta }: DocumentSource['lines'][number], currency: string): string {
  const text = (name: string): string | null => {
    const value = meta[name];
    return typeof value === 'string' ? groupDigits(value) : null;
  };
  if (kind === 'llm_usage') {
    const exact = meta.exact_cents;
    return typeof exact === 'string'
      ? `Charges of ${formatMoney(exact, currency)}, rounded once`
      : '';
  }
  const [used, allowance] = [text('used'), text('allowance')];
  if (kind !== 'overage' || used === null || allowance === null) return '';
  return `Used ${used}, of which ${allowance} included${meta.capped === true ? '; capped' : ''}`;
}
