import { z } from 'zod';
import {
  atStakeSchema,
  monthRequestSchema,
  monthTotalsSchema,
  parkedTenantSchema,
  readMonthEndStatus,
} from '../../db/month-end/month-end-status.ts';
import { quarantineCountSchema } from '../../db/usage/quarantine-views.ts';
import { gatewayTotalsSchema } from '../../db/usage/gateway-totals.ts';
import { reviewSchema } from '../../db/month-end/review-facts.ts';
import type { Month } from '../../domain/period.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { TemporalUnavailableError, type MonthEndPort } from '../http/month-end-port.ts';
import { NO_BOUNDS } from '../../domain/bounds.ts';
import { lateUsageSchema, listLateUsage } from '../../audit/late-usage.ts';
import { readLostRun } from '../http/lost-run.ts';
import { month } from '../http/request-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const usageTotal = {
  events: z.string(),
  total: z.string().describe('Exact cents of LLM usage, quantity of metered usage.'),
};

/** A month's control totals; see `src/domain/control-totals.ts`. */
const controlTotalsSchema = z
  .object({
    tenants: z.object({
      due: z.int(),
      rolled: z.int(),
      adjusted: z.int(),
      skipped: z.int(),
      unchanged: z.int(),
      nothing_to_bill: z.int(),
      parked: z.int(),
      without_invoice: z.int().describe('Counted as invoiced, but without a live invoice.'),
      without_outcome: z
        .int()
        .describe('With a live invoice, but without an outcome that says so.'),
      with_several: z.int().describe('With more than one live invoice.'),
    }),
    usage: z.array(
      z.object({
        source: z.enum(['llm', 'metered']),
        resource_kind: z.string(),
        currency: z.string().nullable().describe('Null for metered usage.'),
        ...usageTotal,
        places: z.array(
          z.object({
            state: z.string(),
            class: z.enum(['billed', 'unbilled', 'pending', 'excluded', 'unaccounted']),
            ...usageTotal,
          }),
        ),
      }),
    ),
    lines: z.array(
      z.object({
        currency: z.string(),
        kind: z.enum(['overage', 'llm_usage']),
        lines: z.int(),
        exact_cents: z.string().describe('Before rounding.'),
        rounded_cents: z.string().describe('As billed, each line rounded once.'),
        wrong: z.int().describe('Lines that differ from the sum of their usage.'),
      }),
    ),
    invoices: z.array(
      z.object({
        currency: z.string(),
        kind: z.enum(['invoice', 'adjustment_note']),
        status: z.enum(['issued', 'void']),
        invoices: z.int().describe('Live invoices, or adjustment notes.'),
        subtotal_cents: z.string(),
        tax_cents: z.string(),
        total_cents: z.string(),
        lines_cents: z.string(),
        wrong: z
          .int()
          .describe(
            'Documents whose total differs from the sum of their lines, or whose tax is wrong.',
          ),
      }),
    ),
  })
  .meta({ id: 'ControlTotals' });

const counts = z.object({
  rolled: z.int(),
  adjusted: z.int().describe('Given an adjustment note, because the invoice is settled.'),
  skipped: z.int(),
  unchanged: z.int(),
  nothing_to_bill: z.int().describe('Due, but with no lines, no usage and no invoice.'),
  parked: z.int(),
});
const statusReply = z.object({
  month: z.string(),
  workflow: z
    .object({
      state: z.enum(['closing', 'open']),
      running_tenants: z.array(z.string()),
      pass: counts.extend({ due_tenants: z.int() }).nullable().describe('The running pass.'),
      open_until: z.string().nullable().describe('When the month closes for corrections.'),
      refused_signals: z.array(
        z.object({ at: z.string(), signal: z.string(), reason: z.string() }),
      ),
    })
    .nullable(),
  workflow_reachable: z
    .boolean()
    .describe('False if the workflow could not be queried; the rest comes from the database.'),
  lost: z
    .array(z.string())
    .describe(
      'Requests on which the database and the workflow disagree, because one of them was restored or lost: in ' +
        'sentences, with the command that has them served. Empty if the workflow could not be queried.',
    ),
  due_tenants: z.int(),
  outcomes: counts.describe('The latest outcome of each due tenant.'),
  not_looked_at: z.int(),
  at_stake: z
    .array(atStakeSchema)
    .describe('The sums of the last invoices of all parked tenants, by currency.'),
  parked: z.array(parkedTenantSchema).describe('The first 100.'),
  requests: z.array(monthRequestSchema).describe('The latest 20.'),
  totals: z.array(monthTotalsSchema).describe('Totals of the live invoices.'),
  review: reviewSchema.describe(
    'Invoices that wait for their release, since when, and their totals. Zero unless the seller reviews invoices.',
  ),
  reconciliation: z
    .array(z.looseObject({ source: z.string(), resource_kind: z.string(), state: z.string() }))
    .describe('All accepted usage of the month, by state.'),
  control_totals: controlTotalsSchema.describe(
    'Totals that must match once all requests are finished.',
  ),
  quarantined: z
    .array(quarantineCountSchema)
    .describe(
      'Usage of the month that was sent and could not be accepted, by reason and currency. It is not part of the ' +
        'totals: see getQuarantinedUsage.',
    ),
  gateway_totals: gatewayTotalsSchema
    .nullable()
    .describe(
      "How the gateway's control totals compare with the ledger. Null: it stated none for the month, or the " +
        'comparison is off.',
    ),
  balanced: z
    .boolean()
    .nullable()
    .describe(
      'Whether they match now; null while a request is open, or before the first one finished.',
    ),
  imbalances: z.array(z.string()).describe('What does not match, in sentences.'),
  to_do: z
    .array(z.string())
    .describe(
      'What is left to do once all requests are finished, in sentences: due tenants without an outcome. ' +
        'It does not make the books unbalanced.',
    ),
  to_invoice: z
    .array(z.object({ tenant_id: z.string(), name: z.string() }))
    .describe('Due tenants without an outcome; the first 100.'),
});

/** Reads the status of a month from the database and from its workflow. */
export const getRollUp = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}',
    operationId: 'getRollUp',
    tag: 'Month end',
    summary: 'Show the status of a month end',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: { 200: { description: 'Progress, outcomes, reconciliation', schema: statusReply } },
  },
  async ({ params }, { db, monthEnd, controlTotals }) => {
    const [status, progress, lost] = await Promise.all([
      readMonthEndStatus(db, params.month, controlTotals),
      readProgress(monthEnd, params.month),
      readLostRun(db, monthEnd, params.month),
    ]);
    return reply(200, {
      ...status,
      ...progress,
      lost: lost === 'not answering' ? [] : [...lost],
    });
  },
);

/** Lists usage that no ordinary run bills. */
export const getLateUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}/late-usage',
    operationId: 'getLateUsage',
    tag: 'Month end',
    summary: 'List usage of a month that no ordinary run bills, and how to bill it',
    description:
      'The details behind the reconciliation, by tenant and reason: late metered usage, which needs a rerun; usage ' +
      'of void invoices; ' +
      'metered usage of tenants or deployments without a subscription in the month, and of kinds that the plan ' +
      'does not have; ' +
      'usage of interrupted drafts; usage of due tenants that a closed month did not invoice; late LLM usage ' +
      'that the next invoice bills anyway; and invoices that bill events excluded since. Each entry has the ' +
      'amount, the action and the command that bills it. The first 200 entries, most urgent first.',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: {
      200: {
        description: 'The entries',
        schema: z.object({ month: z.string(), entries: z.array(lateUsageSchema) }),
      },
    },
  },
  async ({ params: { month: asked } }, { db, bounds = NO_BOUNDS }) =>
    reply(200, { month: asked, entries: await listLateUsage(db, asked, { bounds }) }),
);

/** If the workflow cannot be queried, the status from the database is still returned. */
async function readProgress(port: ApiDeps['monthEnd'], asked: Month) {
  if (port === null) return { workflow: null, workflow_reachable: false };
  try {
    const progress = await port.progress(asked);
    return { workflow: progress && toWorkflowJson(progress), workflow_reachable: true };
  } catch (error) {
    if (!(error instanceof TemporalUnavailableError)) throw error;
    return { workflow: null, workflow_reachable: false };
  }
}

function toWorkflowJson({
  state,
  pass,
  openUntil,
  refusals,
}: NonNullable<Awaited<ReturnType<MonthEndPort['progress']>>>) {
  return {
    state,
    running_tenants: pass?.running ?? [],
    pass: pass && { ...pass.counts, due_tenants: pass.dueTenants },
    open_until: openUntil,
    refused_signals: refusals.map(({ at, signal, reason }) => ({ at, signal, reason })),
  };
}
