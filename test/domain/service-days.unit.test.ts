import { describe, expect, test } from 'vitest';
import { billedDeployment, type SubscriptionSpan } from '../../src/domain/service-days.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { domainError } from './_arbitraries.ts';
import { calendarOf } from './_lives.ts';

const plan: PlanVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'AUD',
  basePriceCents: 5000,
  proration: 'daily',
  items: [],
};
const planVersions = new Map([[plan.id, plan]]);

/** In Sydney, May 2026 is 2026-04-30T14:00:00Z to 2026-05-31T14:00:00Z. */
function billed(
  subscriptions: readonly Partial<SubscriptionSpan>[],
  { timeZone = 'Australia/Sydney', month = '2026-05', currency = 'AUD' } = {},
) {
  const calendar = calendarOf(timeZone);
  return billedDeployment(
    {
      tenantId: 'acme',
      currency,
      deploymentId: 'acme-a',
      subscriptions: subscriptions.map((subscription, index) => ({
        subscriptionId: `sub-${index + 1}`,
        planVersionId: plan.id,
        startsAt: '2026-01-01T00:00:00Z',
        endsAt: null,
        addons: [],
        ...subscription,
      })),
    },
    { period: calendar.periodOf(month), calendar, planVersions },
  ).subscriptions;
}

const storage = { code: 'storage_50gb', resourceKind: 'gb', qty: '50', priceCents: 750 };

test('a subscription that spans the month is billed for all of its days', () => {
  expect(billed([{}])).toEqual([
    {
      subscriptionId: 'sub-1',
      planVersionId: 'studio-v1',
      proration: 'daily',
      serviceFrom: '2026-05-01',
      serviceTo: '2026-05-31',
      days: 31,
      addons: [],
    },
  ]);
});

describe('a day is billed if the subscription is in force at its last instant', () => {
  test.each([
    ['starts at the month’s first instant', '2026-04-30T14:00:00Z', null, '05-01', '05-31', 31],
    ['starts at noon: that day counts', '2026-05-20T02:00:00Z', null, '05-20', '05-31', 12],
    ['starts in the last second of a day', '2026-05-20T13:59:59Z', null, '05-20', '05-31', 12],
    ['starts at midnight', '2026-05-20T14:00:00Z', null, '05-21', '05-31', 11],
    [
      'ends at noon: that day does not count',
      '2026-01-01T00:00:00Z',
      '2026-05-20T02:00:00Z',
      '05-01',
      '05-19',
      19,
    ],
    [
      'ends at midnight: the day before counts',
      '2026-01-01T00:00:00Z',
      '2026-05-20T14:00:00Z',
      '05-01',
      '05-20',
      20,
    ],
    [
      'ends a microsecond before midnight',
      '2026-01-01T00:00:00Z',
      '2026-05-20T13:59:59.999999Z',
      '05-01',
      '05-19',
      19,
    ],
    ['ends with the month', '2026-01-01T00:00:00Z', '2026-05-31T14:00:00Z', '05-01', '05-31', 31],
    [
      'ends after the month',
      '2026-01-01T00:00:00Z',
      '2026-06-01T00:00:00+00:00',
      '05-01',
      '05-31',
      31,
    ],
    ['starts on the last day', '2026-05-31T13:59:59.999999Z', null, '05-31', '05-31', 1],
  ])('%s', (_, startsAt, endsAt, from, to, days) => {
    expect(billed([{ startsAt, endsAt }])).toMatchObject([
      { serviceFrom: `2026-${from}`, serviceTo: `2026-${to}`, days },
    ]);
  });

  test.each([
    ['ends on the day it starts', '2026-05-19T14:00:00Z', '2026-05-20T13:59:59Z'],
    ['ends on the first day', '2026-01-01T00:00:00Z', '2026-05-01T02:00:00Z'],
  ])('0 days, which still touch the month: %s', (_, startsAt, endsAt) => {
    expect(billed([{ startsAt, endsAt }])).toMatchObject([
      { serviceFrom: null, serviceTo: null, days: 0 },
    ]);
  });

  test('days have their length also when clocks change', () => {
    // Sydney: 5 April 2026 has 25 hours.
    const startsAt = '2026-04-04T12:59:59Z';
    const endsAt = '2026-04-05T14:00:00Z';
    expect(billed([{ startsAt, endsAt }], { month: '2026-04' })).toMatchObject([
      { serviceFrom: '2026-04-04', serviceTo: '2026-04-05', days: 2 },
    ]);
  });
});

test('only subscriptions that touch the month are billed, in the order of their starts', () => {
  const spans = [
    { subscriptionId: 'third', startsAt: '2026-05-20T02:00:00Z' },
    { subscriptionId: 'next month', startsAt: '2026-05-31T14:00:00Z' },
    { subscriptionId: 'first', endsAt: '2026-04-30T14:00:00.000001Z' },
    { subscriptionId: 'last month', endsAt: '2026-04-30T14:00:00Z' },
    {
      subscriptionId: 'second',
      startsAt: '2026-05-02T00:00:00Z',
      endsAt: '2026-05-20T02:00:00Z',
    },
  ];
  expect(billed(spans).map(({ subscriptionId, days }) => [subscriptionId, days])).toEqual([
    ['first', 0],
    ['second', 18],
    ['third', 12],
  ]);
});

describe('addons', () => {
  function addonOf(startsAt: string, endsAt: string | null, subscription = {}) {
    return billed([{ ...subscription, addons: [{ ...storage, startsAt, endsAt }] }])[0]?.addons;
  }

  test('are billed for the days on which they and their subscription are in force', () => {
    const subscription = { startsAt: '2026-05-04T14:00:00Z', endsAt: '2026-05-24T14:00:00Z' };
    expect(addonOf('2026-01-01T00:00:00Z', null, subscription)).toEqual([
      {
        ...storage,
        serviceFrom: '2026-05-05',
        serviceTo: '2026-05-24',
        days: 20,
        inForceAtEnd: true,
      },
    ]);
    expect(addonOf('2026-05-10T00:00:00Z', '2026-05-20T00:00:00Z', subscription)).toEqual([
      {
        ...storage,
        serviceFrom: '2026-05-10',
        serviceTo: '2026-05-19',
        days: 10,
        inForceAtEnd: false,
      },
    ]);
  });

  test('of the last day of a subscription have 0 days and count as in force at its end', () => {
    const subscription = { endsAt: '2026-05-20T02:00:00Z' };
    const none = { ...storage, serviceFrom: null, serviceTo: null, days: 0, inForceAtEnd: true };
    expect(addonOf('2026-05-20T01:00:00Z', null, subscription)).toEqual([none]);
    expect(addonOf('2026-05-20T01:00:00Z', '2026-05-20T02:00:00Z', subscription)).toEqual([none]);
    expect(addonOf('2026-05-20T01:00:00Z', '2026-05-20T01:59:59Z', subscription)).toEqual([]);
  });

  test('outside of the subscription or the month are left out', () => {
    const subscription = { startsAt: '2026-05-04T14:00:00Z', endsAt: '2026-05-24T14:00:00Z' };
    expect(addonOf('2026-05-24T14:00:00Z', null, subscription)).toEqual([]);
    expect(addonOf('2026-01-01T00:00:00Z', '2026-05-04T14:00:00Z', subscription)).toEqual([]);
    expect(addonOf('2026-06-04T14:00:00Z', null)).toEqual([]);
  });

  test('keep the order in which they were attached, and can be attached again', () => {
    const addons = [
      { ...storage, startsAt: '2026-05-20T00:00:00Z', endsAt: null },
      { ...storage, startsAt: '2026-01-01T00:00:00Z', endsAt: '2026-05-10T00:00:00Z' },
    ];
    expect(billed([{ addons }])[0]?.addons.map(({ days }) => days)).toEqual([12, 9]);
  });
});

test.each([
  [{ name: 'Storage' }, { name: 'Storage' }],
  [{ name: null }, {}],
  [{}, {}],
])('an addon with %j is billed with %j', (name, field) => {
  const addons = [{ ...storage, ...name, startsAt: '2026-01-01T00:00:00Z', endsAt: null }];
  expect(billed([{ addons }])[0]?.addons).toStrictEqual([
    {
      ...{ ...storage, ...field, days: 31, inForceAtEnd: true },
      ...{ serviceFrom: '2026-05-01', serviceTo: '2026-05-31' },
    },
  ]);
});

describe('a subscription that can’t be billed', () => {
  const touching = { subscriptionId: 'sub-9', startsAt: '2026-05-20T00:00:00Z' };

  test.each([null, 'studio-v9'])(
    'names itself and its tenant: plan version %s',
    (planVersionId) => {
      expect(() => billed([{ ...touching, planVersionId }])).toThrow(
        expect.objectContaining({
          ...domainError('missing_plan_version'),
          message:
            'subscription sub-9 of tenant acme has no plan version: give it one and request the month again',
        }),
      );
    },
  );

  test('in another currency than the tenant', () => {
    expect(() => billed([touching], { currency: 'USD' })).toThrow(
      expect.objectContaining({
        ...domainError('mixed_currencies'),
        message:
          'subscription sub-9 is on plan version studio-v1 in AUD, but tenant acme is billed in USD: an invoice has one currency',
      }),
    );
  });

  test('has no effect outside of its time', () => {
    const gone = { planVersionId: null, endsAt: '2026-02-01T00:00:00Z' };
    expect(billed([gone, {}])).toHaveLength(1);
  });

  test('whose instant is not one', () => {
    expect(() => billed([{ startsAt: 'tomorrow' }])).toThrow(
      expect.objectContaining(domainError('invalid_instant')),
    );
  });
});
