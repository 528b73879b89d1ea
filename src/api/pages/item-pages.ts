import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import { listItems, showItem } from '../../db/invoices/item-views.ts';
import { listStanding } from '../../db/invoices/month-invoices.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { formatMoney } from '../../domain/format.ts';
import { ITEM_FILTERS } from '../../domain/item-state.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import {
  checkItem,
  pageOfItems,
  planItemWithdrawal,
  postInvoiceItems,
  withdrawInvoiceItem,
} from '../routes/invoice-item-routes.ts';
import { isOwn, operatorAction } from './action-pages.ts';
import { nextHref, operatorPage, page, pageQuery, type Form } from './page-definition.ts';
import { readAmount, type TypedAmount } from './typed-amount.ts';
import { doneHref, doneQuery } from './views/done-note.ts';
import { itemEffects, newItemView, type ItemForm } from './views/item-form.ts';
import { ITEMS_PATH, itemsPage, itemsTrail } from './views/items-html.ts';

const ITEMS_A_PAGE = 50;

/** Lists invoice items. */
export const items = operatorPage(
  {
    path: ITEMS_PATH,
    query: z.object({
      ...pageQuery,
      ...doneQuery,
      tenant_id: externalId.optional(),
      state: z.enum(ITEM_FILTERS).optional(),
    }),
  },
  async ({ query, visitor, path }, { db }) => {
    const { cursor, tenant_id: tenantId, state, done } = query;
    const { entries, next_cursor } = await pageOfItems({ limit: ITEMS_A_PAGE, cursor }, (asked) =>
      listItems(db, { tenantId, state }, asked),
    );
    const filter = { tenantId: tenantId ?? '', state: state ?? '' };
    return page(
      itemsPage({ visitor, items: entries, filter, done, nextHref: nextHref(path, next_cursor) }),
    );
  },
);

/** Records a charge or credit. */
export const addItem = operatorAction({
  path: `${ITEMS_PATH}/new`,
  params: z.object({}),
  read: toItemForm,
  propose: async ({ values }, { db, now }) => {
    const { itemId, month } = values;
    return {
      ...values,
      itemId: itemId === '' ? `item-${randomUUID()}` : itemId,
      // The month that is billed next.
      month: month === '' ? (await loadCalendar(db)).monthOf(now()) : month,
      isTaxable: true,
    };
  },
  view: ({ values }) => Promise.resolve(newItemView(values)),
  foresee: async ({ values }, { db }) => {
    const currency = await currencyOf(db, values);
    const amount = readAmount(values.amount, currency, 'other than 0');
    await amount.hinting(() => checkItem(db, toBody(values, amount)));
    const { tenantId, month } = values;
    const period = (await loadCalendar(db)).periodOf(month);
    const [standing] = await listStanding(db, period, [tenantId]);
    const waiting = await listItems(db, { tenantId, state: 'waiting' }, { after: null, limit: 5 });
    const name = (await showTenant(db, tenantId))?.name ?? tenantId;
    const view = { form: values, amountCents: amount.cents, currency, name };
    return itemEffects({ ...view, standing, waiting });
  },
  wasDone: async ({ values }, { db }) => (await showItem(db, values.itemId)) !== null,
  run: async ({ values, caller, requestId }, deps) => {
    const currency = await currencyOf(deps.db, values);
    const amount = readAmount(values.amount, currency, 'other than 0');
    const call = { params: {}, query: {}, body: toBody(values, amount), caller, requestId };
    await amount.hinting(() => postInvoiceItems.handle(call, deps));
    return doneHref(`${ITEMS_PATH}?tenant_id=${values.tenantId}`, 'item-added');
  },
  fields: {
    '/item_id': ['item_id', 'Id'],
    '/tenant_id': ['tenant_id', 'Tenant'],
    '/month': ['month', 'Month'],
    '/description': ['description', 'Description'],
    '/amount_cents': ['amount', 'Amount'],
  },
});

/** Returns the tenant's currency. For an unknown tenant it doesn't matter, because the tenant is rejected. */
async function currencyOf(db: Queryable, { tenantId }: ItemForm): Promise<string> {
  const isId = externalId.safeParse(tenantId).success;
  const currencies = await readCurrencies(db, isId ? [tenantId] : []);
  return currencies.get(tenantId) ?? 'AUD';
}

function toItemForm(sent: Form): ItemForm {
  return {
    itemId: sent.text('item_id').trim(),
    tenantId: sent.text('tenant_id').trim(),
    month: sent.text('month').trim(),
    description: sent.text('description'),
    amount: sent.text('amount').trim(),
    isTaxable: sent.text('taxable') === 'true',
  };
}

function toBody(form: ItemForm, amount: TypedAmount): object {
  return {
    item_id: form.itemId,
    tenant_id: form.tenantId,
    month: form.month,
    description: form.description,
    taxable: form.isTaxable,
    amount_cents: amount.cents,
  };
}

const itemParams = z.object({ item_id: externalId });

/** Withdraws a charge or credit. */
export const withdrawItem = operatorAction({
  path: `${ITEMS_PATH}/:item_id/withdraw`,
  params: itemParams,
  read: () => null,
  view: async ({ params: { item_id: itemId } }, { db }) => {
    const planned = await planItemWithdrawal(db, itemId);
    const withdrawal = planned.outcome === 'withdrawn' ? planned.item.withdrawal : null;
    return {
      title: `Withdraw ${itemId}`,
      trail: itemsTrail,
      cancelHref: ITEMS_PATH,
      refusal:
        planned.outcome === 'refused'
          ? `${planned.reason}.`
          : withdrawal &&
            `It is withdrawn already: by ${withdrawal.actor}, “${withdrawal.reason}”.`,
      reasonHint: 'Stored with it, and recorded with your key’s name.',
      confirmation: 'Withdraw it. I know that this can’t be undone',
      button: 'Withdraw',
    };
  },
  foresee: async ({ params }, { db }) => {
    const planned = await planItemWithdrawal(db, params.item_id);
    if (planned.outcome === 'refused') return [];
    const { tenant_id: tenantId, description, amount_cents, currency } = planned.item;
    return [
      `No invoice of ${tenantId} will take “${description}”, ${formatMoney(amount_cents, currency)}.`,
      'It stays in the list, with your reason.',
    ];
  },
  wasDone: async (call, { db }) =>
    isOwn((await showItem(db, call.params.item_id))?.withdrawal, call),
  run: async ({ params, reason, caller, requestId }, deps) => {
    const call = { params, query: {}, body: { reason }, caller, requestId };
    await withdrawInvoiceItem.handle(call, deps);
    return doneHref(ITEMS_PATH, 'item-withdrawn');
  },
  fields: {},
});
