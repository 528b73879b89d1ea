import { describe, expect, test } from 'vitest';
import { composeInvoice, type InvoiceInputs } from '../../src/domain/compose-invoice.ts';
import { DEFAULT_TAX } from '../../src/domain/invoice-totals.ts';
import { periodOf } from '../_util/utc.ts';
import { domainError } from './_arbitraries.ts';
import type { BilledDeployment } from '../../src/domain/service-days.ts';

const planVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'AUD',
  basePriceCents: 5000,
  proration: 'daily' as const,
  items: [
    {
      resourceKind: 'llm_tokens',
      includedQty: '1000',
      hardCapQty: null,
      overagePriceCents: 1,
      overageUnit: '1k_tokens',
      definedUnit: null,
    },
  ],
};
const deployment = (
  deploymentId: string,
  addons: readonly string[] = [],
  planVersionId = planVersion.id,
): BilledDeployment => {
  const wholeMonth = { serviceFrom: '2026-05-01', serviceTo: '2026-05-31', days: 31 };
  return {
    deploymentId,
    subscriptions: [
      {
        subscriptionId: `sub-${deploymentId}`,
        planVersionId,
        proration: 'daily',
        ...wholeMonth,
        addons: addons.map((code) => ({
          code,
          resourceKind: 'llm_tokens',
          qty: '500',
          priceCents: 100,
          ...wholeMonth,
          inForceAtEnd: true,
        })),
      },
    ],
  };
};
const inputs: InvoiceInputs = {
  period: periodOf('2026-05'),
  currency: 'AUD',
  tax: DEFAULT_TAX,
  deployments: [deployment('web', ['more']), deployment('api')],
  planVersions: new Map([[planVersion.id, planVersion]]),
  meteredUsage: new Map([['web', { llm_tokens: '501500' }]]),
  llmUsage: [
    { deploymentId: 'web', requestCount: '2', exactCents: '0.5', serviceMonth: '2026-04' },
    { deploymentId: 'web', requestCount: '3', exactCents: '7.25', serviceMonth: '2026-05' },
    { deploymentId: 'old', requestCount: '1', exactCents: '1', serviceMonth: '2026-05' },
  ],
  items: [],
};

describe("a tenant's invoice", () => {
  test('lists base, addons, overage and LLM usage by deployment, and tax last', () => {
    const { lines, ...totals } = composeInvoice(inputs);
    expect(
      lines.map(({ lineNo, deploymentId, description, amountCents }) => [
        lineNo,
        deploymentId,
        description,
        amountCents,
      ]),
    ).toEqual([
      [1, 'api', 'Plan base', 5000],
      [2, 'old', 'LLM usage', 1],
      [3, 'web', 'Plan base', 5000],
      [4, 'web', 'Addon: more', 100],
      [5, 'web', 'llm_tokens overage', 500],
      [6, 'web', 'LLM usage, late for 2026-04', 1],
      [7, 'web', 'LLM usage', 7],
      [8, null, 'GST (10%)', 1061],
    ]);
    expect(totals).toMatchObject({ subtotalCents: 10_609, taxCents: 1061, totalCents: 11_670 });
  });

  test('names the subscription only on lines from the quote', () => {
    const { lines } = composeInvoice(inputs);
    expect(lines.map(({ subscriptionId }) => subscriptionId)).toEqual([
      'sub-api',
      null,
      'sub-web',
      'sub-web',
      'sub-web',
      null,
      null,
      null,
    ]);
  });

  test('without charges has no lines and no tax', () => {
    expect(composeInvoice({ ...inputs, deployments: [], llmUsage: [] })).toMatchObject({
      lines: [],
      subtotalCents: 0,
      taxCents: 0,
      totalCents: 0,
    });
  });

  test('is refused if it names a plan version that does not exist', () => {
    const deployments = [deployment('web', [], 'nowhere')];
    expect(() => composeInvoice({ ...inputs, deployments })).toThrow(
      expect.objectContaining({ code: 'missing_plan_version' }),
    );
  });
});

test('charges that are too large are named before items are taken', () => {
  const huge = { deploymentId: 'a', requestCount: '1', serviceMonth: '2026-05' };
  const llmUsage = [
    { ...huge, exactCents: String(Number.MAX_SAFE_INTEGER) },
    { ...huge, deploymentId: 'b', exactCents: '1' },
  ];
  expect(() => composeInvoice({ ...inputs, deployments: [], llmUsage })).toThrow(
    expect.objectContaining({
      ...domainError('amount_out_of_range'),
      message: expect.stringContaining("The invoice's subtotal would be ") as string,
    }),
  );
});

test('tax in another currency needs an exchange rate, except in an estimate', () => {
  const usd = { ...inputs, currency: 'USD', deployments: [], meteredUsage: new Map() };
  const llmUsage = [{ ...inputs.llmUsage[1]!, exactCents: '1000' }];
  expect(() => composeInvoice({ ...usd, llmUsage })).toThrow(
    expect.objectContaining(domainError('missing_exchange_rate')),
  );
  const estimate = composeInvoice({ ...usd, llmUsage, isEstimate: true });
  expect(estimate).toMatchObject({ taxCents: 100, tax: { aud: null } });
});
