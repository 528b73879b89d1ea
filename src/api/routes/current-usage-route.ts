import { z } from 'zod';
import { runningMonthToJson } from '../../audit/running-month-json.ts';
import { runningMonthOf } from '../../audit/running-month.ts';
import { invoiceLineSchema } from '../../db/invoices/invoice-views.ts';
import { taxViewSchema } from '../../db/tax/invoice-tax.ts';
import { DOMAIN_ERROR_CODES } from '../../domain/errors.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { visibleTenant } from './invoice-params.ts';

const decimalText = z.string().meta({ example: '38.709677419355' });
const cents = decimalText.describe("The gateway's charges, exact.");

const modelSchema = z.object({
  model: z
    .string()
    .nullable()
    .describe('Null: all models beyond the first 200 of a deployment, together.'),
  requests: z.int(),
  exact_cents: cents,
});
const llmFields = {
  requests: z.int(),
  exact_cents: cents,
  by_model: z.array(modelSchema).describe('The most expensive first. They add up to the sums.'),
};

const kindSchema = z
  .object({
    resource_kind: z.string(),
    name: z.string().nullable().describe('What the plan calls it.'),
    used: decimalText,
    allowance: decimalText
      .nullable()
      .describe(
        'What the month includes. Null if the plan lacks the kind, so usage is not billed.',
      ),
    hard_cap_qty: decimalText.nullable().describe('The most usage that is billed; null: no cap.'),
    overage: decimalText.nullable().describe('Beyond the allowance, up to the cap.'),
    projected_used: decimalText,
    projected_overage: decimalText.nullable(),
  })
  .describe('Usage of one resource kind, in base units.');

const invoiceFields = {
  subtotal_cents: z.int(),
  taxable_cents: z.int().describe('The part of the subtotal that is taxed.'),
  tax_cents: z.int(),
  total_cents: z.int(),
  tax: taxViewSchema.omit({ aud: true }).describe('How it would be taxed.'),
  lines: z.array(invoiceLineSchema),
};

const currentUsage = z.object({
  tenant_id: z.string(),
  currency: z.string(),
  as_of: z.iso
    .datetime()
    .describe('Usage that was accepted until then is counted.')
    .meta({ example: '2026-05-17T00:00:00.000Z' }),
  period: z.object({
    month: z.string().meta({ example: '2026-05' }),
    period_start: z.iso.date(),
    period_end: z.iso.date().describe('Inclusive.'),
    starts_at: z.iso.datetime(),
    ends_at: z.iso.datetime().describe('Exclusive.'),
    elapsed: z
      .string()
      .describe('The share of the month that has passed.')
      .meta({ example: '0.5161' }),
  }),
  deployments: z.array(
    z.object({
      deployment_id: z.string(),
      kinds: z
        .array(kindSchema)
        .describe("The kinds of the deployment's plan, in its order; then others that were used."),
      llm: z.object({
        ...llmFields,
        projected_requests: z.string().describe('A whole number.').meta({ example: '2310' }),
        projected_exact_cents: decimalText,
      }),
    }),
  ),
  llm: z.object(llmFields).describe('LLM usage of all deployments in the month.'),
  includes_earlier_months: z
    .boolean()
    .describe(
      'Whether the invoice has what earlier months left: late LLM usage, charges and credits. False while an ' +
        'invoice of the last month is to come or waits for its release, because that one takes them first.',
    ),
  invoice_so_far: z
    .object(invoiceFields)
    .nullable()
    .describe('The invoice if the month ended now. Null if there is a problem.'),
  projection: z
    .object({ method: z.literal('linear'), ...invoiceFields })
    .nullable()
    .describe(
      'The invoice at the end of the month if usage continues at this rate: usage of the month × time in service ÷ time ' +
        'in service so far, by deployment. Recurring charges are those of the whole month in either case. Null if ' +
        'there is a problem, or if a quantity or an amount would be out of range.',
    ),
  problem: z
    .object({ type: z.enum(DOMAIN_ERROR_CODES), reason: z.string() })
    .nullable()
    .describe('Why no invoice can be composed: the month end would park the tenant.'),
});

/** Shows a tenant what the running month costs (docs/spec.md#the-running-month). */
export const getCurrentUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/usage/current',
    operationId: 'getCurrentUsage',
    tag: 'Usage',
    summary: 'Show what the running month costs so far',
    description:
      'What each deployment has used and what is included, LLM usage by model, the invoice if the month ended now ' +
      '(composed as the month end does), and its linear projection. The cost does not depend on the number of events.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId
        .optional()
        .describe("Required with an operator's key. With a tenant key, its own tenant."),
    }),
    responses: { 200: { description: 'The running month', schema: currentUsage } },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db, now }) => {
    const tenantId = visibleTenant(caller, query.tenant_id);
    if (tenantId === undefined) {
      throw invalidRequest([{ parameter: 'tenant_id', detail: 'is required with this key' }]);
    }
    const running = await runningMonthOf(db, tenantId, now());
    if (running === null) throw new HttpProblem('not-found', `there is no tenant ${tenantId}`);
    return reply(200, runningMonthToJson(running));
  },
);
