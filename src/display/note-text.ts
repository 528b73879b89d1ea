import { TAX_CURRENCY } from '../domain/aud-tax.ts';
import { formatMoney } from '../domain/format.ts';
import { describeTreatment } from '../domain/invoice-totals.ts';
import {
  amountText,
  lineText,
  signedAmount,
  toPlainText,
  type LineText,
  type ShownLine,
} from './line-text.ts';
import { textOf } from './line-meta.ts';
import { chargesTax, type TaxedInvoice, type TotalRow } from './tax-text.ts';
import { baseUnit, withUnit } from './unit-words.ts';

/** How a person reads an adjustment note: signed differences from what was invoiced (docs/spec.md#adjustment-notes). */

export interface NoteLineText extends Pick<LineText, 'name' | 'details'> {
  /** The amount that was invoiced so far; empty on a credit. */
  readonly before: string;
  /** The corrected amount; empty on a credit. */
  readonly after: string;
  /** Signed: `+12.50`, `−3.00`. */
  readonly difference: string;
}

/** Returns the texts of a line of an adjustment note. @throws RangeError unknown currency */
export function noteLineText(line: ShownLine, currency: string): NoteLineText {
  const { before_cents: before, after_cents: after, capped } = line.meta;
  // How much usage a cap allows can't be told from a difference.
  const { name, details } = lineText({ ...line, meta: { ...line.meta, capped: false } }, currency);
  return {
    name,
    details: [
      ...creditedLine(line),
      ...changedQuantity(line),
      ...details,
      ...(capped === true ? ['Capped'] : []),
    ],
    before: typeof before === 'number' ? amountText(before, currency) : '',
    after: typeof after === 'number' ? amountText(after, currency) : '',
    difference: signedAmount(line.amount_cents, currency),
  };
}

/** Returns the texts of a line with the spaces and signs that keyboards have. */
export function plainNoteLineText(...args: Parameters<typeof noteLineText>): NoteLineText {
  const { name, details, before, after, difference } = noteLineText(...args);
  return {
    name: toPlainText(name),
    details: details.map(toPlainText),
    before: toPlainText(before),
    after: toPlainText(after),
    difference: toPlainText(difference),
  };
}

/** Says which line a credit is for. */
function creditedLine({ kind, taxable, meta }: ShownLine): string[] {
  if (kind !== 'credit') return [];
  return [
    `On line ${String(meta.credited_line_no)} of ${textOf(meta.credited_number)}`,
    ...(taxable === false ? ['Not taxable'] : []),
  ];
}

/** Says by how much the quantity differs, in base units: `Quantity +2 hours`. */
function changedQuantity({ qty, unit, kind }: ShownLine): string[] {
  const isCounted = kind === 'overage' || kind === 'llm_usage';
  if (!isCounted || !/[1-9]/.test(qty)) return [];
  const sign = qty.startsWith('-') ? '−' : '+';
  return [`Quantity ${sign}${withUnit(qty.replace('-', ''), baseUnit(unit))}`];
}

/** Returns the title of a note's documents. Only a seller that is registered for GST issues adjustment notes. */
export function noteTitle({
  tax,
  total_cents,
}: TaxedInvoice): 'Adjustment note' | 'Credit note' | 'Debit note' {
  if (tax.seller_registered) return 'Adjustment note';
  return total_cents > 0 ? 'Debit note' : 'Credit note';
}

/** Returns the changes in price and in tax, and the change in tax in AUD; only the total if the seller charges no tax. */
export function noteTotalRows(note: TaxedInvoice): TotalRow[] {
  const { currency, subtotal_cents, taxable_cents, tax_cents, total_cents, tax } = note;
  const { label, aud } = tax;
  const row = (label: string, cents: number, isTotal = false, of = currency): TotalRow => ({
    label,
    value: signedAmount(cents, of),
    isTotal,
  });
  if (!tax.seller_registered) return [row(`Change in price, ${currency}`, total_cents, true)];
  const isTaxed = chargesTax(note);
  return [
    row(`Change in price${isTaxed ? `, excluding ${label}` : ''}`, subtotal_cents),
    ...(isTaxed && taxable_cents !== subtotal_cents
      ? [row('Of which taxable', taxable_cents)]
      : []),
    row(`Change in ${describeTreatment(tax)}`, tax_cents),
    row(`Total change ${currency}${isTaxed ? `, including ${label}` : ''}`, total_cents, true),
    ...(aud ? [row(`Change in ${label} in AUD`, aud.tax_cents, false, TAX_CURRENCY)] : []),
  ];
}

/**
 * Says what a note does to the seller's GST: `Decreasing adjustment: GST is AUD 1.20 less`. Null if the seller is not
 * registered for GST.
 */
export function noteEffect({ currency, tax_cents, tax }: TaxedInvoice): string | null {
  const { label, aud, seller_registered } = tax;
  if (!seller_registered) return null;
  if (tax_cents === 0) return `None: ${label} stays the same`;
  const amount = formatMoney(Math.abs(tax_cents), currency);
  const inAud = aud ? ` (${formatMoney(Math.abs(aud.tax_cents), TAX_CURRENCY)})` : '';
  return tax_cents < 0
    ? `Decreasing adjustment: ${label} decreases by ${amount}${inAud}`
    : `Increasing adjustment: ${label} increases by ${amount}${inAud}`;
}

/** Returns sentences that explain the change in tax. */
export function noteTaxNotes(note: TaxedInvoice): string[] {
  const { currency, tax } = note;
  const { label, note: why, aud } = tax;
  if (!tax.seller_registered) {
    return ['No GST is charged, because the seller is not registered for it.'];
  }
  return [
    ...(chargesTax(note)
      ? [
          `Amounts of lines exclude ${label}. The change in ${label} is ${label} on the adjusted subtotal, less ${label} so far.`,
        ]
      : []),
    ...(why === null ? [] : [why]),
    ...(aud
      ? [
          `${label} in AUD is converted at ${aud.rate} AUD for 1 ${currency} (${aud.source}), the rate of the invoice.`,
        ]
      : []),
  ];
}
