import { describe, expect, test } from 'vitest';
import { quote } from '../../src/domain/quote.ts';
import type {
  PlanItem,
  PlanVersion,
  QuoteAddon,
  QuoteLine,
  Usage,
} from '../../src/domain/types.ts';
import { domainError } from './_arbitraries.ts';

const studio: PlanVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'USD',
  basePriceCents: 5000,
  proration: 'daily',
  items: [
    item({ resourceKind: 'droplet_hours', includedQty: 744, overagePriceCents: 2 }),
    item({ resourceKind: 'llm_tokens', includedQty: 1_000_000, overageUnit: '1k_tokens' }),
    item({ resourceKind: 'spaces_gb_month', includedQty: '100.0000', overagePriceCents: 2 }),
  ],
};

const storage50gb: QuoteAddon = {
  code: 'storage_50gb',
  resourceKind: 'spaces_gb_month',
  qty: 50,
  priceCents: 750,
};

function item(overrides: Partial<PlanItem>): PlanItem {
  return {
    resourceKind: 'egress_gb',
    includedQty: '0',
    hardCapQty: null,
    overagePriceCents: 1,
    overageUnit: 'gb',
    definedUnit: null,
    ...overrides,
  };
}

function planWith(...items: PlanItem[]): PlanVersion {
  return { id: 'pv', version: 1, currency: 'USD', basePriceCents: 0, proration: 'daily', items };
}

function overageOf(
  overrides: Partial<PlanItem>,
  usage: Usage,
  addons: QuoteAddon[] = [],
): readonly QuoteLine[] {
  return quote(planWith(item(overrides)), addons, { usage }).overage.lines;
}

describe('known prices', () => {
  test('Studio without addons costs $50.00 a month', () => {
    const bare = quote(studio, [], { usage: {} });
    expect(bare.allInMonthlyCents).toBe(5000);
    expect(bare.overage).toStrictEqual({ lines: [], monthlyTotalCents: 0 });
    expect(bare.firstInvoice).toStrictEqual({
      periodStart: null,
      periodEnd: null,
      proratedTotalCents: 5000,
      lines: bare.recurring.lines,
      allowances: ['744', '1000000', '100'].map((qty, index) => ({
        resourceKind: studio.items[index]?.resourceKind,
        includedQty: qty,
        addonQty: '0',
        allowance: qty,
        hardCapQty: null,
      })),
    });
  });

  test('Studio with storage_50gb from 20 May, with overage', () => {
    const preview = quote(studio, [storage50gb], {
      usage: { llm_tokens: 1_500_000, spaces_gb_month: '200', droplet_hours: 744 },
      startsOn: '2026-05-20',
    });
    expect(preview.recurring.monthlyTotalCents).toBe(5750);
    expect(preview.firstInvoice).toMatchObject({
      periodStart: '2026-05-20',
      periodEnd: '2026-05-31',
      proratedTotalCents: 2225,
    });
    expect(preview.overage.lines.map((line) => [line.description, line.amountCents])).toStrictEqual(
      [
        ['llm_tokens overage', 500],
        ['spaces_gb_month overage', 100],
      ],
    );
    expect(preview.allInMonthlyCents).toBe(6350);
  });
});

describe('the allowance', () => {
  test('is raised by every addon of its kind and by no other', () => {
    const addons = [storage50gb, { ...storage50gb, qty: '0.5' }, { ...storage50gb, qty: null }];
    const [line] = overageOf(
      { resourceKind: 'spaces_gb_month', includedQty: null },
      {
        spaces_gb_month: '51',
      },
      [...addons, { ...storage50gb, resourceKind: 'egress_gb' }],
    );
    expect(line).toMatchObject({
      qty: '0.5',
      meta: { included_qty: '0', addon_qty: '50.5', allowance: '50.5', used: '51', capped: false },
    });
  });

  test('that is used up exactly gives no overage line', () => {
    expect(overageOf({ includedQty: '0.3' }, { egress_gb: '0.3' })).toStrictEqual([]);
  });

  test.each([null, 0, '0', '0.000'])('gives no overage line for usage of %j', (used) => {
    expect(overageOf({}, { egress_gb: used })).toStrictEqual([]);
  });
});

describe('the hard cap', () => {
  test('limits the billed usage, not the overage', () => {
    const [line] = overageOf({ includedQty: 100, hardCapQty: 150 }, { egress_gb: 1000 });
    expect(line).toMatchObject({ qty: '50', meta: { used: '1000', capped: true } });
  });

  test('that is exactly reached is not marked', () => {
    const [line] = overageOf({ hardCapQty: '150.0' }, { egress_gb: 150 });
    expect(line).toMatchObject({ qty: '150', meta: { capped: false } });
  });

  test('is not raised by addons', () => {
    const [line] = overageOf({ includedQty: 100, hardCapQty: 160 }, { egress_gb: 1000 }, [
      { ...storage50gb, resourceKind: 'egress_gb' },
    ]);
    expect(line).toMatchObject({ qty: '10', meta: { allowance: '150' } });
  });

  test.each([0, 99, 100])(
    'of %d, at or below the allowance, gives no overage line',
    (hardCapQty) => {
      expect(overageOf({ includedQty: 100, hardCapQty }, { egress_gb: 1000 })).toStrictEqual([]);
    },
  );

  test('of 0 is still a cap', () => {
    expect(overageOf({ includedQty: null, hardCapQty: 0 }, { egress_gb: 5 })).toStrictEqual([]);
  });
});

describe('the overage price', () => {
  test('of 0 gives a line of 0 cents', () => {
    const [line] = overageOf({ overagePriceCents: 0 }, { egress_gb: 5 });
    expect(line).toMatchObject({ qty: '5', unitPriceCents: '0', amountCents: 0 });
  });

  test('may have decimals of a cent, and is rounded with the quantity', () => {
    const [line] = overageOf({ overagePriceCents: '0.04250' }, { egress_gb: '117.6' });
    // 4.998 cents
    expect(line).toMatchObject({ unitPriceCents: '0.0425', amountCents: 5 });
  });

  test.each([
    '1e-3',
    '-1',
    '0.0000000000001',
    '0x1',
    '.5',
    '5.',
    '01',
    ' 1',
    '10000000000000000',
    '',
  ])('of %j is rejected', (overagePriceCents) => {
    expect(() => overageOf({ overagePriceCents }, { egress_gb: 1 })).toThrow(
      expect.objectContaining(domainError('invalid_amount')),
    );
  });

  test('if absent, gives no line', () => {
    expect(overageOf({ overagePriceCents: null }, { egress_gb: 5 })).toStrictEqual([]);
  });
});

describe('the overage unit', () => {
  test.each([
    ['1k_tokens', 2],
    ['1m_tokens', 0],
    ['hour', 1500],
    ['gb', 1500],
    ['1K_tokens', 1500],
    ['minute', 1500],
    ['constructor', 1500],
    ['', 1500],
  ])('%j: 1,500 at 1 cent are %d cents', (overageUnit, amountCents) => {
    const [line] = overageOf({ overageUnit }, { egress_gb: 1500 });
    expect(line).toMatchObject({ qty: '1500', unit: overageUnit, amountCents });
  });

  test('bills partial thousands exactly', () => {
    const tokens = (used: string) =>
      overageOf({ overageUnit: '1k_tokens' }, { egress_gb: used })[0]?.amountCents;
    expect(tokens('499.999999999999')).toBe(0);
    expect(tokens('500')).toBe(1);
  });

  test('of the catalogue has its own factor, which the line names', () => {
    const used = { egress_gb: '1234.5' };
    const [line] = overageOf(
      {
        overageUnit: 'block_of_10',
        definedUnit: { factor: '10.0', label: 'block', labelPlural: null },
      },
      used,
    );
    expect(line).toMatchObject({ qty: '1234.5', unit: 'block_of_10', amountCents: 123 });
    expect(line?.meta).toMatchObject({ unit_factor: '10', unit_label: 'block' });
    expect(overageOf({}, used)[0]?.meta).not.toHaveProperty('unit_factor');
  });

  test.each(['0', '0.000', '-1', '1e3', 0.5])(
    'of the catalogue cannot have the factor %j',
    (factor) => {
      expect(() =>
        overageOf(
          { overageUnit: 'odd', definedUnit: { factor, label: 'block', labelPlural: null } },
          { egress_gb: 1 },
        ),
      ).toThrow(expect.objectContaining(domainError('invalid_quantity')));
    },
  );

  test('of null bills base units and stays null', () => {
    const [line] = overageOf({ overageUnit: null }, { egress_gb: 3 });
    expect(line).toMatchObject({ unit: null, amountCents: 3 });
  });
});

describe('usage', () => {
  test('of null omits overage, and an empty object means zero usage', () => {
    expect(quote(studio, [], { usage: null }).overage.lines).toStrictEqual([]);
    expect(quote(studio, [], { usage: {} }).overage.lines).toStrictEqual([]);
  });

  test('of kinds outside the plan is ignored', () => {
    expect(overageOf({}, { something_else: 10 })).toStrictEqual([]);
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'of a kind named %s works like any other',
    (kind) => {
      expect(overageOf({ resourceKind: kind }, {})).toStrictEqual([]);
      const usage = JSON.parse(`{"${kind}": "7"}`) as Usage;
      const [line] = overageOf({ resourceKind: kind }, usage);
      expect(line).toMatchObject({ description: `${kind} overage`, qty: '7' });
    },
  );

  test.each([-1, 0.5, 2 ** 53, NaN, Infinity, '-1', '1e3', '', '00.5'])(
    'of %j is rejected',
    (used) => {
      expect(() => overageOf({}, { egress_gb: used })).toThrow(
        expect.objectContaining({
          ...domainError('invalid_quantity'),
          message: expect.stringContaining('Usage of egress_gb'),
        }),
      );
    },
  );
});

describe('the first invoice', () => {
  function prorated(basePriceCents: number, startsOn: string) {
    return quote({ ...planWith(), basePriceCents }, [], { usage: { egress_gb: 9 }, startsOn })
      .firstInvoice;
  }

  test('keeps unit prices and shows the fraction unreduced', () => {
    expect(prorated(3100, '2026-04-16').lines).toStrictEqual([
      {
        kind: 'plan_base',
        resourceKind: null,
        description: 'Plan base',
        qty: '1',
        unit: 'month',
        unitPriceCents: '3100',
        amountCents: 1550,
        meta: { plan_version_id: 'pv', version: 1, proration_fraction: '15/30' },
      },
    ]);
  });

  test.each([
    ['2026-05-01', '31/31', 1000, '2026-05-31'],
    ['2026-05-31', '1/31', 32, '2026-05-31'],
    ['2026-02-28', '1/28', 36, '2026-02-28'],
    ['2028-02-28', '2/29', 69, '2028-02-29'],
    ['2028-02-29', '1/29', 34, '2028-02-29'],
  ])('from %s is %s of a month', (startsOn, fraction, cents, periodEnd) => {
    const invoice = prorated(1000, startsOn);
    expect(invoice).toMatchObject({ periodStart: startsOn, periodEnd, proratedTotalCents: cents });
    expect(invoice.lines[0]?.meta.proration_fraction).toBe(fraction);
  });

  test('rounds each line on its own, half up', () => {
    const addon = { ...storage50gb, priceCents: 1 };
    const { firstInvoice } = quote({ ...studio, basePriceCents: 1 }, [addon, addon], {
      usage: null,
      startsOn: '2026-04-16',
    });
    expect(firstInvoice.lines.map(({ amountCents }) => amountCents)).toStrictEqual([1, 1, 1]);
    expect(firstInvoice.proratedTotalCents).toBe(3);
  });

  test.each(['2026-02-30', '2026-13-01', '2026-5-1', 'tomorrow', ''])(
    'rejects the start date %j',
    (date) => {
      expect(() => prorated(1000, date)).toThrow(
        expect.objectContaining(domainError('invalid_date')),
      );
    },
  );
});

describe('amounts beyond 2^53 − 1 cents', () => {
  const most = Number.MAX_SAFE_INTEGER;

  test('are rejected in a line', () => {
    expect(overageOf({ overagePriceCents: most }, { egress_gb: 1 })[0]?.amountCents).toBe(most);
    expect(() => overageOf({ overagePriceCents: most }, { egress_gb: 2 })).toThrow(
      expect.objectContaining({
        ...domainError('amount_out_of_range'),
        message: expect.stringContaining('Overage of egress_gb would be 18014398509481982 cents'),
      }),
    );
  });

  test('are rejected in the recurring total', () => {
    expect(() =>
      quote({ ...planWith(), basePriceCents: most }, [{ ...storage50gb, priceCents: 1 }], {
        usage: null,
      }),
    ).toThrow(expect.objectContaining(domainError('amount_out_of_range')));
  });

  test('are rejected in the sum of recurring and overage', () => {
    expect(() =>
      quote({ ...planWith(item({})), basePriceCents: most }, [], { usage: { egress_gb: 1 } }),
    ).toThrow(expect.objectContaining(domainError('amount_out_of_range')));
  });

  test.each([-1, 0.5, 2 ** 53, NaN])('rejects a price of %d', (priceCents) => {
    const refused = expect.objectContaining(domainError('invalid_amount'));
    expect(() => quote({ ...planWith(), basePriceCents: priceCents }, [], { usage: null })).toThrow(
      refused,
    );
    expect(() => quote(planWith(), [{ ...storage50gb, priceCents }], { usage: null })).toThrow(
      refused,
    );
    expect(() => overageOf({ overagePriceCents: priceCents }, { egress_gb: 1 })).toThrow(refused);
  });
});
