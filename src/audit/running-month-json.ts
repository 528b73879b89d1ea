import type { ComposedInvoice } from '../domain/compose-invoice.ts';
import { placedLineToJson } from '../domain/quote-json.ts';
import type { MonthSoFar, RunningDeployment } from '../domain/running-month.ts';
import { treatmentToJson } from '../domain/tax-json.ts';
import type { KindSoFar } from '../domain/usage-by-kind.ts';
import type { LlmSoFar } from '../domain/usage-so-far.ts';
import type { RunningMonth } from './running-month.ts';

export type RunningMonthJson = ReturnType<typeof runningMonthToJson>;

/** Returns a running month as the API and `usage current --json` serve it. */
export function runningMonthToJson(running: RunningMonth) {
  const { tenantId, currency, asOf, includesEarlierMonths, deployments, llm } = running;
  const { invoice, projection, problem } = running;
  return {
    tenant_id: tenantId,
    currency,
    as_of: asOf,
    period: periodToJson(running),
    deployments: deployments.map(deploymentToJson),
    llm: llmToJson(llm),
    includes_earlier_months: includesEarlierMonths,
    invoice_so_far: invoice && invoiceToJson(invoice),
    projection: projection && { method: 'linear' as const, ...invoiceToJson(projection) },
    problem: problem && { type: problem.code, reason: problem.message },
  };
}

function periodToJson({ period, elapsed }: MonthSoFar) {
  const { month, periodStart, periodEnd, startsAt, endsAt } = period;
  return {
    month,
    period_start: periodStart,
    period_end: periodEnd,
    starts_at: startsAt,
    ends_at: endsAt,
    elapsed,
  };
}

function deploymentToJson({ deploymentId, kinds, llm }: RunningDeployment) {
  const { projectedRequests, projectedExactCents } = llm;
  return {
    deployment_id: deploymentId,
    kinds: kinds.map(kindToJson),
    llm: {
      ...llmToJson(llm),
      projected_requests: projectedRequests,
      projected_exact_cents: projectedExactCents,
    },
  };
}

function kindToJson(kind: KindSoFar) {
  return {
    resource_kind: kind.resourceKind,
    name: kind.name,
    used: kind.used,
    allowance: kind.allowance,
    hard_cap_qty: kind.hardCapQty,
    overage: kind.overage,
    projected_used: kind.projectedUsed,
    projected_overage: kind.projectedOverage,
  };
}

function llmToJson({ requests, exactCents, byModel }: LlmSoFar) {
  return {
    requests,
    exact_cents: exactCents,
    by_model: byModel.map(({ model, requests, exactCents }) => ({
      ...{ model, requests },
      exact_cents: exactCents,
    })),
  };
}

function invoiceToJson(invoice: ComposedInvoice) {
  return {
    subtotal_cents: invoice.subtotalCents,
    taxable_cents: invoice.taxableCents,
    tax_cents: invoice.taxCents,
    total_cents: invoice.totalCents,
    tax: treatmentToJson(invoice.tax),
    lines: invoice.lines.map(placedLineToJson),
  };
}
