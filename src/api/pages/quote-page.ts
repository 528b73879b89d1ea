import { listAddons, listCurrentPlans } from '../../db/catalogue/catalogue-views.ts';
import { listUnits } from '../../db/catalogue/units.ts';
import { fromPointer } from '../../lib/json-pointer.ts';
import type { FieldMistake } from './views/form-fields.ts';
import { quotePage, usageField, type QuoteAnswer, type QuoteForm } from './views/quote-html.ts';
import { HttpProblem, type RequestError } from '../http/problems.ts';
import { postQuote } from '../routes/quote-route.ts';
import { page, signedInPage } from './page-definition.ts';

const MAX_SHOWN_ADDONS = 200;
const USAGE = usageField('');

/** Shows a quote, made by the API's own route. The URL holds the whole form, so it can be shared. */
export const quote = signedInPage(
  { path: '/quote' },
  async ({ path, visitor, caller, requestId }, deps) => {
    const { searchParams } = new URL(path, 'http://page');
    const form = toQuoteForm(searchParams);
    const [plans, addons, units] = [
      await listCurrentPlans(deps.db),
      await listAddons(deps.db, { after: null, limit: MAX_SHOWN_ADDONS }),
      await listUnits(deps.db),
    ];
    const view = { visitor, plans, addons, units, form };
    // After choosing a plan, show its form first. Any other field requests the price.
    if (form.planCode === null || searchParams.size < 2) {
      return page(quotePage({ ...view, quote: null, mistakes: [] }));
    }
    const strange = unknownFields(searchParams);
    if (strange.length > 0) {
      return page(quotePage({ ...view, quote: null, mistakes: strange }), 422);
    }
    try {
      const incoming = { params: {}, query: {}, body: toBody(form), caller, requestId };
      const { body } = await postQuote.handle(incoming, deps);
      // Safe: the route's schema has just validated it.
      return page(quotePage({ ...view, quote: body as QuoteAnswer, mistakes: [] }));
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.problem !== 'invalid-request') throw error;
      const items = plans.find(({ code }) => code === form.planCode)?.items ?? [];
      const kinds = new Set(items.map(({ resource_kind }) => resource_kind));
      const mistakes = error.errors.map((one) => toMistake(one, kinds));
      return page(quotePage({ ...view, quote: null, mistakes }), 422);
    }
  },
);

const FIELDS = new Set(['plan_code', 'addons', 'starts_on', 'show']);

/** A mistyped name in a link must not price as if the field were empty. */
function unknownFields(query: URLSearchParams): readonly FieldMistake[] {
  const unknown = [...query.keys()].filter((name) => !FIELDS.has(name) && !name.startsWith(USAGE));
  return [...new Set(unknown)].map((name) => ({
    field: null,
    detail: `the address has a field ${JSON.stringify(name)} that does not exist: remove it, or correct its name`,
  }));
}

function toQuoteForm(query: URLSearchParams): QuoteForm {
  const usage = [...query]
    .filter(([name]) => name.startsWith(USAGE))
    .map(([name, value]) => [name.slice(USAGE.length), withoutSeparators(value.trim())] as const);
  return {
    planCode: query.get('plan_code') ?? null,
    addons: query.getAll('addons'),
    usage: new Map(usage),
    startsOn: query.get('starts_on') ?? '',
  };
}

/** `1,500,000` → `1500000`. Any other comma stays, and is refused: `1,5` must not become 15. */
function withoutSeparators(number: string): string {
  return /^\d{1,3}(?:,\d{3})+(?:\.\d*)?$/.test(number) ? number.replaceAll(',', '') : number;
}

function toBody({ planCode, addons, usage, startsOn }: QuoteForm) {
  const given = [...usage].filter(([, qty]) => qty !== '');
  return {
    plan_code: planCode,
    addons,
    projected_usage: given.length === 0 ? null : Object.fromEntries(given),
    starts_on: startsOn === '' ? null : startsOn,
  };
}

/** Maps an error in the API's body to the form field that caused it. */
function toMistake(
  { pointer = '', detail }: RequestError,
  kindsInForm: ReadonlySet<string>,
): FieldMistake {
  const [name = '', kind] = fromPointer(pointer);
  // Reworded, because the API's message is about JSON.
  if (name === 'projected_usage' && kind !== undefined) {
    // A kind from an edited or old link has no field in the form.
    if (!kindsInForm.has(kind)) return { field: null, detail };
    return {
      field: usageField(kind),
      detail: `${kind}: expected a number such as 1500000 or 0.25`,
    };
  }
  if (name === 'plan_code' || name === 'starts_on' || name === 'addons') {
    return { field: name, detail: `${LABELS[name]}: ${detail}` };
  }
  return { field: null, detail };
}

const LABELS = { plan_code: 'Plan', starts_on: 'Start date', addons: 'Addons' } as const;
