import { describe, expect, test } from 'vitest';
import { bookingOf, taxInXero, type XeroSettings } from '../../src/domain/xero-accounts.ts';

const SETTINGS: XeroSettings = {
  line_kinds: {
    plan_base: {
      account_code: '200',
      tax_types: { gst: 'GST on Income', export: 'GST Free Exports' },
      untaxed_tax_type: null,
    },
    item: { account_code: '260', tax_types: {}, untaxed_tax_type: 'BAS Excluded' },
  },
  rounding: null,
};

describe('a line is booked', () => {
  test.each([
    ['by the tax treatment', 'plan_base', 'export', true, ['200', 'GST Free Exports']],
    ['as untaxed', 'item', 'gst', false, ['260', 'BAS Excluded']],
  ])('%s', (_name, kind, treatment, isTaxed, [accountCode, taxType]) => {
    const booking = bookingOf(SETTINGS, { kind, treatment, isTaxed });
    expect(booking).toEqual({ accountCode, taxType });
  });

  test.each([
    ['overage', 'gst', true, 'xero.line_kinds.overage'],
    ['plan_base', 'nz', true, 'xero.line_kinds.plan_base.tax_types.nz'],
    ['plan_base', 'constructor', true, 'xero.line_kinds.plan_base.tax_types.constructor'],
    ['plan_base', 'gst', false, 'xero.line_kinds.plan_base.untaxed_tax_type'],
    // Tax is never booked.
    ['tax', 'gst', true, 'xero.line_kinds.tax'],
    ['constructor', 'gst', true, 'xero.line_kinds.constructor'],
  ])(
    '%s taxed by %s, taxed: %s: names the missing setting',
    (kind, treatment, isTaxed, missing) => {
      expect(bookingOf(SETTINGS, { kind, treatment, isTaxed })).toEqual({ missing });
    },
  );
});

describe('the tax that Xero computes', () => {
  test('is rounded per line, half away from zero', () => {
    expect(taxInXero([5, 5], '0.10')).toBe(2);
    expect(taxInXero([10], '0.10')).toBe(1);
    expect(taxInXero([-5, -5], '0.10')).toBe(-2);
    expect(taxInXero([4, 4], '0.10')).toBe(0);
  });

  test("is Xero's own example: 15% of three lines", () => {
    expect(taxInXero([2506, 2561, 2563], '0.15')).toBe(1144);
    expect(taxInXero([7630], '0.15')).toBe(1145);
  });

  test('is named if it is beyond 2^53 − 1', () => {
    const most = Array.from({ length: 2 }, () => Number.MAX_SAFE_INTEGER);
    expect(() => taxInXero(most, '0.9')).toThrow(/^Xero's tax would be /);
  });

  test('is 0 without taxed lines, or at a rate of 0', () => {
    expect(taxInXero([], '0.10')).toBe(0);
    expect(taxInXero([123456], '0')).toBe(0);
  });
});
