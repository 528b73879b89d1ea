import type { Aging } from '../../../db/invoices/balances.ts';
import type { InvoiceHeader } from '../../../db/invoices/invoice-views.ts';
import { formatDate } from '../../../display/dates.ts';
import { amountText } from '../../../display/line-text.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup } from '../../../lib/markup.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table, type Column } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { invoicesTable } from './tenant-account-html.ts';

/** What tenants owe: the invoices, and the sums by age. */

export const RECEIVABLES_PATH = '/operator/receivables';
export const AGING_PATH = `${RECEIVABLES_PATH}/aging`;

/** Which open invoices the list shows. */
export const SHOWN_RECEIVABLES = ['overdue', 'partly_paid'] as const;
export type ShownReceivables = (typeof SHOWN_RECEIVABLES)[number];

export interface ReceivablesView {
  readonly visitor: Visitor;
  readonly invoices: readonly InvoiceHeader[];
  /** Null: all open ones. */
  readonly show: ShownReceivables | null;
  readonly nextHref: string | null;
}

/** Renders the open invoices of all tenants. */
export function receivablesPage({ visitor, invoices, show, nextHref }: ReceivablesView): string {
  const choices = SHOWN_RECEIVABLES.map((value) => ({ value, text: `Only ${nameOf(value)}` }));
  return layout({
    title: 'Receivables',
    visitor,
    main: markup`<p>Invoices of all tenants with something left to pay. <a href="${AGING_PATH}">Aging</a></p>
${filterForm(RECEIVABLES_PATH, [{ name: 'show', label: 'Show', value: show ?? '', any: 'All open', choices }])}${invoicesTable(
      {
        ...{ invoices, visitor, hasTenants: true },
        empty: `No ${nameOf(show ?? 'open')} invoices.`,
      },
    )}${nextLink(nextHref, 'Earlier invoices')}`,
  });
}

function nameOf(shown: ShownReceivables | 'open'): string {
  return shown.replace('_', ' ');
}

export interface AgingView {
  readonly visitor: Visitor;
  /** One per currency with invoices. */
  readonly aging: readonly Aging[];
  /** In the billing time zone. */
  readonly today: string;
}

/** Renders what is owed by how long it has been overdue. */
export function agingPage({ visitor, aging, today }: AgingView): string {
  return layout({
    title: 'Aging',
    visitor,
    trail: [{ href: RECEIVABLES_PATH, text: 'Receivables' }],
    main: markup`<p>What is owed as of ${formatDate(today)}, by days since the due date.</p>
${table<Aging>({
  caption: 'What is owed, by currency',
  empty: 'No invoices yet.',
  rows: aging,
  columns: [
    { head: 'Currency', isHead: true, cell: ({ currency }) => currency },
    { head: 'Invoices', isFigure: true, cell: ({ invoices }) => groupDigits(invoices) },
    money('Not due', (row) => row.not_due_cents),
    money('1–30 days', (row) => row.days_1_30_cents),
    money('31–60 days', (row) => row.days_31_60_cents),
    money('61–90 days', (row) => row.days_61_90_cents),
    money('Over 90 days', (row) => row.over_90_days_cents),
    money('Overpaid', (row) => row.overpaid_cents),
    money('Balance', (row) => row.balance_cents),
  ],
})}`,
  });
}

function money(head: string, cents: (row: Aging) => string): Column<Aging> {
  return { head, isFigure: true, cell: (row) => amountText(cents(row), row.currency) };
}
