import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { listItems } from '../../db/invoices/item-views.ts';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import { amountHint, parseSignedAmount } from '../../domain/format.ts';
import { ITEM_FILTERS } from '../../domain/item-state.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { HttpProblem } from '../http/problems.ts';
import {
  pageOfItems,
  postInvoiceItems,
  withdrawInvoiceItem,
} from '../routes/invoice-item-routes.ts';
import type { FieldMistake } from './views/form-fields.ts';
import { itemsPage, newItemPage, withdrawPage, type ItemForm } from './views/items-html.ts';
import { nextHref, operatorPage, page, pageQuery, seeOther, type Form } from './page-definition.ts';

const PATH = '/operator/items';
const ITEMS_A_PAGE = 50;

/** Lists invoice items. */
export const items = operatorPage(
  {
    path: PATH,
    query: z.object({
      ...pageQuery,
      tenant_id: externalId.optional(),
      state: z.enum(ITEM_FILTERS).optional(),
    }),
  },
  async ({ query, visitor, path }, { db }) => {
    const { cursor, tenant_id: tenantId, state } = query;
    const { entries, next_cursor } = await pageOfItems({ limit: ITEMS_A_PAGE, cursor }, (asked) =>
      listItems(db, { tenantId, state }, asked),
    );
    const filter = { tenantId: tenantId ?? '', state: state ?? '' };
    return page(
      itemsPage({ visitor, items: entries, filter, nextHref: nextHref(path, next_cursor) }),
    );
  },
);

/** Asks for a new item. */
export const askForItem = operatorPage({ path: `${PATH}/new` }, ({ visitor }) => {
  const form: ItemForm = {
    ...{ itemId: `item-${randomUUID()}`, tenantId: '', month: '', description: '', amount: '' },
    taxable: true,
  };
  return Promise.resolve(page(newItemPage({ visitor, form, mistakes: [] })));
});

/** Records an item through the API's own route, with the same validation and record of the action. */
export const addItem = operatorPage(
  { method: 'post', path: `${PATH}/new` },
  async ({ form: sent, visitor, caller, requestId }, deps) => {
    const form = toItemForm(sent);
    const currency = await currencyOf(form, deps);
    const body = {
      ...{ item_id: form.itemId, tenant_id: form.tenantId, month: form.month },
      ...{ description: form.description, taxable: form.taxable },
      // 0, which validation rejects, if the amount can't be parsed.
      amount_cents: parseSignedAmount(form.amount, currency) ?? 0,
    };
    try {
      await postInvoiceItems.handle({ params: {}, query: {}, body, caller, requestId }, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.errors.length === 0) throw error;
      const hint = amountHint(form.amount, currency, 'other than 0');
      const mistakes = error.errors.map((each) => toMistake(each, hint));
      return page(newItemPage({ visitor, form, mistakes }), 422);
    }
    return seeOther(`${PATH}?tenant_id=${form.tenantId}`);
  },
);

/** Returns the tenant's currency. For an unknown tenant it doesn't matter, because the tenant is rejected. */
async function currencyOf({ tenantId }: ItemForm, { db }: ApiDeps): Promise<string> {
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
    taxable: sent.text('taxable') === 'true',
  };
}

const LABELS: Readonly<Record<string, string>> = {
  item_id: 'Id',
  tenant_id: 'Tenant',
  month: 'Month',
  description: 'Description',
};

function toMistake(
  { pointer = '', detail }: HttpProblem['errors'][number],
  hint: string,
): FieldMistake {
  const name = pointer.slice(1);
  if (name === 'amount_cents') return { field: 'amount', detail: `Amount: ${hint}` };
  const label = LABELS[name];
  return label === undefined
    ? { field: null, detail }
    : { field: name, detail: `${label}: ${detail}` };
}

const itemParams = z.object({ item_id: externalId });

/** Asks why an item is withdrawn. */
export const askToWithdraw = operatorPage(
  { path: `${PATH}/:item_id/withdraw`, params: itemParams },
  ({ params: { item_id: itemId }, visitor }) =>
    Promise.resolve(page(withdrawPage({ visitor, itemId, reason: '', mistakes: [] }))),
);

/** Withdraws an item through the API's own route. */
export const withdraw = operatorPage(
  { method: 'post', path: `${PATH}/:item_id/withdraw`, params: itemParams },
  async ({ params, form, visitor, caller, requestId }, deps) => {
    const reason = form.text('reason');
    const call = { params, query: {}, body: { reason }, caller, requestId };
    try {
      await withdrawInvoiceItem.handle(call, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      if (error.problem !== 'invalid-request' && error.problem !== 'data-conflict') throw error;
      const mistakes =
        error.problem === 'data-conflict'
          ? [{ field: null, detail: error.message }]
          : error.errors.map(({ detail }) => ({ field: 'reason', detail: `Reason: ${detail}` }));
      const { item_id: itemId } = params;
      return page(withdrawPage({ visitor, itemId, reason, mistakes }), 422);
    }
    return seeOther(PATH);
  },
);
