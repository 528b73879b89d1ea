import { INVOICE_STATUSES } from '../../../db/invoices/invoice-views.ts';
import { OUTCOMES, outcomeName } from '../../../contracts/month-end-types.ts';
import type { MonthInvoice, MonthInvoiceFilter } from '../../../db/invoices/month-invoices.ts';
import { previousMonth } from '../../../domain/period.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount, formatMoney } from '../../../domain/format.ts';
import { invoiceStatus, outcome } from './badge.ts';
import { formatMonth } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { percentChange } from './page-format.ts';
import { layout, type Visitor } from './layout.ts';
import { monthLink, tenantHref } from './places.ts';
import { table, type Column } from './html-table.ts';

export interface InvoicesView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly filter: MonthInvoiceFilter;
  readonly invoices: readonly MonthInvoice[];
  readonly nextHref: string | null;
}

/** Renders the invoices of a month; by default the largest change comes first. */
export function invoicesPage(view: InvoicesView): string {
  const { visitor, month, filter, invoices, nextHref } = view;
  const before = formatMonth(previousMonth(month));
  return layout({
    title: `Invoices of ${formatMonth(month)}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, monthLink(month)],
    main: markup`${filterForm(month, filter)}
<form method="get" action="/operator/months/${month}/re-run">
${table({
  caption: `Invoices of ${formatMonth(month)}, ${
    filter.order === 'change' ? `largest change since ${before} first` : 'by tenant'
  }`,
  hasVisibleCaption: true,
  empty: 'No invoices match.',
  rows: invoices,
  columns: invoiceColumns(month),
})}<div class="actions">${invoices.length === 0 ? '' : markup`<button>Rerun selected …</button>`}${nextHref === null ? '' : markup`<a href="${nextHref}" rel="next">Next page</a>`}</div>
</form>
`,
  });
}

/** Columns of a month's invoices: a checkbox for the tenant, the total, and the change since the month before. */
export function invoiceColumns(
  month: string,
  selected: ReadonlySet<string> = new Set(),
): readonly Column<MonthInvoice>[] {
  const before = formatMonth(previousMonth(month));
  return [
    {
      head: markup`<span class="heard">Select</span>`,
      cell: ({ tenant_id, number }) =>
        markup`<input type="checkbox" name="tenant_id" value="${tenant_id}"${selected.has(tenant_id) ? markup` checked` : ''} aria-label="Select ${tenant_id}, ${number}">`,
    },
    {
      head: 'Tenant',
      isHead: true,
      cell: ({ invoice_id, tenant_id, name, number }) =>
        markup`<a href="${tenantHref(tenant_id)}">${name}</a><span class="sub"><span class="id">${tenant_id}</span> · <a href="/operator/invoices/${invoice_id}">${number}</a></span>`,
    },
    { head: 'Status', cell: ({ status }) => invoiceStatus(status) },
    { head: 'Outcome', cell: (invoice) => outcome(invoice.outcome) },
    {
      head: 'Total',
      isFigure: true,
      cell: ({ total_cents, currency }) => formatMoney(total_cents, currency),
    },
    {
      head: before,
      isFigure: true,
      cell: ({ last_month_cents, currency }) =>
        last_month_cents === null ? 'none' : formatAmount(last_month_cents, currency),
    },
    { head: 'Change', isFigure: true, cell: changeOf },
  ];
}

/** The change leads to what it consists of. */
function changeOf(invoice: MonthInvoice): Markup {
  const { invoice_id, number, change_cents, last_month_cents, total_cents, currency } = invoice;
  const change = signedAmount(change_cents, currency);
  const percent = last_month_cents === null ? 'new' : percentChange(total_cents, last_month_cents);
  return markup`${
    last_month_cents === null
      ? change
      : markup`<a href="/operator/invoices/${invoice_id}/compare">${change}<span class="heard">: why ${number} changed</span></a>`
  }${percent === null ? '' : markup`<span class="sub">${percent}</span>`}`;
}

function filterForm(
  month: string,
  { search = '', status, outcome: of, release, order }: MonthInvoiceFilter,
) {
  return markup`<form class="filter" method="get" action="/operator/months/${month}/invoices" role="search" aria-label="Invoices">
<div class="field"><label for="search">Tenant</label><input id="search" name="search" value="${search}" type="search"></div>
<div class="field"><label for="status">Status</label><select id="status" name="status"><option value="">not superseded</option>${options(INVOICE_STATUSES, status)}</select></div>
<div class="field"><label for="outcome">Outcome</label><select id="outcome" name="outcome"><option value="">any</option>${options(INVOICE_OUTCOMES, of, OUTCOME_NAMES)}</select></div>
<div class="field"><label for="release">Release</label><select id="release" name="release"><option value="">any</option>${options(['waiting'], release)}</select></div>
<div class="field"><label for="order">Order</label><select id="order" name="order">${options(['change', 'tenant'], order, ORDER_NAMES)}</select></div>
<button>Apply</button>
</form>
`;
}

/** Outcomes of tenants with an invoice. */
const INVOICE_OUTCOMES = OUTCOMES.filter((outcome) => outcome !== 'nothing_to_bill');

const OUTCOME_NAMES = Object.fromEntries(INVOICE_OUTCOMES.map((each) => [each, outcomeName(each)]));

const ORDER_NAMES: Readonly<Record<string, string>> = {
  change: 'largest change first',
  tenant: 'by tenant',
};

function options(
  values: readonly string[],
  chosen: string | undefined,
  names: Readonly<Record<string, string>> = {},
): Markup[] {
  return values.map(
    (value) =>
      markup`<option value="${value}"${value === chosen ? markup` selected` : ''}>${names[value] ?? value}</option>`,
  );
}
