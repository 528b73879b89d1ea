import type { ComparedInvoice } from '../../../db/invoices/month-comparison.ts';
import {
  comparisonText,
  type ChangeText,
  type ComparedText,
} from '../../../display/comparison-text.ts';
import { formatMonth } from '../../../display/dates.ts';
import { amountText } from '../../../display/line-text.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { ShownComparison } from '../kept-comparison.ts';
import { invoicesTrail } from './document-place.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { nameCell } from './line-cells.ts';
import { invoiceHref } from './places.ts';

/** Why an invoice is higher or lower than the last one. */

/** Charges on the page of the invoice; the page of the comparison has all. */
const SHOWN = 5;

/** Renders the largest differences for the page of an invoice; nothing for a tenant's first one. */
export function comparisonSection(compared: ShownComparison, visitor: Visitor): Markup {
  const { invoice, comparedWith, text } = compared;
  if (text === null || comparedWith === null) return markup``;
  const { changes } = text;
  const more = changes.length - SHOWN;
  const page = `${invoiceHref(visitor, invoice.invoice_id)}/compare`;
  return markup`<h2 id="comparison">Compared with ${formatMonth(comparedWith.month)}</h2>
<p>${comparisonText(text, comparedWith)}.</p>
${changes.length === 0 ? '' : changesTable(invoice, text, changes.slice(0, SHOWN))}<p><a href="${page}">${more > 0 ? `All ${groupDigits(changes.length)} differences` : 'The whole comparison'}</a></p>
`;
}

export interface ComparisonPageView {
  readonly visitor: Visitor;
  readonly compared: ShownComparison;
  /** A page of the charges that differ. */
  readonly changes: readonly ChangeText[];
  readonly nextHref: string | null;
}

/** Renders the whole comparison. */
export function comparisonPage({
  visitor,
  compared,
  changes,
  nextHref,
}: ComparisonPageView): string {
  const { invoice, comparedWith, text } = compared;
  const { invoice_id, number, month, currency } = invoice;
  const trail = [
    ...invoicesTrail(visitor, { period_start: month }),
    { href: invoiceHref(visitor, invoice_id), text: `Invoice ${number}` },
  ];
  if (text === null || comparedWith === null) {
    return layout({
      title: `Compare invoice ${number}`,
      visitor,
      trail,
      main: markup`<p class="empty">There is no earlier invoice in ${currency} to compare it with.</p>
`,
    });
  }
  return layout({
    title: `Invoice ${number} compared with ${formatMonth(comparedWith.month)}`,
    visitor,
    trail,
    main: markup`<p>${comparisonText(text, comparedWith)}.</p>
<ul class="links"><li><a href="${invoiceHref(visitor, comparedWith.invoice_id)}">Invoice ${comparedWith.number}</a></li></ul>
${notesOf(compared)}<h2 id="changes">Differences</h2>
${changesTable(invoice, text, changes)}${nextLink(nextHref, 'Next page')}${unchanged(text.same, currency)}`,
  });
}

function notesOf({ invoice, comparedWith }: ShownComparison): Markup {
  const adjusted = [comparedWith, invoice].filter(
    (one) => one !== null && one.adjustment_notes.length > 0,
  );
  return markup`${adjusted.map((one) => markup`<p class="hint">${one?.number} includes ${one?.adjustment_notes.join(', ')}.</p>\n`)}`;
}

function unchanged({ charges, cents }: ComparedText['same'], currency: string): Markup {
  if (charges === 0) return markup``;
  const which = charges === 1 ? 'One charge has' : `${groupDigits(charges)} charges have`;
  return markup`<p class="hint">${which} not changed: ${currency} ${amountText(cents, currency)} in both months.</p>
`;
}

function changesTable(
  { number, currency }: ComparedInvoice,
  { beforeMonth, afterMonth }: ComparedText,
  changes: readonly ChangeText[],
): Markup {
  return table<ChangeText>({
    caption: `Differences of invoice ${number}, largest first, in ${currency}`,
    empty: 'No charge differs.',
    rows: changes,
    columns: [
      {
        head: 'Charge',
        isHead: true,
        cell: ({ name, causes, deploymentId }) =>
          markup`${nameCell({ name, details: causes })}${deploymentId === null ? '' : markup`<span class="sub id">${deploymentId}</span>`}`,
      },
      {
        head: formatMonth(beforeMonth),
        isFigure: true,
        cell: ({ before }) => side(before),
      },
      {
        head: formatMonth(afterMonth),
        isFigure: true,
        cell: ({ after }) => side(after),
      },
      { head: 'Difference', isFigure: true, cell: ({ difference }) => difference },
    ],
  });
}

function side({ amount, quantity }: ChangeText['before']): Markup {
  return markup`${amount}${quantity === '' ? '' : markup`<span class="sub">${quantity}</span>`}`;
}
