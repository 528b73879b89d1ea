import { describe, expect, test } from 'vitest';
import {
  joinFigure,
  lineText,
  plainLineText,
  type ShownLine,
} from '../../src/display/line-text.ts';

/** A plan's base of 50.00, with the given fields replaced. */
function line(given: Partial<ShownLine> = {}): ShownLine {
  return {
    kind: 'plan_base',
    resource_kind: null,
    description: 'Plan base',
    qty: '1',
    unit: 'month',
    unit_price_cents: '5000',
    amount_cents: 5000,
    meta: { plan_version_id: 'studio-v1', version: 1 },
    ...given,
  };
}

const overage = (given: Partial<ShownLine> = {}): ShownLine =>
  line({
    kind: 'overage',
    resource_kind: 'llm_tokens',
    description: 'llm_tokens overage',
    qty: '500000',
    unit: '1k_tokens',
    unit_price_cents: '1',
    amount_cents: 500,
    meta: { used: '1500000', allowance: '1000000', capped: false },
    ...given,
  });

/** Quantity and price as a person reads them. */
function priced(given: ShownLine, currency = 'AUD'): string {
  const { quantity, unitPrice, amount } = plainLineText(given, currency);
  return `${joinFigure(quantity)} × ${unitPrice ? joinFigure(unitPrice) : '?'} = ${amount}`;
}

describe('quantity and price', () => {
  test.each([
    [overage(), '500 × 1,000 tokens × 0.01 per 1,000 tokens = 5.00'],
    [
      overage({ qty: '2500000', unit: '1m_tokens', unit_price_cents: '250', amount_cents: 625 }),
      '2.5 × 1,000,000 tokens × 2.50 per 1,000,000 tokens = 6.25',
    ],
    [
      overage({ qty: '1', unit: 'hour', unit_price_cents: '0.0425', amount_cents: 0 }),
      '1 hour × 0.000425 per hour = 0.00',
    ],
    [
      overage({ qty: '2', unit: 'hour', unit_price_cents: '7', amount_cents: 14 }),
      '2 hours × 0.07 per hour = 0.14',
    ],
    [
      overage({ qty: '0.5', unit: 'hour', unit_price_cents: '7', amount_cents: 4 }),
      '0.5 hours × 0.07 per hour = 0.04',
    ],
    [
      overage({ qty: '3000', unit: null, unit_price_cents: '7', amount_cents: 21_000 }),
      '3,000 × 0.07 each = 210.00',
    ],
    [
      overage({
        ...{ qty: '1805', unit: 'vcpu_hour', unit_price_cents: '36', amount_cents: 18 },
        meta: { unit_factor: '3600', unit_label: 'vCPU hour' },
      }),
      '1,805/3,600 × vCPU hour × 0.36 per vCPU hour = 0.18',
    ],
    [
      overage({
        ...{ qty: '5400', unit: 'vcpu_hour', unit_price_cents: '36', amount_cents: 54 },
        meta: { unit_factor: '3600', unit_label: 'vCPU hour' },
      }),
      '1.5 × vCPU hour × 0.36 per vCPU hour = 0.54',
    ],
    [
      overage({
        ...{ qty: '50', unit: 'block_of_10', unit_price_cents: '0.5', amount_cents: 3 },
        meta: { unit_factor: '10', unit_label: 'block of 10', unit_label_plural: 'blocks of 10' },
      }),
      '5 blocks of 10 × 0.005 per block of 10 = 0.03',
    ],
    [line({ unit: 'parsec' }), '1 parsec × 50.00 per parsec = 50.00'],
    [line(), '1 month × 50.00 per month = 50.00'],
    [
      line({ amount_cents: 3065, meta: { proration_fraction: '19/31' } }),
      '19/31 month × 50.00 per month = 30.65',
    ],
  ])('%#', (given, shown) => {
    expect(priced(given)).toBe(shown);
  });

  test.each([
    ['gb_month', '1 GB-month', '2 GB-months'],
    ['gb', '1 GB', '2 GB'],
    ['zone', '1 zone', '2 zones'],
    ['snapshot', '1 snapshot', '2 snapshots'],
    ['request', '1 request', '2 requests'],
    ['invoice', '1 invoice', '2 invoices'],
  ])('%s has a singular and a plural', (unit, one, two) => {
    const shown = (qty: string) =>
      joinFigure(plainLineText(overage({ qty, unit }), 'AUD').quantity);
    expect([shown('1'), shown('2')]).toEqual([one, two]);
  });

  test.each([
    ['JPY', '0.0425 per hour'],
    ['KWD', '0.0000425 per hour'],
  ])('a price below the minor unit of %s is exact', (currency, shown) => {
    const { unitPrice } = plainLineText(
      overage({ unit: 'hour', unit_price_cents: '0.0425' }),
      currency,
    );
    expect(unitPrice && joinFigure(unitPrice)).toBe(shown);
  });

  test('LLM usage has a quantity and no price', () => {
    const { quantity, unitPrice, details } = plainLineText(
      line({
        ...{ kind: 'llm_usage', qty: '4045', unit: 'request', unit_price_cents: null },
        meta: { exact_cents: '1234.567' },
      }),
      'AUD',
    );
    expect([joinFigure(quantity), unitPrice]).toEqual(['4,045 requests', null]);
    expect(details).toEqual(['Before rounding: AUD 12.34567']);
  });

  test('LLM usage that needed no rounding has no sum before it, and late usage has its dates', () => {
    const usage = { kind: 'llm_usage', unit: 'request', unit_price_cents: null };
    const detailsOf = (meta: object) =>
      plainLineText(line({ ...usage, meta: { exact_cents: '1234', ...meta } }), 'AUD').details;
    expect(detailsOf({})).toEqual([]);
    expect(detailsOf({ service_month: '2026-02' })).toEqual(['Service period 1–28 February 2026']);
  });

  test('a credit has a true minus, which terminals and tables get as a hyphen', () => {
    const credit = line({ amount_cents: -123_456_789 });
    expect(lineText(credit, 'AUD').amount).toBe('−1,234,567.89');
    expect(plainLineText(credit, 'AUD').amount).toBe('-1,234,567.89');
  });

  test('units stay on one line, but not with their numbers, which can be long', () => {
    const { quantity, unitPrice } = lineText(overage(), 'AUD');
    expect(quantity).toEqual({ number: '500', unit: '×\u00a01,000\u00a0tokens' });
    expect(unitPrice).toEqual({ number: '0.01', unit: 'per\u00a01,000\u00a0tokens' });
  });
});

describe('names', () => {
  const addon = line({
    ...{ kind: 'addon', description: 'Addon: storage_50gb', resource_kind: 'spaces_gb_month' },
    meta: { addon_code: 'storage_50gb', included_qty: '50' },
  });

  test.each([
    [line(), 'Plan: Studio'],
    [line({ meta: { plan_version_id: 'pro-v2-v12', version: 12 } }), 'Plan: Pro v2'],
    [
      line({ meta: { plan_version_id: 'studio-v1', plan_name: 'Studio Plus' } }),
      'Plan: Studio Plus',
    ],
    [line({ meta: {} }), 'Plan base'],
    [addon, 'Addon: Storage 50 GB'],
    [line({ ...addon, meta: { ...addon.meta, addon_name: 'More space' } }), 'Addon: More space'],
    [line({ kind: 'addon', description: 'Addon: x', meta: {} }), 'Addon: x'],
    [overage(), 'LLM tokens overage'],
    [overage({ resource_kind: 'constructor' }), 'Constructor overage'],
    [overage({ meta: { resource_name: 'Inference tokens' } }), 'Inference tokens overage'],
    [
      line({ kind: 'llm_usage', description: 'LLM usage', meta: { service_month: '2026-04' } }),
      'LLM usage, late for April 2026',
    ],
    [line({ kind: 'llm_usage', description: 'LLM usage', meta: {} }), 'LLM usage'],
    [line({ kind: 'tax', description: 'GST (10%)', meta: {} }), 'GST (10%)'],
    [
      line({
        ...{ kind: 'credit', description: 'Credit: Addon: storage_50gb' },
        meta: { credited_kind: 'addon', addon_code: 'storage_50gb', addon_name: 'More space' },
      }),
      'Credit: Addon: More space',
    ],
    [
      line({
        ...{ kind: 'credit', description: 'Credit: llm_tokens overage' },
        ...{ resource_kind: 'llm_tokens', meta: { credited_kind: 'overage' } },
      }),
      'Credit: LLM tokens overage',
    ],
    [line({ kind: 'credit', description: 'Credit: Workshop', meta: {} }), 'Credit: Workshop'],
  ])('%# are the catalogue’s, or the code in words', (given, name) => {
    expect(lineText(given, 'AUD').name).toBe(name);
  });

  test('an addon says what it adds', () => {
    expect(lineText(addon, 'AUD').details).toEqual([
      'Raises the monthly allowance of Spaces GB month by 50',
    ]);
    expect(
      lineText({ ...addon, meta: { addon_code: 'x', included_qty: '0' } }, 'AUD').details,
    ).toEqual([]);
  });
});

describe('how an amount came about', () => {
  const details = (given: ShownLine) => plainLineText(given, 'AUD').details;
  const days = {
    proration_fraction: '19/31',
    service_from: '2026-05-01',
    service_to: '2026-05-19',
  };

  test('a charge for some days has their dates', () => {
    expect(details(line({ meta: days }))).toEqual(['1–19 May, 19 of 31 days']);
    const one = {
      proration_fraction: '1/31',
      service_from: '2026-05-31',
      service_to: '2026-05-31',
    };
    expect(details(line({ meta: one }))).toEqual(['31 May, 1 of 31 days']);
    expect(details(line({ meta: { proration_fraction: '12/31' } }))).toEqual(['12 of 31 days']);
    expect(details(line())).toEqual([]);
    expect(details(line({ meta: { proration_fraction: 'x' } }))).toEqual([]);
  });

  test('an overage says what was used and included', () => {
    expect(details(overage())).toEqual(['Used 1,500,000 tokens, of which 1,000,000 included']);
    expect(details(overage({ meta: {} }))).toEqual([]);
    expect(details(overage({ meta: { used: '5', allowance: '1' }, unit: null }))).toEqual([
      'Used 5, of which 1 included',
    ]);
  });

  test('an overage says where its cap was', () => {
    const meta = { used: '200', allowance: '150', capped: true };
    expect(details(overage({ qty: '30', unit: 'gb_month', meta }))).toEqual([
      'Used 200 GB-months, of which 150 included; capped at 180',
    ]);
  });

  test('a prorated allowance says how it adds up', () => {
    const meta = {
      ...{ used: '150', allowance: '80.645161290323', capped: false },
      allowance_parts: [
        { plan_version_id: 'studio-v1', monthly_qty: '100', qty: '61.290322580645', ...days },
        {
          addon_code: 'x',
          addon_name: 'Extra storage',
          monthly_qty: '1',
          qty: '0.612903225806',
          ...days,
        },
        { addon_code: 'whole', monthly_qty: '18.75', qty: '18.75' },
      ],
    };
    expect(details(overage({ qty: '69.354838709677', unit: 'gb_month', meta }))).toEqual([
      'Used 150 GB-months, of which 80.645161290323 included',
      'Included: 61.29 (Studio: 100 × 19 of 31 days) + ' +
        '0.613 (Extra storage: 1 × 19 of 31 days) + 18.75 (Whole)',
    ]);
  });
});
