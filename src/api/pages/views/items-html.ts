import type { ListedItem } from '../../../db/invoices/item-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney } from '../../../domain/format.ts';
import { ITEM_STATES, waitsFor } from '../../../domain/item-state.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { doneNote, type Done } from './done-note.ts';
import { filterForm, type FilterField } from './filter-form.ts';
import { nextLink, table } from './html-table.ts';
import { invoiceHref, tenantIdLink } from './places.ts';
import { layout, type Link, type Visitor } from './layout.ts';

export const ITEMS_PATH = '/operator/items';
/** The parents of the pages of items. */
export const itemsTrail: readonly Link[] = [{ href: ITEMS_PATH, text: 'Charges and credits' }];

export interface ItemsView {
  readonly visitor: Visitor;
  readonly items: readonly ListedItem[];
  /** Empty texts filter nothing. */
  readonly filter: { readonly tenantId: string; readonly state: string };
  /** What has just been done. */
  readonly done: Done | undefined;
  readonly nextHref: string | null;
}

/** Renders the list of invoice items. */
export function itemsPage({ visitor, items, filter, done, nextHref }: ItemsView): string {
  const isFiltered = filter.tenantId !== '' || filter.state !== '';
  return layout({
    title: 'Charges and credits',
    visitor,
    main: markup`${doneNote(done)}<p>One-off charges and credits for the next invoices of tenants. <a href="/operator/items/new">Add one</a></p>
${filterForm(ITEMS_PATH, filterFields(filter))}
${itemsTable({ items, visitor, empty: isFiltered ? 'No charges or credits match.' : 'There are no charges or credits yet.' })}${nextLink(nextHref, 'Earlier charges and credits')}`,
  });
}

export interface ItemsTable {
  readonly items: readonly ListedItem[];
  readonly visitor: Visitor;
  /** Text to show without items. */
  readonly empty: string;
  /** Whether they are on the page of their tenant. */
  readonly isOfTenant?: boolean;
}

/** Renders charges and credits, latest first. */
export function itemsTable({ items, visitor, empty, isOfTenant = false }: ItemsTable): Markup {
  return table<ListedItem>({
    caption: 'Charges and credits, latest first',
    empty,
    rows: items,
    columns: [
      {
        head: 'Description',
        isHead: true,
        cell: ({ description, item_id, taxable }) =>
          markup`${description}${taxable ? '' : markup`<span class="sub">Not taxable</span>`}<span class="sub id">${item_id}</span>`,
      },
      ...(isOfTenant
        ? []
        : [{ head: 'Tenant', cell: ({ tenant_id }: ListedItem) => tenantIdLink(tenant_id) }]),
      { head: 'Month', cell: ({ month }) => formatMonth(month) },
      {
        head: 'Amount',
        isFigure: true,
        cell: ({ amount_cents, rest_cents, currency, state }) =>
          markup`${formatMoney(amount_cents, currency)}${state === 'partly_applied' ? markup`<span class="sub">${formatMoney(rest_cents, currency)} left</span>` : ''}`,
      },
      { head: 'State', cell: (item) => stateCell(item, visitor) },
      { head: '', cell: withdrawLink },
    ],
  });
}

/** Returns the fields that the list is filtered by. */
function filterFields({ tenantId, state }: ItemsView['filter']): readonly FilterField[] {
  const choices = ['waiting', ...ITEM_STATES].map((one) => ({
    value: one,
    text: one.replaceAll('_', ' '),
  }));
  return [
    { name: 'tenant_id', label: 'Tenant', value: tenantId },
    { name: 'state', label: 'State', value: state, choices, any: 'Any state' },
  ];
}

function stateCell(item: ListedItem, visitor: Visitor): Markup {
  const { state, invoices, withdrawal } = item;
  const waits = waitsFor(item);
  const links = invoices.map(
    ({ invoice_id, number }) =>
      markup`<span class="sub"><a href="${invoiceHref(visitor, invoice_id)}">${number}</a></span>`,
  );
  return markup`${badge(TONES[state], state.replaceAll('_', ' '))}${links}${waits === null ? '' : markup`<span class="sub">Waits for ${waits}</span>`}${withdrawal === null ? '' : markup`<span class="sub">By ${withdrawal.actor}: ${withdrawal.reason}</span>`}`;
}

const TONES = {
  pending: 'busy',
  partly_applied: 'busy',
  applied: 'good',
  voided: 'bad',
  withdrawn: 'plain',
} as const;

function withdrawLink({ state, item_id, description }: ListedItem): Markup | string {
  if (state !== 'pending') return '';
  return markup`<a href="/operator/items/${item_id}/withdraw">Withdraw<span class="heard"> ${description}</span></a>`;
}
