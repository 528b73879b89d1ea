import type { ListedItem } from '../../../db/invoices/item-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney } from '../../../domain/format.ts';
import { ITEM_STATES, waitsFor } from '../../../domain/item-state.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { table } from './html-table.ts';
import { formToken, layout, type Visitor } from './layout.ts';

export interface ItemsView {
  readonly visitor: Visitor;
  readonly items: readonly ListedItem[];
  /** Empty texts filter nothing. */
  readonly filter: { readonly tenantId: string; readonly state: string };
  readonly nextHref: string | null;
}

/** Renders the list of invoice items. */
export function itemsPage({ visitor, items, filter, nextHref }: ItemsView): string {
  const isFiltered = filter.tenantId !== '' || filter.state !== '';
  return layout({
    title: 'Charges and credits',
    visitor,
    main: markup`<p>One-off charges and credits for the next invoices of tenants. <a href="/operator/items/new">Add one</a></p>
${filterForm(filter)}
${table({
  caption: 'Charges and credits, latest first',
  empty: isFiltered ? 'No charges or credits match.' : 'There are no charges or credits yet.',
  rows: items,
  columns: [
    {
      head: 'Description',
      isHead: true,
      cell: ({ description, item_id, taxable }) =>
        markup`${description}${taxable ? '' : markup`<span class="sub">Not taxable</span>`}<span class="sub id">${item_id}</span>`,
    },
    {
      head: 'Tenant',
      cell: ({ tenant_id }) => markup`<span class="id">${tenant_id}</span>`,
    },
    { head: 'Month', cell: ({ month }) => formatMonth(month) },
    {
      head: 'Amount',
      isFigure: true,
      cell: ({ amount_cents, rest_cents, currency, state }) =>
        markup`${formatMoney(amount_cents, currency)}${state === 'partly_applied' ? markup`<span class="sub">${formatMoney(rest_cents, currency)} left</span>` : ''}`,
    },
    { head: 'State', cell: stateCell },
    { head: '', cell: withdrawLink },
  ],
})}${nextHref === null ? '' : markup`<p><a href="${nextHref}" rel="next">Earlier charges and credits</a></p>\n`}`,
  });
}

function filterForm({ tenantId, state }: ItemsView['filter']): Markup {
  const options = ['', 'waiting', ...ITEM_STATES].map(
    (one) =>
      markup`<option value="${one}"${one === state ? markup` selected` : ''}>${one === '' ? 'Any state' : one.replaceAll('_', ' ')}</option>`,
  );
  return markup`<form class="filter" method="get" action="/operator/items">
${field({
  id: 'tenant_id',
  label: 'Tenant',
  mistakes: [],
  input: (attributes) => markup`<input ${attributes} name="tenant_id" value="${tenantId}">`,
})}${field({
    id: 'state',
    label: 'State',
    mistakes: [],
    input: (attributes) => markup`<select ${attributes} name="state">${options}</select>`,
  })}<button class="quiet">Filter</button>
</form>`;
}

function stateCell(item: ListedItem): Markup {
  const { state, invoices, withdrawal } = item;
  const waits = waitsFor(item);
  const links = invoices.map(
    ({ invoice_id, number }) =>
      markup`<span class="sub"><a href="/operator/invoices/${invoice_id}">${number}</a></span>`,
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

/** The submitted form. */
export interface ItemForm {
  /** Stays the same if the form is sent twice, so that there is one item. */
  readonly itemId: string;
  readonly tenantId: string;
  readonly month: string;
  readonly description: string;
  readonly amount: string;
  readonly taxable: boolean;
}

export interface NewItemView {
  readonly visitor: Visitor;
  readonly form: ItemForm;
  readonly mistakes: readonly FieldMistake[];
}

const TRAIL = [{ href: '/operator/items', text: 'Charges and credits' }];

/** Renders the form for a new charge or credit. */
export function newItemPage({ visitor, form, mistakes }: NewItemView): string {
  const input =
    (id: string, value: string, more: Markup = markup``) =>
    (attributes: Markup) =>
      markup`<input ${attributes} name="${id}" value="${value}" required${more}>`;
  return layout({
    title: 'Add a charge or credit',
    visitor,
    trail: TRAIL,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<form class="sheet" method="post" action="/operator/items/new">
${formToken(visitor)}${field({
      id: 'item_id',
      label: 'Id',
      hint: 'Keep it, or enter your own. The same id is recorded only once.',
      mistakes,
      input: input('item_id', form.itemId, markup` spellcheck="false"`),
    })}${field({
      id: 'tenant_id',
      label: 'Tenant',
      hint: 'Tenant id.',
      mistakes,
      input: input('tenant_id', form.tenantId, markup` spellcheck="false"`),
    })}${field({
      id: 'month',
      label: 'Month',
      hint: 'Such as 2026-05. The first invoice of this month or a later one takes it.',
      mistakes,
      input: input('month', form.month, markup` inputmode="numeric"`),
    })}${field({
      id: 'description',
      label: 'Description',
      hint: 'As the tenant reads it on the invoice.',
      mistakes,
      input: input('description', form.description, markup` maxlength="200"`),
    })}${field({
      id: 'amount',
      label: 'Amount',
      hint: 'In the currency of the tenant, without tax. A credit is negative, such as -40.00.',
      mistakes,
      input: input('amount', form.amount),
    })}<div class="choice"><input type="checkbox" id="taxable" name="taxable" value="true"${form.taxable ? markup` checked` : ''}><label for="taxable">Taxable</label></div>
<div class="actions"><button>Add</button><a href="/operator/items">Cancel</a></div>
</form>
`,
  });
}

export interface WithdrawView {
  readonly visitor: Visitor;
  readonly itemId: string;
  readonly reason: string;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders the confirmation before an item is withdrawn. */
export function withdrawPage({ visitor, itemId, reason, mistakes }: WithdrawView): string {
  return layout({
    title: `Withdraw ${itemId}`,
    visitor,
    trail: TRAIL,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>No invoice will take this charge or credit. You can’t undo this. It stays in the list, with your reason.</p>
<form class="sheet" method="post" action="/operator/items/${itemId}/withdraw">
${formToken(visitor)}${field({
      id: 'reason',
      label: 'Reason',
      hint: 'Stored with it, and recorded with your key’s name.',
      mistakes,
      input: (attributes) =>
        markup`<textarea ${attributes} name="reason" rows="2" maxlength="1000" required>${reason}</textarea>`,
    })}<div class="actions"><button>Withdraw</button><a href="/operator/items">Cancel</a></div>
</form>
`,
  });
}
