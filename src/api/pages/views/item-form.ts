import type { ListedItem } from '../../../db/invoices/item-views.ts';
import type { Standing } from '../../../db/invoices/month-invoices.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney } from '../../../domain/format.ts';
import { waitsFor } from '../../../domain/item-state.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { ActionView } from './action-form.ts';
import { textField, type FieldMistake } from './form-fields.ts';
import { ITEMS_PATH, itemsTrail } from './items-html.ts';

/** The submitted form of a charge or credit. */
export interface ItemForm {
  /** Stays the same if the form is sent twice, so that there is one item. */
  readonly itemId: string;
  readonly tenantId: string;
  readonly month: string;
  readonly description: string;
  readonly amount: string;
  readonly isTaxable: boolean;
}

/** Renders the form for a new charge or credit. */
export function newItemView(form: ItemForm): ActionView {
  return {
    title: 'Add a charge or credit',
    trail: itemsTrail,
    cancelHref: ITEMS_PATH,
    refusal: null,
    fields: (mistakes) => itemFields(form, mistakes),
    button: 'Add',
  };
}

function itemFields(form: ItemForm, mistakes: readonly FieldMistake[]): Markup {
  return markup`${textField({
    id: 'item_id',
    label: 'Id',
    hint: 'Keep it, or enter your own. The same id is recorded only once.',
    mistakes,
    value: form.itemId,
    more: markup` required spellcheck="false"`,
  })}${textField({
    id: 'tenant_id',
    label: 'Tenant',
    hint: 'Tenant id.',
    mistakes,
    value: form.tenantId,
    more: markup` required spellcheck="false"`,
  })}${textField({
    id: 'month',
    label: 'Month',
    hint: 'Such as 2026-05. The first invoice of this month or a later one takes it.',
    mistakes,
    value: form.month,
    more: markup` required inputmode="numeric"`,
  })}${textField({
    id: 'description',
    label: 'Description',
    hint: 'As the tenant reads it on the invoice.',
    mistakes,
    value: form.description,
    more: markup` required maxlength="200"`,
  })}${textField({
    id: 'amount',
    label: 'Amount',
    hint: 'In the currency of the tenant, before tax. A credit is negative, such as -40.00.',
    mistakes,
    value: form.amount,
    more: markup` required autocomplete="off"`,
  })}<div class="choice"><input type="checkbox" id="taxable" name="taxable" value="true"${form.isTaxable ? markup` checked` : ''}><label for="taxable">Taxable</label></div>
`;
}

export interface PlannedItem {
  readonly form: ItemForm;
  readonly amountCents: number;
  readonly currency: string;
  /** The tenant's. */
  readonly name: string;
  /** The tenant in the item's month. */
  readonly standing: Standing | undefined;
  /** The first of the tenant's items that wait already. */
  readonly waiting: readonly Pick<ListedItem, 'description' | 'rest_cents' | 'currency'>[];
}

/** Says what recording an item does. */
export function itemEffects(planned: PlannedItem): readonly string[] {
  const { form, amountCents, currency, name, standing, waiting } = planned;
  const { month, description, isTaxable } = form;
  const item = {
    ...{ month, currency, amount_cents: amountCents, rest_cents: amountCents },
    ...{ state: 'pending' as const, taxable: isTaxable, invoices: [] },
  };
  const tax = isTaxable ? 'tax is added' : 'without tax';
  return [
    amountCents > 0
      ? `${name} is charged ${formatMoney(amountCents, currency)} for “${description}”, ${tax}.`
      : `${name} gets a credit of ${formatMoney(-amountCents, currency)} for “${description}”.`,
    `It waits for ${waitsFor(item) ?? ''}.`,
    ...(standing?.status === 'issued' ? [invoicedAlready(standing, month)] : []),
    ...(waiting.length === 0
      ? []
      : [
          `${name} has others that wait: ${waiting.map((one) => `“${one.description}”, ${formatMoney(one.rest_cents, one.currency)}`).join('; ')}.`,
        ]),
  ];
}

function invoicedAlready({ number, is_settled }: Standing, month: string): string {
  const invoiced = `${formatMonth(month)} is invoiced already (${number}`;
  return is_settled
    ? `${invoiced}, settled), so the invoice of a later month takes it.`
    : `${invoiced}): a rerun of that month takes it, or else the invoice of a later one.`;
}
