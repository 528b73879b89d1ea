import type { InvoiceLine, InvoiceView } from '../../../db/invoices/invoice-views.ts';
import { amountText, lineText } from '../../../display/line-text.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { ActionView } from './action-form.ts';
import { field, textField, type FieldMistake } from './form-fields.ts';
import type { Visitor } from './layout.ts';
import { invoicePlace } from './invoice-actions.ts';
import { creditHref } from './places.ts';

/** The submitted form of a credit. */
export interface CreditForm {
  /** As `requestIdOf` returned it when the form was shown. */
  readonly requestId: string;
  readonly lineNo: string;
  readonly amount: string;
}

/** The invoice or adjustment note whose line is credited. */
export interface CreditedDocument {
  readonly number: string;
  readonly lines: readonly InvoiceLine[];
  /** The invoice itself, or the one that the note adjusts. */
  readonly invoice: InvoiceView;
}

export interface CreditView {
  readonly document: CreditedDocument;
  /** What is left of the chosen line, in minor units; null: none is chosen, or nothing is left. */
  readonly left: number | null;
  readonly form: CreditForm;
  readonly visitor: Visitor;
  readonly refusal: string | null;
}

/** Renders the form that credits an amount on a line. */
export function creditView({ document, left, form, visitor, refusal }: CreditView): ActionView {
  const { number, invoice } = document;
  return {
    title: `Credit a line of ${number}`,
    ...invoicePlace(invoice, visitor),
    refusal,
    hidden: { request_id: requestIdOf(invoice) },
    fields: (mistakes) =>
      markup`${lineField(document, form, mistakes)}${textField({
        id: 'amount',
        label: `Amount in ${invoice.currency}`,
        hint: `Before tax, above 0${left === null ? '' : `, at most ${formatMoney(left, invoice.currency)}`}.`,
        mistakes,
        value: form.amount,
        more: markup` required autocomplete="off"`,
      })}`,
    reasonHint:
      'Printed on the adjustment note: write it for the tenant. Recorded with your key’s name.',
    confirmation: 'Give this credit. I know that this can’t be undone',
    button: 'Give credit',
  };
}

/**
 * Returns the idempotency key of the next credit on an invoice. It stays the same until there is another note, so of two
 * credits that are given at the same time, by a double click or by two operators, one counts.
 */
function requestIdOf({ number, adjustment_notes }: InvoiceView): string {
  return `page:${number}:${adjustment_notes.length + 1}`;
}

/** Tax follows from the other lines, and a credit can't be credited. */
function isCreditable({ kind, amount_cents }: Pick<InvoiceLine, 'kind' | 'amount_cents'>) {
  return kind !== 'tax' && kind !== 'credit' && amount_cents > 0;
}

/** Renders the link that credits a line; nothing for tenants, and for lines that can't be credited. */
export function creditLink(
  document: 'invoices' | 'adjustment-notes',
  documentId: string,
  line: InvoiceLine,
  { scope }: Visitor,
): Markup | string {
  if (scope === 'tenant' || !isCreditable(line)) return '';
  return markup`<span class="sub"><a href="${creditHref(document, documentId, line.line_no)}">Credit<span class="heard"> line ${line.line_no}</span></a></span>`;
}

/** For invoices with more lines, the operator types the line number. */
const MAX_OPTIONS = 300;

function lineField(
  { lines, invoice: { currency } }: CreditedDocument,
  { lineNo }: CreditForm,
  mistakes: readonly FieldMistake[],
): Markup {
  const creditable = lines.filter(isCreditable);
  if (creditable.length > MAX_OPTIONS) {
    return textField({
      id: 'line_no',
      label: 'Line',
      hint: 'The number of the line, as in the list of lines.',
      mistakes,
      value: lineNo,
      more: markup` required inputmode="numeric"`,
    });
  }
  const options = creditable.map((line) => {
    const { name } = lineText(line, currency);
    const of = line.deployment_id === null ? '' : `, ${line.deployment_id}`;
    const chosen = String(line.line_no) === lineNo ? markup` selected` : markup``;
    return markup`<option value="${line.line_no}"${chosen}>${line.line_no}: ${name}${of}, ${amountText(line.amount_cents, currency)}</option>\n`;
  });
  return field({
    id: 'line_no',
    label: 'Line',
    mistakes,
    input: (attributes) =>
      markup`<select ${attributes} name="line_no" required><option value="">Choose a line</option>
${options}</select>`,
  });
}
