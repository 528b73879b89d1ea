import type { AddonView, PlanVersionView } from '../../../db/catalogue/catalogue-views.ts';
import type { UnitView } from '../../../db/catalogue/units.ts';
import { sumCents } from '../../../domain/cents.ts';
import type { TaxedQuoteJson } from '../../../domain/quote-tax.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { formatDate } from '../../../display/dates.ts';
import { humanise } from '../../../display/names.ts';
import { baseUnit, perUnit, pricedUnit, withUnit } from '../../../display/unit-words.ts';
import { linesTable } from './lines-table.ts';
import { percentOf, stackedBar, swatch, type Share } from './bars.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { layout, type Visitor } from './layout.ts';
import { table } from './html-table.ts';

/** The submitted form. */
export interface QuoteForm {
  readonly planCode: string | null;
  readonly addons: readonly string[];
  /** Quantities by resource kind; empty text if not given. */
  readonly usage: ReadonlyMap<string, string>;
  readonly startsOn: string;
}

/** A quote with warnings about usage that it leaves out. */
export interface QuoteAnswer extends TaxedQuoteJson {
  readonly warnings: readonly { readonly detail: string }[];
}

export interface QuoteView {
  readonly visitor: Visitor;
  /** The current version of each plan. */
  readonly plans: readonly PlanVersionView[];
  readonly addons: readonly AddonView[];
  readonly units: readonly UnitView[];
  readonly form: QuoteForm;
  /** Null before the form is submitted, and if it has errors. */
  readonly quote: QuoteAnswer | null;
  readonly mistakes: readonly FieldMistake[];
}

/** Returns the name and id of the input for a kind's quantity. */
export function usageField(resourceKind: string): string {
  return `usage.${resourceKind}`;
}

/** Renders the quote page. */
export function quotePage(view: QuoteView): string {
  const { visitor, plans, form, quote, mistakes } = view;
  const plan = plans.find(({ code }) => code === form.planCode) ?? null;
  return layout({
    title: 'Quote',
    visitor,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}${planForm(plans, form.planCode, mistakes)}
<div class="columns">
${plan === null ? '' : detailsForm(plan, view)}
${quote === null || plan === null ? '' : markup`<div>${answer(quote, plan)}</div>`}
</div>
`,
  });
}

function planForm(
  plans: readonly PlanVersionView[],
  chosen: string | null,
  mistakes: readonly FieldMistake[],
): Markup {
  if (plans.length === 0) return markup`<p class="empty">There are no plans yet.</p>`;
  const options = plans.map(
    ({ code, name, base_price_cents, currency }) =>
      markup`<option value="${code}"${code === chosen ? markup` selected` : ''}>${name ?? humanise(code)}, ${formatMoney(base_price_cents, currency)} per month</option>`,
  );
  return markup`<form class="filter" method="get" action="/quote">
${field({
  id: 'plan_code',
  label: 'Plan',
  mistakes,
  input: (attributes) => markup`<select ${attributes} name="plan_code">${options}</select>`,
})}<button class="${chosen === null ? '' : 'quiet'}">${chosen === null ? 'Choose this plan' : 'Choose another plan'}</button>
</form>
`;
}

function detailsForm(plan: PlanVersionView, { addons, units, form, mistakes }: QuoteView): Markup {
  const kinds = new Set(plan.items.map(({ resource_kind }) => resource_kind));
  const fitting = addons.filter(
    ({ code, resource_kind }) => kinds.has(resource_kind) || form.addons.includes(code),
  );
  return markup`<form class="sheet" method="get" action="/quote">
<input type="hidden" name="plan_code" value="${plan.code}">
${fitting.length === 0 ? '' : markup`<fieldset id="addons"><legend>Addons</legend>${fitting.map((addon) => addonChoice(addon, plan, form))}</fieldset>\n`}${
    plan.items.length === 0
      ? ''
      : markup`<fieldset><legend>Expected usage per month</legend>
<p class="hint">Leave all fields empty for a price without usage.</p>
${plan.items.map((item) => usageInput(item, priceOf(item, plan.currency, units), form, mistakes))}</fieldset>\n`
  }${field({
    id: 'starts_on',
    label: 'Start date',
    hint: 'Optional. Decides what the first invoice bills.',
    mistakes,
    input: (attributes) =>
      markup`<input ${attributes} name="starts_on" type="date" value="${form.startsOn}">`,
  })}<div class="actions"><button name="show" value="price">Show price</button></div>
</form>
`;
}

function addonChoice(
  { code, name, qty, resource_kind, price_cents }: AddonView,
  { currency, items }: PlanVersionView,
  { addons }: QuoteForm,
): Markup {
  const id = `addon-${code}`;
  return markup`<div class="choice"><input type="checkbox" id="${id}" name="addons" value="${code}"${addons.includes(code) ? markup` checked` : ''}><label for="${id}">${name ?? humanise(code)}: ${groupDigits(qty)} more of ${kindName(resource_kind, items)}, ${formatMoney(price_cents, currency)} per month</label></div>
`;
}

/** What the plan calls a resource kind. */
function kindName(kind: string, items: PlanVersionView['items']): string {
  return items.find(({ resource_kind }) => resource_kind === kind)?.name ?? humanise(kind);
}

type Item = PlanVersionView['items'][number];

/** What is charged for usage beyond what is included: `then AUD 0.01 per 1,000 tokens`. */
function priceOf(
  { overage_price_cents, overage_unit }: Item,
  currency: string,
  units: readonly UnitView[],
): string {
  if (overage_price_cents === null) return 'no charge beyond that';
  const unit = units.find(({ code }) => code === overage_unit);
  const words = pricedUnit(overage_unit, { unit_factor: unit?.factor, unit_label: unit?.label });
  return `then ${formatMoney(overage_price_cents, currency)} ${perUnit(words)}`;
}

function usageInput(
  item: Item,
  price: string,
  { usage }: QuoteForm,
  mistakes: readonly FieldMistake[],
): Markup {
  const id = usageField(item.resource_kind);
  const included = `${withUnit(item.included_qty ?? '0', baseUnit(item.overage_unit))} included`;
  return field({
    id,
    label: item.name ?? humanise(item.resource_kind),
    hint: `${included}, ${price}`,
    mistakes,
    input: (attributes) =>
      markup`<input ${attributes} name="${id}" inputmode="decimal" autocomplete="off" value="${usage.get(item.resource_kind) ?? ''}">`,
  });
}

const PARTS = [
  { part: 1, name: 'Base', kind: 'plan_base' },
  { part: 2, name: 'Addons', kind: 'addon' },
  { part: 3, name: 'Overage', kind: 'overage' },
] as const;

function answer(quote: QuoteAnswer, plan: PlanVersionView): Markup {
  const { currency, recurring, overage, first_invoice, all_in_monthly_cents, warnings } = quote;
  const lines = [...recurring.lines, ...overage.lines];
  const shares = PARTS.map(({ part, name, kind }) => ({
    part,
    name,
    cents: sumCents(
      lines.filter((line) => line.kind === kind).map(({ amount_cents }) => amount_cents),
    ),
  }));
  const { label, note } = quote.tax;
  return markup`<h2 id="price">${formatMoney(quote.total_cents, currency)} per month${quote.tax_cents === 0 ? '' : `, ${label} included`}</h2>
${note === null ? '' : markup`<p class="soft">${note}</p>\n`}${warnings.map(({ detail }) => markup`<p class="note">${detail}.</p>\n`)}${picture(shares, all_in_monthly_cents, currency)}
<h3>Monthly price</h3>
${linesTable('Lines of the monthly price', lines, { subtotal_cents: all_in_monthly_cents, ...quote })}
<h3>First invoice</h3>
<p class="soft">${firstMonth(first_invoice, plan)} Usage beyond what is included comes on top.</p>
${linesTable('Lines of the first invoice', first_invoice.lines, { subtotal_cents: first_invoice.prorated_total_cents, ...quote, ...first_invoice })}${includedTable(first_invoice.allowances, plan)}`;
}

/** Says which part of the first month is billed. */
function firstMonth(
  { period_start, period_end }: QuoteAnswer['first_invoice'],
  { proration }: PlanVersionView,
): string {
  if (period_start === null || period_end === null) return 'No start date: a full month.';
  const dates = `${formatDate(period_start)} to ${formatDate(period_end)}`;
  return proration === 'none'
    ? `${dates}, billed as a full month: this plan is not prorated.`
    : `${dates}, billed by days.`;
}

/** What the first month includes; nothing if the plan has no resource kinds. */
function includedTable(
  allowances: QuoteAnswer['first_invoice']['allowances'],
  { items }: PlanVersionView,
): Markup {
  if (allowances.length === 0) return markup``;
  const units = new Map(items.map((item) => [item.resource_kind, item.overage_unit]));
  const amount = (kind: string, qty: string) => withUnit(qty, baseUnit(units.get(kind) ?? null));
  return table({
    caption: 'Included in the first month',
    hasVisibleCaption: true,
    empty: '',
    rows: allowances,
    columns: [
      {
        head: 'Resource',
        isHead: true,
        cell: ({ resource_kind }) => kindName(resource_kind, items),
      },
      {
        head: 'Included',
        isFigure: true,
        cell: ({ resource_kind, allowance }) => amount(resource_kind, allowance),
      },
      {
        head: 'Billed up to',
        isFigure: true,
        cell: ({ resource_kind, hard_cap_qty }) =>
          hard_cap_qty === null ? 'no limit' : amount(resource_kind, hard_cap_qty),
      },
    ],
  });
}

function picture(
  shares: readonly (Share & { readonly name: string })[],
  whole: number,
  currency: string,
): Markup {
  const rows = shares.filter(({ cents }) => cents > 0);
  return markup`${stackedBar(rows)}
${table({
  caption: 'Shares of base, addons and overage',
  empty: 'Free of charge.',
  rows,
  columns: [
    { head: 'Part', isHead: true, cell: ({ part, name }) => markup`${swatch(part)} ${name}` },
    { head: 'Amount', isFigure: true, cell: ({ cents }) => formatMoney(cents, currency) },
    { head: 'Share', isFigure: true, cell: ({ cents }) => `${percentOf(cents, whole)} %` },
  ],
})}`;
}
