import type { Seller } from '../db/catalogue/seller-details.ts';
import type { NoteSource } from '../db/invoices/invoice-documents.ts';
import { formatDate } from '../display/dates.ts';
import {
  noteEffect,
  noteLineText,
  noteTaxNotes,
  noteTitle,
  noteTotalRows,
} from '../display/note-text.ts';
import { currencyOfLines } from '../display/tax-text.ts';
import type { BillingDocument, DocumentLine } from './billing-document.ts';
import { dayAppendix } from './day-appendix.ts';
import { buyerParty, currencyNote, datesOf, groupLines, sellerParty } from './document-parts.ts';

/**
 * Returns the content of an adjustment note's documents. It has what Australian law requires (A New Tax System (Goods and
 * Services Tax) Act 1999, s 29-75, with the Adjustment Note Information Requirements Determination 2022; GSTR 2013/2):
 * the words "Adjustment note" and whether the adjustment is decreasing or increasing, the seller with ABN, the date of
 * issue, the buyer, the reason, the difference in price, and the change in GST. It also names the invoice that it
 * adjusts. A seller that is not registered for GST can't issue adjustment notes; its document is a credit or debit note.
 */
export function noteDocument(source: NoteSource, seller: Seller): BillingDocument {
  const { number, currency, adjusts, reason, total_cents } = source;
  const effect = noteEffect(source);
  return {
    title: noteTitle(source),
    number,
    caption: `Lines of ${number}, in ${currencyOfLines(source)}`,
    issuedAt: source.issued_at,
    mark: null,
    facts: [
      { label: `${noteTitle(source)} number`, value: number },
      ...datesOf(source),
      {
        label: 'Adjusts',
        value: `Invoice ${adjusts.number} of ${formatDate(adjusts.issued_on)}`,
      },
    ],
    seller: sellerParty(seller),
    buyer: buyerParty(source, null),
    statements: [
      { label: 'Reason', value: reason },
      ...(effect === null ? [] : [{ label: 'Effect on GST', value: effect }]),
    ],
    heads: ['Description', 'Before', 'After', 'Difference'],
    groups: groupLines(source, (line) => toDocumentLine(line, currency)),
    totals: noteTotalRows(source),
    notes: [currencyNote(source), ...noteTaxNotes(source), ...accountNote(source)],
    payment:
      total_cents > 0
        ? [`Payable in addition to invoice ${adjusts.number}`, ...seller.payment_details]
        : [],
    appendices: [dayAppendix(source)].filter((each) => each !== null),
  };
}

function accountNote({ total_cents, adjusts }: NoteSource): string[] {
  return total_cents < 0 ? [`This amount is credited against invoice ${adjusts.number}.`] : [];
}

function toDocumentLine(line: NoteSource['lines'][number], currency: string): DocumentLine {
  const { name, details, before, after, difference } = noteLineText(line, currency);
  return { lineNo: line.line_no, name, details, figures: [before, after, difference] };
}
