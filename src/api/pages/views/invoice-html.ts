import type { Seller } from '../../../db/catalogue/seller-details.ts';
import type { LineChangeView } from '../../../db/invoices/invoice-difference.ts';
import type { InvoiceLine, InvoiceView } from '../../../db/invoices/invoice-views.ts';
import type { Revision } from '../../../db/invoices/month-invoices.ts';
import type { PaymentView } from '../../../db/invoices/payment-views.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount, formatMoney } from '../../../domain/format.ts';
import { joinFigure, lineText, signedAmount, type LineText } from '../../../display/line-text.ts';
import { taxChangeText, taxNotes, totalRows } from '../../../display/tax-text.ts';
import type { TaxJson } from '../../../domain/tax-json.ts';
import {
  balanceFacts,
  howToPay,
  notesSection,
  paymentsSection,
  releasedFact,
} from './account-html.ts';
import { documentLinks, invoicesTrail, tenantFact } from './document-place.ts';
import { comparisonSection } from './comparison-html.ts';
import { badge, invoiceStatus } from './badge.ts';
import { formatMonth } from '../../../display/dates.ts';
import { minute } from './page-format.ts';
import { nameCell, priceCell, quantityCell } from './line-cells.ts';
import { layout, type Visitor } from './layout.ts';
import { creditLink } from './credit-form.ts';
import { doneNote, type Done } from './done-note.ts';
import { invoiceActions } from './invoice-actions.ts';
import { invoiceHref } from './places.ts';
import { table, type Column } from './html-table.ts';
import type { ShownComparison } from '../kept-comparison.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';

export interface InvoicePageView {
  readonly visitor: Visitor;
  readonly invoice: InvoiceView;
  /** For operators; null on a tenant's own page. */
  readonly tenantName: string | null;
  readonly revisions: readonly Revision[];
  /** Changes against the invoice it replaced; empty for a first invoice or without changes. */
  readonly changes: readonly LineChangeView[];
  /** How the invoice was taxed that it replaced; null for a first invoice. */
  readonly replacedTax: TaxJson | null;
  /** Beside the tenant's last invoice. */
  readonly compared: ShownComparison;
  readonly payments: readonly PaymentView[];
  /** The seller that the tenant pays, on its own page; null for operators, or without details. */
  readonly seller: Seller | null;
  readonly temporal: TemporalLinks | null;
  /** What an operator has just done. */
  readonly done: Done | undefined;
}

/** Renders the page of an invoice. */
export function invoicePage(view: InvoicePageView): string {
  const { visitor, invoice, revisions, changes, replacedTax, compared, payments } = view;
  const { status, number } = invoice;
  // Tenants needn't know about revisions until there are several.
  const isOnly = visitor.scope === 'tenant' && revisions.length === 1 && status === 'issued';
  return layout({
    title: `Invoice ${number}`,
    visitor,
    trail: invoicesTrail(visitor, invoice),
    main: markup`${doneNote(view.done)}${supersededNote(invoice, visitor)}<dl class="facts">
${tenantFact(view)}<div><dt>Period</dt><dd>${formatMonth(invoice.period_start)}</dd></div>
${isOnly ? '' : markup`<div><dt>Revision</dt><dd>${invoice.revision} ${invoiceStatus(status)}</dd></div>\n`}<div><dt>Issued</dt><dd>${minute(invoice.issued_at, visitor.timeZone)}</dd></div>
${releasedFact(invoice.released_at, visitor)}${balanceFacts(invoice)}${totalRows(invoice).map(({ label, value }) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>\n`)}</dl>
${taxNotes(invoice).map((note) => markup`<p class="hint">${note}</p>\n`)}${requestNotes(invoice, visitor.timeZone)}${invoiceActions(view)}${linksOf(view)}
${visitor.scope === 'tenant' ? howToPay(invoice, view.seller) : ''}${comparisonSection(compared, visitor)}${differenceSection(invoice, changes, replacedTax, visitor)}<h2 id="lines">Lines</h2>
${linesTable(invoice, visitor)}
${notesSection(invoice, visitor)}${paymentsSection(invoice, payments, visitor)}
${
  isOnly
    ? ''
    : markup`<h2 id="revisions">Revisions</h2>
${revisionsTable(revisions, invoice.invoice_id, visitor)}`
}`,
  });
}

function linksOf({ visitor, invoice, temporal }: InvoicePageView): Markup {
  const documents = documentLinks(visitor, `invoices/${invoice.invoice_id}`, invoice.lines);
  if (visitor.scope === 'tenant') return markup`<ul class="links">${documents}</ul>`;
  const { tenant_id } = invoice;
  const month = invoice.period_start.slice(0, 7);
  return markup`<ul class="links">
${documents}
<li><a href="/operator/months/${month}/invoices?search=${tenant_id}&status=superseded&order=tenant">Superseded revisions</a></li>
${temporal === null ? '' : markup`<li><a href="${temporal.tenant(month, tenant_id)}">Workflow in the Temporal Web UI</a></li>\n`}</ul>`;
}

function supersededNote(
  { status, superseded_by, superseded_at }: InvoiceView,
  visitor: Visitor,
): Markup {
  if (superseded_by === null) return markup``;
  return markup`<p class="note">This ${status === 'void' ? 'void invoice' : 'revision'} was superseded${superseded_at === null ? '' : ` on ${minute(superseded_at, visitor.timeZone)}`}. <a href="${invoiceHref(visitor, superseded_by)}">Go to the revision that replaced it</a></p>
`;
}

function requestNotes({ status, re_run, status_change }: InvoiceView, timeZone: string): Markup {
  const sentences = [
    re_run && `Rerun requested by ${re_run.actor ?? 'unknown'}: “${re_run.reason ?? ''}”`,
    status_change &&
      `Marked as ${status} by ${status_change.actor} on ${minute(status_change.changed_at, timeZone)}: “${status_change.reason ?? ''}”`,
  ].filter((sentence) => sentence !== null);
  return markup`${sentences.map((sentence) => markup`<p>${sentence}</p>\n`)}`;
}

function linesTable(invoice: InvoiceView, visitor: Visitor): Markup {
  const { invoice_id, number, lines, total_cents, currency } = invoice;
  const page = invoiceHref(visitor, invoice_id);
  return table({
    caption: `Lines of invoice ${number}`,
    empty: 'No lines.',
    rows: lines.map((line) => ({ line, text: lineText(line, currency) })),
    columns: [
      { head: 'Line', isFigure: true, cell: ({ line }) => line.line_no },
      {
        head: 'Description',
        isHead: true,
        cell: ({ line: { deployment_id }, text }) =>
          markup`${nameCell(text)}${deployment_id === null ? '' : markup`<span class="sub id">${deployment_id}</span>`}`,
      },
      { head: 'Quantity', isFigure: true, cell: ({ text }) => quantityCell(text) },
      { head: 'Price', isFigure: true, cell: ({ text }) => priceCell(text) },
      { head: 'Amount', isFigure: true, cell: ({ text }) => text.amount },
      {
        head: visitor.scope === 'tenant' ? 'Usage' : 'Usage and credit',
        cell: ({ line, text }) => [
          usageLink(page, line, text),
          invoice.status === 'issued' ? creditLink('invoices', invoice_id, line, visitor) : '',
        ],
      },
    ],
    sums: [
      { name: `Total in ${currency}`, figures: { Amount: formatAmount(total_cents, currency) } },
    ],
  });
}

function usageLink(
  invoicePage: string,
  { kind, line_no }: InvoiceLine,
  { name }: LineText,
): Markup | string {
  if (kind !== 'llm_usage' && kind !== 'overage') return '';
  return markup`<a href="${invoicePage}/lines/${line_no}">Events<span class="heard"> of line ${line_no}, ${name}</span></a>`;
}

function differenceSection(
  { replaces_invoice_id, currency, tax }: InvoiceView,
  changes: readonly LineChangeView[],
  replacedTax: TaxJson | null,
  visitor: Visitor,
): Markup {
  if (replaces_invoice_id === null) return markup``;
  const taxChange = replacedTax && taxChangeText(replacedTax, tax);
  return markup`<h2 id="difference">Changes in this revision</h2>
<p><a href="${invoiceHref(visitor, replaces_invoice_id)}">Replaced invoice</a></p>${
    taxChange === null
      ? ''
      : markup`
<p>${taxChange}</p>`
  }
${table({
  caption: 'Lines that differ from the replaced invoice',
  empty: 'No lines differ.',
  rows: changes,
  columns: [
    {
      head: 'Line',
      isHead: true,
      cell: ({ before, after }) => {
        const line = after ?? before;
        const text = line && lineText(line, currency);
        return markup`${text?.name ?? ''}<span class="sub id">${line?.deployment_id ?? ''}</span>`;
      },
    },
    { head: 'Change', cell: ({ change }) => badge('plain', change) },
    { head: 'Before', isFigure: true, cell: ({ before }) => sideOf(before, currency) },
    { head: 'After', isFigure: true, cell: ({ after }) => sideOf(after, currency) },
    {
      head: 'Difference',
      isFigure: true,
      cell: ({ difference_cents }) => signedAmount(difference_cents, currency),
    },
  ],
})}`;
}

function sideOf(line: InvoiceLine | null, currency: string): Markup | string {
  if (line === null) return 'none';
  const { amount, quantity } = lineText(line, currency);
  return markup`${amount}<span class="sub">${joinFigure(quantity)}</span>`;
}

/** Only operators see who requested a revision, and why. */
function revisionsTable(revisions: readonly Revision[], shown: string, visitor: Visitor): Markup {
  const requested: readonly Column<Revision>[] = [
    { head: 'Requested by', cell: ({ actor }) => actor ?? '' },
    { head: 'Reason', cell: ({ reason }) => reason ?? '' },
  ];
  return table({
    caption: 'All revisions, newest first',
    empty: '',
    rows: revisions,
    columns: [
      { head: 'Revision', isFigure: true, cell: ({ revision }) => revision },
      {
        head: 'Number',
        isHead: true,
        cell: ({ invoice_id, number }) =>
          invoice_id === shown
            ? markup`<span aria-current="page">${number} (this revision)</span>`
            : markup`<a href="${invoiceHref(visitor, invoice_id)}">${number}</a>`,
      },
      { head: 'Status', cell: ({ status }) => invoiceStatus(status) },
      {
        head: 'Total',
        isFigure: true,
        cell: ({ total_cents, currency }) => formatMoney(total_cents, currency),
      },
      {
        head: 'Issued',
        cell: ({ issued_at }) => minute(issued_at, visitor.timeZone),
      },
      ...(visitor.scope === 'operator' ? requested : []),
    ],
  });
}
