import { z } from 'zod';
import { parseDecimal, sumDecimals, toDecimalString } from '../../src/domain/decimal.ts';
import { DEFAULT_TREATMENT, invoiceTotals, taxLine } from '../../src/domain/invoice-totals.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';

const charge = z.object({
  deployment_id: z.string(),
  gateway_request_id: z.string(),
  charge: z.string(),
});

/** An invoice's LLM lines and totals: `{id, charges, infra_line_amounts_cents, expected}`. */
export const llmInvoiceCase = z.object({
  id: z.string(),
  charges: z.array(charge),
  infra_line_amounts_cents: z.array(z.int()),
  expected: z.looseObject({}),
});

/** Returns the lines and totals in the form of `expected`. */
export function computeLlmInvoice(given: z.infer<typeof llmInvoiceCase>): unknown {
  const lines = [...chargesByDeployment(given.charges)].map(([deploymentId, charges]) => ({
    deploymentId,
    line: llmUsageLine({
      deploymentId,
      requestCount: charges.length,
      exactCents: toDecimalString(sumDecimals(charges.map(parseDecimal))),
      serviceMonth: '2026-05',
      invoiceMonth: '2026-05',
    }),
  }));
  const totals = invoiceTotals(
    [...given.infra_line_amounts_cents, ...lines.map(({ line }) => line.amountCents)],
    DEFAULT_TREATMENT,
  );
  return {
    llm_lines: lines.map(({ deploymentId, line }) => ({
      deployment_id: deploymentId,
      exact_sum_cents: line.meta.exact_cents,
      amount_cents: line.amountCents,
    })),
    subtotal_cents: totals.subtotalCents,
    tax_cents: totals.taxCents,
    tax_line: taxLine(totals.taxCents, DEFAULT_TREATMENT) !== null,
    total_cents: totals.totalCents,
  };
}

/** Returns charges by deployment, in order; a repeated request counts once. */
function chargesByDeployment(
  charges: readonly z.infer<typeof charge>[],
): readonly (readonly [deploymentId: string, charges: readonly string[]])[] {
  const once = new Map(charges.map((each) => [each.gateway_request_id, each]));
  const byDeployment = Map.groupBy(once.values(), ({ deployment_id }) => deployment_id);
  return [...byDeployment]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, own]) => [id, own.map((each) => each.charge)]);
}
