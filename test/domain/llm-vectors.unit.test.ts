import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Decimal } from '../../src/domain/decimal.ts';
import { parseDecimal, sumDecimals, toDecimalString } from '../../src/domain/decimal.ts';
import { DEFAULT_TREATMENT, invoiceTotals, taxLine } from '../../src/domain/invoice-totals.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';

interface Charge {
  deployment_id: string;
  gateway_request_id: string;
  charge: string;
}

interface VectorCase {
  id: string;
  category: string;
  charges: Charge[];
  infra_line_amounts_cents: number[];
  expected: {
    llm_lines: { deployment_id: string; exact_sum_cents: string; amount_cents: number }[];
    subtotal_cents: number;
    tax_cents: number;
    tax_line: boolean;
    total_cents: number;
  };
}

const cases = JSON.parse(
  readFileSync(new URL('../vectors/llm-invoice.json', import.meta.url), 'utf8'),
) as VectorCase[];

/** Charges by deployment, in order; a repeated request counts once. */
function chargesByDeployment(charges: readonly Charge[]): Map<string, Decimal[]> {
  const once = new Map(charges.map((charge) => [charge.gateway_request_id, charge]));
  const byDeployment = Map.groupBy(once.values(), (charge) => charge.deployment_id);
  return new Map(
    [...byDeployment]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, own]) => [id, own.map(({ charge }) => parseDecimal(charge))]),
  );
}

test('every vector has a test', () => {
  expect(cases).toHaveLength(43);
});

test.each(cases)('$id ($category)', ({ charges, infra_line_amounts_cents, expected }) => {
  const byDeployment = chargesByDeployment(charges);
  const lines = [...byDeployment].map(([deploymentId, own]) =>
    llmUsageLine({
      deploymentId,
      requestCount: own.length,
      exactCents: toDecimalString(sumDecimals(own)),
      serviceMonth: '2026-05',
      invoiceMonth: '2026-05',
    }),
  );
  const amounts = [...infra_line_amounts_cents, ...lines.map(({ amountCents }) => amountCents)];
  const totals = invoiceTotals(amounts, DEFAULT_TREATMENT);

  const llmLines = [...byDeployment.keys()].map((deploymentId, index) => ({
    deployment_id: deploymentId,
    exact_sum_cents: lines[index]?.meta.exact_cents,
    amount_cents: lines[index]?.amountCents,
  }));
  expect({
    llm_lines: llmLines,
    subtotal_cents: totals.subtotalCents,
    tax_cents: totals.taxCents,
    tax_line: taxLine(totals.taxCents, DEFAULT_TREATMENT) !== null,
    total_cents: totals.totalCents,
  }).toStrictEqual(expected);
});
