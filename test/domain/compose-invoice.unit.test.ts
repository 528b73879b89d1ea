import { describe, expect, test } from 'vitest';
import { billedSubscriptions } from '../../src/domain/billed-subscriptions.ts';
import { composeInvoice, type InvoiceInputs } from '../../src/domain/compose-invoice.ts';
import { DEFAULT_TAX } from '../../src/domain/invoice-totals.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';

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
    },
  ],
};
const subscription = (deploymentId: string, addons: readonly string[] = []) => ({
  tenantId: 'acme',
  deploymentId,
  subscriptionId: `sub-${deploymentId}`,
  planVersionId: 'studio-v1',
  addons: addons.map((code) => ({
    code,
    resourceKind: 'llm_tokens',
    qty: '500',
    priceCents: 100,
  })),
});
const inputs: InvoiceInputs = {
  month: '2026-05',
  currency: 'AUD',
  tax: DEFAULT_TAX,
  subscriptions: [subscription('web', ['more']), subscription('api')],
  planVersions: new Map([[planVersion.id, planVersion]]),
  meteredUsage: new Map([['web', { llm_tokens: '501500' }]]),
  llmUsage: [
    { deploymentId: 'web', requestCount: '2', exactCents: '0.5', serviceMonth: '2026-04' },
    { deploymentId: 'web', requestCount: '3', exactCents: '7.25', serviceMonth: '2026-05' },
    { deploymentId: 'old', requestCount: '1', exactCents: '1', serviceMonth: '2026-05' },
  ],
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
    expect(composeInvoice({ ...inputs, subscriptions: [], llmUsage: [] })).toMatchObject({
      lines: [],
      subtotalCents: 0,
      taxCents: 0,
      totalCents: 0,
    });
  });

  test.each([
    ['missing_plan_version', { ...subscription('web'), planVersionId: null }, 'AUD', 'sub-web'],
    ['missing_plan_version', { ...subscription('web'), planVersionId: 'x' }, 'AUD', 'acme'],
    ['mixed_currencies', subscription('web'), 'USD', 'studio-v1 in AUD'],
  ])('is refused with the reason for parking: %s', (code, bad, currency, named) => {
    const compose = () => composeInvoice({ ...inputs, currency, subscriptions: [bad] });
    expect(compose).toThrow(DomainError);
    expect(compose).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(named) }),
    );
  });
});

describe('the subscriptions that an invoice bills', () => {
  test('can be read from its lines, and compose to the same invoice', () => {
    const { lines } = composeInvoice(inputs);
    const billed = billedSubscriptions('acme', lines);
    expect(billed).toEqual([subscription('api'), subscription('web', ['more'])]);
    expect(composeInvoice({ ...inputs, subscriptions: billed }).lines).toEqual(lines);
  });

  test.each([
    ['deployment', { deploymentId: null }],
    ['subscription', { subscriptionId: null }],
    ['plan version', { meta: {} }],
  ])('cannot be read from a base line without %s', (what, fields) => {
    expectRefused('plan_base', fields, what);
  });

  test.each([
    ['addon', { meta: { included_qty: '500' } }],
    ['quantity', { meta: { addon_code: 'more' } }],
    ['resource kind', { resourceKind: null }],
  ])('cannot be read from an addon line without %s', (what, fields) => {
    expectRefused('addon', fields, what);
  });

  function expectRefused(kind: string, fields: Partial<PlacedLine>, what: string): void {
    const { lines } = composeInvoice(inputs);
    const broken = lines.map((line) => (line.kind === kind ? { ...line, ...fields } : line));
    expect(() => billedSubscriptions('acme', broken)).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: `a line names no ${what}` }),
    );
  }
});
