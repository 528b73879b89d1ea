import { z } from 'zod';
import { currentPlanVersion, findAddons, findKnownKinds } from '../../db/catalogue/catalogue.ts';
import { invoiceLineSchema } from '../../db/invoices/invoice-views.ts';
import { findUnknown } from '../../db/named-things.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { taxViewSchema } from '../../db/tax/invoice-tax.ts';
import { readTaxTerms } from '../../db/tax/tax-terms.ts';
import { DomainError } from '../../domain/errors.ts';
import { monthStart } from '../../domain/period.ts';
import { quoteToJson } from '../../domain/quote-json.ts';
import { withTax } from '../../domain/quote-tax.ts';
import { quote } from '../../domain/quote.ts';
import type { PlanVersion, QuoteAddon } from '../../domain/types.ts';
import { explainIssue } from '../../lib/explain-issue.ts';
import { MAX_ERRORS } from '../../ingestion/field-errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import { DECIMAL_PATTERN, decimalString, externalId } from '../../ingestion/usage-fields.ts';
import type { Caller } from '../http/authenticate.ts';
import { MAX_FIELDS } from '../http/body-limits.ts';
import { date, remarkSchema } from '../http/request-fields.ts';
import { invalidRequest, type RequestError } from '../http/problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const MAX_ADDONS = 100;

const qty = decimalString.nullable();

/** Quantities by resource kind. Not a `z.record`, which would drop the valid name `__proto__`. */
const projectedUsage = z
  .custom<Readonly<Record<string, string | null>>>()
  .check((payload) => {
    const { value } = payload;
    if (typeof value !== 'object' || Array.isArray(value)) {
      payload.issues.push({ code: 'custom', message: 'expected an object', input: value });
      return;
    }
    for (const [kind, used] of Object.entries(value)) {
      const { error } = qty.safeParse(used, { error: explainIssue });
      const [issue] = error?.issues ?? [];
      if (issue) {
        payload.issues.push({ code: 'custom', message: issue.message, path: [kind], input: used });
      }
    }
  })
  .meta({
    type: ['object', 'null'],
    description: 'Quantities by resource kind, in base units; null means none.',
    additionalProperties: { type: ['string', 'null'], pattern: DECIMAL_PATTERN },
    maxProperties: MAX_FIELDS,
    example: { llm_tokens: '1500000' },
  });

const decimalText = z.string().meta({ example: '38.709677419355' });
const example = {
  treatment: 'gst',
  label: 'GST',
  rate: '0.10',
  note: null,
  seller_registered: true,
};
const line = invoiceLineSchema.omit({
  ...{ line_no: true, deployment_id: true },
  ...{ taxable: true, item_id: true },
});
const monthlyLines = z.object({ lines: z.array(line), monthly_total_cents: z.int() });
const warnings = z.array(remarkSchema).meta({
  description:
    'Usage of resource kinds that this plan does not have but others do. It is not billed.',
  example: [],
});
const allowance = z.object({
  resource_kind: z.string(),
  included_qty: decimalText.describe('Included by the plan.'),
  addon_qty: decimalText.describe('Added by addons.'),
  allowance: decimalText.describe('The sum of both.'),
  hard_cap_qty: decimalText.nullable().describe('The most usage that is billed; null: no cap.'),
});
const taxFields = {
  tax_cents: z.int(),
  total_cents: z.int().describe('Tax included.'),
};
const quoteReply = z.object({
  currency: z.string(),
  recurring: monthlyLines,
  first_invoice: z
    .object({
      period_start: z.iso.date().nullable(),
      period_end: z.iso.date().nullable(),
      prorated_total_cents: z.int().describe('Before tax.'),
      lines: z.array(line),
      allowances: z
        .array(allowance)
        .describe("What the first month includes, in the order of the plan's items."),
      ...taxFields,
    })
    .describe('What the first month end will bill, besides usage beyond the allowances.'),
  overage: monthlyLines,
  all_in_monthly_cents: z.int().describe('Recurring and overage of a full month, before tax.'),
  ...taxFields,
  tax: taxViewSchema.omit({ aud: true }).describe('How the amounts are taxed.').meta({ example }),
  warnings,
});

/** Previews a price, with the same quote function as month end (docs/spec.md#the-quote). */
export const postQuote = defineRoute(
  {
    method: 'post',
    path: '/api/v1/quote',
    operationId: 'postQuote',
    tag: 'Prices',
    summary: "Preview a price on a plan's current version",
    description:
      'Without projected_usage there is no overage. A resource kind that no plan has is rejected; one that ' +
      'only this plan lacks is not billed and listed in `warnings`. first_invoice is what the first month end ' +
      "bills for a subscription that starts on starts_on, by the plan's proration policy: part of a month " +
      '(daily) or a full one (none). Tax is that of the tenant in the month of starts_on, or else in the ' +
      'current month; for no tenant in particular, the default treatment.',
    scopes: ['tenant', 'operator'],
    readOnly: true,
    rateLimited: true,
    body: z.strictObject({
      plan_code: externalId.meta({ example: 'studio' }),
      addons: z
        .array(externalId.meta({ example: 'storage_50gb' }))
        .max(MAX_ADDONS)
        .default([]),
      projected_usage: projectedUsage.nullable().default(null),
      starts_on: date.nullable().default(null),
      tenant_id: externalId
        .nullable()
        .default(null)
        .describe("Whose tax treatment applies. With a tenant key always the key's own tenant."),
    }),
    bodyExamples: {
      'A plan': { plan_code: 'studio' },
      'With addons and usage': {
        plan_code: 'studio',
        addons: ['storage_50gb'],
        projected_usage: { llm_tokens: '1500000' },
        starts_on: '2026-05-20',
      },
    },
    responses: { 200: { description: 'The quote', schema: quoteReply } },
  },
  async ({ body, caller }, { db, now }) => {
    const tenantId = await taxedTenant(db, caller, body.tenant_id);
    const [planVersion, addons] = await Promise.all([
      findPlanVersion(db, body.plan_code),
      findEveryAddon(db, body.addons),
    ]);
    const usage = body.projected_usage;
    const lacking = await kindsLackedBy(db, planVersion, Object.keys(usage ?? {}));
    const month = (body.starts_on ?? (await loadCalendar(db)).dateOf(now())).slice(0, -3);
    const terms = await readTaxTerms(
      db,
      { periodStart: monthStart(month) },
      { tenantId, currency: planVersion.currency },
    );
    const result = priceOrRefuse(() =>
      withTax(quoteToJson(quote(planVersion, addons, { usage, startsOn: body.starts_on })), terms),
    );
    return reply(200, {
      ...result,
      warnings: lacking.map((kind) => ({
        pointer: toPointer(['projected_usage', kind]),
        detail: `plan ${body.plan_code} has no ${kind}: its usage is not billed`,
      })),
    });
  },
);

/**
 * Returns the tenant whose tax treatment applies; null: none in particular.
 * @throws HttpProblem `invalid-request` for a tenant that doesn't exist or isn't the key's own
 */
async function taxedTenant(
  db: Queryable,
  caller: Caller,
  named: string | null,
): Promise<string | null> {
  if (named === null || named === caller.tenantId) return caller.tenantId;
  const [unknown] = caller.tenantId === null ? await findUnknown(db, 'tenant', [named]) : [named];
  if (unknown === undefined) return named;
  throw invalidRequest([{ pointer: '/tenant_id', detail: `there is no tenant ${unknown}` }]);
}

async function findPlanVersion(db: Queryable, planCode: string): Promise<PlanVersion> {
  const planVersion = await currentPlanVersion(db, planCode);
  if (planVersion !== null) return planVersion;
  throw invalidRequest([{ pointer: '/plan_code', detail: `there is no plan ${planCode}` }]);
}

/**
 * Returns the kinds that this plan lacks but other plans have.
 * @throws HttpProblem `invalid-request` for kinds that no plan has, because a typo would be quoted as free
 */
async function kindsLackedBy(
  db: Queryable,
  { items }: PlanVersion,
  kinds: readonly string[],
): Promise<readonly string[]> {
  const ofPlan = new Set(items.map(({ resourceKind }) => resourceKind));
  const lacking = kinds.filter((kind) => !ofPlan.has(kind));
  if (lacking.length === 0) return [];
  const known = await findKnownKinds(db, lacking);
  const unknown = lacking.filter((kind) => !known.has(kind));
  if (unknown.length === 0) return lacking;
  throw invalidRequest(
    unknown.slice(0, MAX_ERRORS).map((kind) => ({
      pointer: toPointer(['projected_usage', kind]),
      detail: `no plan has a resource kind ${JSON.stringify(kind)}`,
    })),
  );
}

async function findEveryAddon(db: Queryable, codes: readonly string[]): Promise<QuoteAddon[]> {
  const found = await findAddons(db, codes);
  const errors: RequestError[] = [];
  const addons = codes.flatMap((code, index) => {
    const addon = found.get(code);
    if (addon) return addon;
    errors.push({ pointer: `/addons/${index}`, detail: `there is no addon ${code}` });
    return [];
  });
  if (errors.length > 0) throw invalidRequest(errors);
  return addons;
}

/** A DomainError here is caused by the request, such as an amount too large to bill. */
function priceOrRefuse<T>(price: () => T): T {
  try {
    return price();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw invalidRequest([{ pointer: '', detail: error.message }]);
  }
}
