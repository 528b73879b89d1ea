import { TENANT_STATES, type TenantRow } from '../../../db/invoices/tenant-list.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { invoiceHref, monthHref, tenantHref } from './places.ts';

export const TENANTS_PATH = '/operator/tenants';

export interface TenantsView {
  readonly visitor: Visitor;
  readonly tenants: readonly TenantRow[];
  /** Empty texts filter nothing. */
  readonly filter: { readonly search: string; readonly state: string };
  readonly nextHref: string | null;
}

/** Renders the list of tenants. */
export function tenantsPage({ visitor, tenants, filter, nextHref }: TenantsView): string {
  const isFiltered = filter.search !== '' || filter.state !== '';
  return layout({
    title: 'Tenants',
    visitor,
    main: markup`${filterForm(TENANTS_PATH, [
      { name: 'search', label: 'Id or name', value: filter.search },
      {
        ...{ name: 'state', label: 'State', value: filter.state, any: 'Any state' },
        choices: TENANT_STATES.map((value) => ({ value, text: STATE_TEXTS[value] })),
      },
    ])}${tenantsTable({
      caption: 'Tenants, by id',
      empty: isFiltered ? 'No tenants match.' : 'There are no tenants yet.',
      tenants,
      visitor,
    })}${nextLink(nextHref, 'More tenants')}`,
  });
}

const STATE_TEXTS: Readonly<Record<(typeof TENANT_STATES)[number], string>> = {
  active: 'with a subscription in force',
  inactive: 'without one',
  parked: 'parked in a month',
};

export interface TenantsTable {
  readonly caption: string;
  /** Text to show without tenants. */
  readonly empty: string;
  readonly tenants: readonly TenantRow[];
  readonly visitor: Visitor;
}

/** Renders tenants with what each has, owes and needs. */
export function tenantsTable({ caption, empty, tenants, visitor }: TenantsTable): Markup {
  return table<TenantRow>({
    caption,
    empty,
    rows: tenants,
    columns: [
      {
        head: 'Tenant',
        isHead: true,
        cell: ({ tenant_id, name }) =>
          markup`<a href="${tenantHref(tenant_id)}">${name}</a><span class="sub id">${tenant_id}</span>`,
      },
      {
        head: 'Subscriptions',
        isFigure: true,
        cell: ({ subscriptions }) =>
          subscriptions === 0 ? 'none in force' : groupDigits(subscriptions),
      },
      { head: 'Last invoice', cell: (row) => lastInvoice(row, visitor) },
      {
        head: 'Balance',
        isFigure: true,
        cell: ({ balance }) =>
          balance === null ? '' : formatMoney(balance.balance_cents, balance.currency),
      },
      { head: 'Needs you', cell: needsOf },
    ],
  });
}

function lastInvoice({ last_invoice: last, currency }: TenantRow, visitor: Visitor): Markup {
  if (last === null) return markup``;
  return markup`<a href="${invoiceHref(visitor, last.invoice_id)}">${last.number}</a><span class="sub">${formatMonth(last.month)}, ${formatMoney(last.total_cents, currency)}</span>`;
}

/** Renders what a person must do: parked months, and what is overdue. */
function needsOf({ parked_months, balance }: TenantRow): Markup {
  const parked = parked_months.map(
    (month) =>
      markup`<a href="${monthHref(month)}#parked">${badge('bad', `parked in ${formatMonth(month)}`)}</a> `,
  );
  return markup`${parked}${balance === null || balance.overdue_cents === '0' ? '' : badge('bad', `${formatMoney(balance.overdue_cents, balance.currency)} overdue`)}`;
}
