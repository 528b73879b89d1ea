import { z } from 'zod';
import { readMonthEndStatus } from '../../db/month-end/month-end-status.ts';
import type { Month } from '../../domain/period.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { TemporalUnavailableError, type MonthEndPort } from '../http/month-end-port.ts';
import { NO_BOUNDS } from '../../domain/bounds.ts';
import { lateUsageSchema, listLateUsage } from '../../audit/late-usage.ts';
import { month } from '../http/request-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';

const usageTotal = {
  events: z.string(),
  total: z.string().describe('LLM usage: exact cents. Metered usage: the quantity.'),
};

/** A month's control totals as they are served; see `src/domain/control-totals.ts`. */
const controlTotalsSchema = z
  .object({
    tenants: z.object({
      due: z.int(),
      rolled: z.int(),
      skipped: z.int(),
      unchanged: z.int(),
      parked: z.int(),
      without_invoice: z.int().describe('Count as invoiced, and have no invoice that stands.'),
      without_outcome: z.int().describe('Have an invoice that stands, and no outcome.'),
      with_several: z.int().describe('Have more than one invoice that stands.'),
    }),
    usage: z.array(
      z.object({
        source: z.enum(['llm', 'metered']),
        resource_kind: z.string(),
        currency: z.string().nullable().describe('Of LLM usage. Null: metered usage.'),
        ...usageTotal,
        places: z.array(
          z.object({
            state: z.string(),
            class: z.enum(['billed', 'unbilled', 'voided', 'pending', 'excluded', 'unaccounted']),
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
        rounded_cents: z.string().describe('As billed: each line rounded once.'),
        wrong: z.int().describe('Lines that are not what the usage tied to them comes to.'),
      }),
    ),
    invoices: z.array(
      z.object({
        currency: z.string(),
        status: z.enum(['issued', 'paid', 'void']),
        invoices: z.int(),
        subtotal_cents: z.string(),
        tax_cents: z.string(),
        total_cents: z.string(),
        lines_cents: z.string(),
        wrong: z.int().describe('Invoices whose lines do not come to their header.'),
      }),
    ),
  })
  .meta({ id: 'ControlTotals' });

const counts = z.object({
  rolled: z.int(),
  skipped: z.int(),
  unchanged: z.int(),
  parked: z.int(),
});
const statusReply = z.object({
  month: z.string(),
  workflow: z
    .object({
      state: z.enum(['closing', 'open']),
      running_tenants: z.array(z.string()),
      pass: counts.extend({ due_tenants: z.int() }).nullable().describe('Under way now.'),
      open_until: z.string().nullable().describe('Open for corrections until then.'),
      refused_signals: z.array(
        z.object({ at: z.string(), signal: z.string(), reason: z.string() }),
      ),
    })
    .nullable(),
  workflow_reachable: z
    .boolean()
    .describe('False where the workflow could not be asked; the rest is from the database.'),
  due_tenants: z.int(),
  outcomes: counts.describe('The latest outcome of each due tenant.'),
  not_looked_at: z.int(),
  parked: z
    .array(
      z.object({
        tenant_id: z.string(),
        reason_type: z.string(),
        reason: z.string(),
        recorded_at: z.string(),
      }),
    )
    .describe('The first hundred.'),
  requests: z
    .array(
      z.object({
        request_id: z.string(),
        kind: z.enum(['run', 'force']),
        state: z.enum(['queued', 'running', 'finished']),
        actor: z.string().nullable(),
        reason: z.string().nullable(),
        requested_at: z.string(),
        finished_at: z.string().nullable(),
        balanced: z.boolean().nullable().describe('Whether the books added up when it was served.'),
        refused: z.array(z.object({ tenant_id: z.string(), reason: z.string() })),
      }),
    )
    .describe('The latest twenty.'),
  totals: z
    .array(
      z.object({
        currency: z.string(),
        invoices: z.int(),
        subtotal_cents: z.string(),
        tax_cents: z.string(),
        total_cents: z.string(),
      }),
    )
    .describe('Of the invoices that stand.'),
  reconciliation: z
    .array(z.looseObject({ source: z.string(), resource_kind: z.string(), state: z.string() }))
    .describe('All accepted usage of the month, by where it is.'),
  control_totals: controlTotalsSchema.describe('What must add up when every request is served.'),
  balanced: z
    .boolean()
    .nullable()
    .describe('Whether they add up now; null while a request is open, or none was served.'),
  imbalances: z.array(z.string()).describe('What does not, in sentences.'),
  to_do: z
    .array(z.string())
    .describe(
      'What is left to do when every request is served, in sentences: due tenants without an outcome. ' +
        'That is no mistake in the books.',
    ),
  to_invoice: z
    .array(z.object({ tenant_id: z.string(), name: z.string() }))
    .describe('The tenants that it is about; the first hundred.'),
});

/** How a month stands: from the database, with what its workflow says of itself. */
export const getRollUp = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}',
    operationId: 'getRollUp',
    tag: 'Month end',
    summary: 'See how the month end of a month stands',
    scopes: ['operator'],
    rateLimited: true,
    params: z.strictObject({ month }),
    responses: { 200: { description: 'Progress, outcomes, reconciliation', schema: statusReply } },
  },
  async ({ params }, { db, monthEnd }) => {
    const [status, progress] = await Promise.all([
      readMonthEndStatus(db, params.month),
      readProgress(monthEnd, params.month),
    ]);
    return reply(200, { ...status, ...progress });
  },
);

/** What no ordinary run bills. */
export const getLateUsage = defineRoute(
  {
    method: 'get',
    path: '/api/v1/roll-ups/{month}/late-usage',
    operationId: 'getLateUsage',
    tag: 'Month end',
    summary: 'List the usage of a month that no ordinary run bills, and what does',
    description:
      'By tenant and reason, the names behind the reconciliation: late usage that takes a re-run, usage ' +
      'of tenants that are not due, of deployments without a subscription, of kinds that no plan ' +
      'prices, usage whose building was cut off, usage of due tenants that a closed month has not ' +
      'invoiced, and late LLM usage that the next invoice bills by itself. Also invoices that ' +
      'bill events which were excluded since. Each with the amount, the action and the command that ' +
      'bills it. The first 200 entries, most urgent first.',
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

/** A month that nobody can ask still has its status in the database. */
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
