import { describe, expect, test } from 'vitest';
import { deploymentLines } from '../../src/domain/deployment-lines.ts';
import type { BilledAddon, BilledSubscription } from '../../src/domain/service-days.ts';
import type { PlanItem, PlanVersion, Proration, Usage } from '../../src/domain/types.ts';
import { domainError } from './_arbitraries.ts';

/** May 2026, by hand. */
const period = {
  month: '2026-05',
  periodStart: '2026-05-01',
  periodEnd: '2026-05-31',
  startsAt: '2026-05-01T00:00:00Z',
  endsAt: '2026-06-01T00:00:00Z',
};

function planOf(id: string, proration: Proration, item: Partial<PlanItem> = {}): PlanVersion {
  return {
    id,
    version: 1,
    currency: 'AUD',
    basePriceCents: 5000,
    proration,
    items: [
      {
        resourceKind: 'gb',
        includedQty: '100',
        hardCapQty: null,
        overagePriceCents: 2,
        overageUnit: 'gb_month',
        definedUnit: null,
        ...item,
      },
    ],
  };
}

const small = planOf('small', 'daily');
const large = planOf('large', 'daily', { includedQty: '310', overagePriceCents: 1 });
const fixed = planOf('fixed', 'none');

/** Days of May, inclusive. */
function days(from: number, to: number) {
  const date = (day: number) => `2026-05-${String(day).padStart(2, '0')}`;
  return to < from
    ? { serviceFrom: null, serviceTo: null, days: 0 }
    : { serviceFrom: date(from), serviceTo: date(to), days: to - from + 1 };
}

function on(
  plan: PlanVersion,
  [from, to]: [number, number],
  addons: readonly BilledAddon[] = [],
): BilledSubscription {
  return {
    subscriptionId: `${plan.id}-${from}`,
    planVersionId: plan.id,
    proration: plan.proration,
    ...days(from, to),
    addons,
  };
}

function storage([from, to]: [number, number], inForceAtEnd = true): BilledAddon {
  return {
    code: 'storage',
    resourceKind: 'gb',
    qty: '50',
    priceCents: 750,
    ...days(from, to),
    inForceAtEnd,
  };
}

function linesOf(
  subscriptions: readonly BilledSubscription[],
  usage: Usage | null = null,
  plans = [small, large, fixed],
) {
  return deploymentLines(
    { deploymentId: 'acme-a', subscriptions },
    { period, planVersions: new Map(plans.map((plan) => [plan.id, plan])), usage },
  );
}

const brief = (lines: ReturnType<typeof linesOf>) =>
  lines.map(({ kind, subscriptionId, amountCents, meta }) => [
    kind,
    subscriptionId,
    amountCents,
    meta.proration_fraction ?? null,
  ]);

test('no subscription, no lines', () => {
  expect(linesOf([], { gb: 1000 })).toEqual([]);
});

test('a whole month is billed as the quote says, without dates', () => {
  expect(linesOf([on(small, [1, 31], [storage([1, 31])])], { gb: '200' })).toEqual([
    {
      deploymentId: 'acme-a',
      subscriptionId: 'small-1',
      kind: 'plan_base',
      resourceKind: null,
      description: 'Plan base',
      qty: '1',
      unit: 'month',
      unitPriceCents: '5000',
      amountCents: 5000,
      meta: { plan_version_id: 'small', version: 1 },
    },
    {
      deploymentId: 'acme-a',
      subscriptionId: 'small-1',
      kind: 'addon',
      resourceKind: 'gb',
      description: 'Addon: storage',
      qty: '1',
      unit: 'month',
      unitPriceCents: '750',
      amountCents: 750,
      meta: { addon_code: 'storage', included_qty: '50' },
    },
    {
      deploymentId: 'acme-a',
      subscriptionId: 'small-1',
      kind: 'overage',
      resourceKind: 'gb',
      description: 'gb overage',
      qty: '50',
      unit: 'gb_month',
      unitPriceCents: '2',
      amountCents: 100,
      meta: {
        included_qty: '100',
        addon_qty: '50',
        allowance: '150',
        used: '200',
        capped: false,
      },
    },
  ]);
});

describe('any plan prorates by days', () => {
  test('base and addons are billed for their days, with the dates', () => {
    const lines = linesOf([on(small, [20, 31], [storage([25, 31])])]);
    expect(brief(lines)).toEqual([
      ['plan_base', 'small-20', 1935, '12/31'],
      ['addon', 'small-20', 169, '7/31'],
    ]);
    expect(lines.map(({ unitPriceCents, meta }) => ({ unitPriceCents, meta }))).toEqual([
      {
        unitPriceCents: '5000',
        meta: {
          plan_version_id: 'small',
          version: 1,
          proration_fraction: '12/31',
          service_from: '2026-05-20',
          service_to: '2026-05-31',
        },
      },
      {
        unitPriceCents: '750',
        meta: {
          addon_code: 'storage',
          included_qty: '50',
          proration_fraction: '7/31',
          service_from: '2026-05-25',
          service_to: '2026-05-31',
        },
      },
    ]);
  });

  test('0 days have no line', () => {
    const both = [on(small, [1, 0], [storage([1, 0])]), on(large, [1, 31], [storage([1, 0])])];
    expect(brief(linesOf(both))).toEqual([['plan_base', 'large-1', 5000, null]]);
  });

  test('what is included adds up by days; the last plan prices what is over', () => {
    const month = [on(small, [1, 19], [storage([10, 19])]), on(large, [20, 31])];
    // 100 × 19 ÷ 31 + 310 × 12 ÷ 31 + 50 × 10 ÷ 31.
    const [overage] = linesOf(month, { gb: '1000' }).filter(({ kind }) => kind === 'overage');
    expect(overage).toMatchObject({
      subscriptionId: 'large-20',
      qty: '802.58064516129',
      unitPriceCents: '1',
      amountCents: 803,
      meta: {
        included_qty: '181.290322580645',
        addon_qty: '16.129032258065',
        allowance: '197.41935483871',
        used: '1000',
        capped: false,
        allowance_parts: [
          {
            plan_version_id: 'small',
            monthly_qty: '100',
            qty: '61.290322580645',
            proration_fraction: '19/31',
            service_from: '2026-05-01',
            service_to: '2026-05-19',
          },
          {
            plan_version_id: 'large',
            monthly_qty: '310',
            qty: '120',
            proration_fraction: '12/31',
            service_from: '2026-05-20',
            service_to: '2026-05-31',
          },
          {
            addon_code: 'storage',
            monthly_qty: '50',
            qty: '16.129032258065',
            proration_fraction: '10/31',
            service_from: '2026-05-10',
            service_to: '2026-05-19',
          },
        ],
      },
    });
  });

  test('a plan with policy none pays by its days too', () => {
    expect(brief(linesOf([on(fixed, [1, 19]), on(small, [20, 31])]))).toEqual([
      ['plan_base', 'fixed-1', 3065, '19/31'],
      ['plan_base', 'small-20', 1935, '12/31'],
    ]);
  });

  test('a subscription of 0 days decides the policy, and the last one prices the usage', () => {
    const month = [on(fixed, [1, 19]), on(large, [20, 19])];
    expect(brief(linesOf(month, { gb: '162' }))).toEqual([
      ['plan_base', 'fixed-1', 3065, '19/31'],
      ['overage', 'large-20', 101, null],
    ]);
  });

  test('the last plan’s cap counts for the days of all subscriptions', () => {
    const capped = planOf('capped', 'daily', { hardCapQty: '310' });
    const month = [on(small, [1, 5]), on(capped, [11, 20])];
    const [overage] = linesOf(month, { gb: '1000' }, [small, capped]).slice(-1);
    // The cap is 310 × 15 ÷ 31, and 100 × 5 ÷ 31 + 100 × 10 ÷ 31 are included.
    expect(overage).toMatchObject({
      qty: '101.612903225806',
      meta: { allowance: '48.387096774194', capped: true },
    });
  });

  test('parts that include nothing of the kind are not listed', () => {
    const month = [
      on(planOf('empty', 'daily', { includedQty: null }), [1, 19]),
      on(small, [20, 31]),
    ];
    const [overage] = linesOf(month, { gb: '100' }, [
      planOf('empty', 'daily', { includedQty: null }),
      small,
    ]).slice(-1);
    expect(overage?.meta.allowance_parts).toMatchObject([{ plan_version_id: 'small' }]);
  });
});

describe('all plans say none', () => {
  test('the last subscription alone rates the month, in full', () => {
    const month = [
      on(fixed, [1, 19], [storage([1, 19])]),
      on(fixed, [20, 31], [storage([25, 31])]),
    ];
    const lines = linesOf(month, { gb: '200' });
    expect(brief(lines)).toEqual([
      ['plan_base', 'fixed-20', 5000, null],
      ['addon', 'fixed-20', 750, null],
      ['overage', 'fixed-20', 100, null],
    ]);
    expect(lines.at(-1)?.meta.allowance_parts).toBeUndefined();
  });

  test('one that ended has no recurring lines, and its allowance in full', () => {
    const month = [on(fixed, [1, 19], [storage([20, 19]), storage([1, 10], false)])];
    const [overage, ...others] = linesOf(month, { gb: '200' });
    expect(others).toEqual([]);
    expect(overage).toMatchObject({ amountCents: 100, meta: { allowance: '150' } });
  });

  test('an addon that was detached is neither billed nor included', () => {
    const month = [on(fixed, [1, 31], [storage([1, 10], false)])];
    expect(brief(linesOf(month, { gb: '200' }))).toEqual([
      ['plan_base', 'fixed-1', 5000, null],
      ['overage', 'fixed-1', 200, null],
    ]);
  });
});

test('a plan version that does not exist is named', () => {
  expect(() => linesOf([on(small, [1, 31])], null, [])).toThrow(
    expect.objectContaining({
      ...domainError('missing_plan_version'),
      message: expect.stringContaining('subscription small-1 was billed on plan version small'),
    }),
  );
});
