import { isDeepStrictEqual } from 'node:util';
import { TAX_CURRENCY, type AudTax } from '../domain/aud-tax.ts';
import type { ComposedInvoice } from '../domain/compose-invoice.ts';
import { formatMoney } from '../domain/format.ts';
import type { InvoiceTax } from '../domain/invoice-totals.ts';
import { compareLines, type PlacedLine } from '../domain/line-changes.ts';

/** Sentences for what differs when a document is recomputed. */

export interface RecomputedDocument {
  /** How sentences name it: `invoice acme-000001`. */
  readonly name: string;
  readonly currency: string;
}

/** Returns a sentence for everything in which a stored document differs from its recomputation. */
export function differencesOf(
  document: RecomputedDocument,
  stored: Pick<ComposedInvoice, 'lines' | 'tax'>,
  again: ComposedInvoice,
): readonly string[] {
  const wrongLines = wrongLinesOf(document, stored.lines, again.lines);
  const isTaxRight = isDeepStrictEqual(again.tax, stored.tax);
  return isTaxRight ? wrongLines : [...wrongLines, wrongTaxOf(document, stored.tax, again.tax)];
}

/** Returns a sentence for each line that is not as it was stored. */
function wrongLinesOf(
  { name, currency }: RecomputedDocument,
  stored: readonly PlacedLine[],
  again: readonly PlacedLine[],
): readonly string[] {
  const show = (cents = 0) => formatMoney(cents, currency);
  return compareLines(stored, again).map(({ change, before, after }) => {
    const line = before ?? after;
    return (
      `${name}, ${line.deploymentId ?? 'the tenant'}, ${line.description}: ` +
      describe(change, show(before?.amountCents), show(after?.amountCents))
    );
  });
}

function describe(change: string, before: string, after: string): string {
  switch (change) {
    case 'added':
      return `a line of ${after} is missing`;
    case 'removed':
      return `has a line of ${before} that should not exist`;
    default:
      return `has ${before}, recomputed ${after}`;
  }
}

/** Returns a sentence about a document that is not taxed as it says. */
function wrongTaxOf({ name }: RecomputedDocument, stored: InvoiceTax, again: InvoiceTax): string {
  const show = (aud: AudTax | null) => (aud ? formatMoney(aud.taxCents, TAX_CURRENCY) : 'nothing');
  return `${name}, the tax in ${TAX_CURRENCY}: has ${show(stored.aud)}, recomputed ${show(again.aud)}`;
}
