import { describe, expect, test } from 'vitest';
import { movesOf, warningsOfBilledMonths } from '../../src/catalogue/billed-month-warnings.ts';
import type { CurrentSubscriptions } from '../../src/catalogue/placed-subscription.ts';
import type { StoredAddon } from '../../src/db/catalogue/stored-subscriptions.ts';
import type { MonthOfTenant } from '../../src/db/month-end/billed-months.ts';
import { UTC } from '../_util/utc.ts';

interface Terms {
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly planVersionId?: string | null;
}

const day = (date: string) => `2026-${date}T00:00:00Z`;
const OPEN: Terms = { startsAt: day('01-01'), endsAt: null };

const addon = (startsAt: string, endsAt: string | null): StoredAddon => ({
  subscriptionId: 'sub-1',
  position: 1,
  code: 'gb',
  startsAt,
  endsAt,
  allowRepeated: false,
});

const invoiced = (month: string): MonthOfTenant => ({
  tenantId: 'acme',
  month,
  number: `acme-${month.slice(-2)}`,
  status: 'issued',
});
const closed = (month: string): MonthOfTenant => ({
  tenantId: 'acme',
  month,
  number: null,
  status: null,
});
const drafted = (month: string): MonthOfTenant => ({ ...closed(month), status: 'draft' });

/** The warnings of one change, as path and text. */
function warn(
  before: Terms | null,
  after: Terms,
  months: readonly MonthOfTenant[],
  addons: { readonly stored?: StoredAddon; readonly wanted?: StoredAddon } = {},
): readonly (readonly [string, string])[] {
  const base = { subscriptionId: 'sub-1', deploymentId: 'web', planVersionId: 'studio-v1' };
  const current = {
    subscriptions: new Map(before === null ? [] : [['sub-1', { ...base, ...before }]]),
    addons: new Map(addons.stored === undefined ? [] : [['sub-1', [addons.stored]]]),
  } as unknown as CurrentSubscriptions;
  const wanted = { ...base, tenantId: 'acme', ...after };
  const placed = { path: [], wanted } as unknown as Parameters<typeof movesOf>[0];
  const moves = movesOf(placed, current, addons.wanted === undefined ? [] : [addons.wanted]);
  return warningsOfBilledMonths(moves, months, UTC).map(({ path, message }) => [
    path.join('/'),
    message,
  ]);
}

const CHECK_MAY =
  'check it (month-end preview 2026-05 --tenant acme --lines) and force a rerun ' +
  '(month-end force 2026-05 --tenant acme --reason ...)';
const MAY_DIFFERS = `subscription sub-1 differs from what is invoiced for 2026-05 (acme-05): ${CHECK_MAY}`;

describe('a change of an invoiced month', () => {
  test.each<[string, Terms | null, Terms, string]>([
    ['a new subscription', null, { startsAt: day('05-20'), endsAt: null }, 'starts_at'],
    [
      'a start that moves within the month',
      { startsAt: day('05-10'), endsAt: null },
      { startsAt: day('05-20'), endsAt: null },
      'starts_at',
    ],
    ['an end within the month', OPEN, { ...OPEN, endsAt: day('05-20') }, 'ends_at'],
    ['an end before the month', OPEN, { ...OPEN, endsAt: day('05-01') }, 'ends_at'],
    ['an end that is taken back', { ...OPEN, endsAt: day('05-20') }, OPEN, 'ends_at'],
    ['a plan that is named later', { ...OPEN, planVersionId: null }, OPEN, 'plan'],
    [
      'a subscription that lasts a few days',
      null,
      { startsAt: day('05-03'), endsAt: day('05-05') },
      'starts_at',
    ],
  ])('%s: warns, naming month, invoice and commands', (_name, before, after, field) => {
    expect(warn(before, after, [invoiced('2026-05')])).toEqual([[field, MAY_DIFFERS]]);
  });

  test.each<[string, Terms, Terms]>([
    ['an end after the month', OPEN, { ...OPEN, endsAt: day('06-01') }],
    ['a start before the month', OPEN, { ...OPEN, startsAt: day('05-01') }],
    [
      'a plan that is named after the end',
      { ...OPEN, endsAt: day('04-20'), planVersionId: null },
      { ...OPEN, endsAt: day('04-20') },
    ],
  ])('%s does not change it', (_name, before, after) => {
    expect(warn(before, after, [invoiced('2026-05')])).toEqual([]);
  });

  test.each<[string, StoredAddon | undefined, StoredAddon]>([
    ['that is attached', undefined, addon(day('05-10'), null)],
    ['that ends', addon(day('01-01'), null), addon(day('01-01'), day('05-10'))],
  ])('an addon %s warns', (_name, stored, wanted) => {
    expect(warn(OPEN, OPEN, [invoiced('2026-05')], { ...(stored && { stored }), wanted })).toEqual([
      [
        'addons',
        `addon gb of subscription sub-1 differs from what is invoiced for 2026-05 (acme-05): ${CHECK_MAY}`,
      ],
    ]);
  });

  test('an addon outside of its subscription changes nothing', () => {
    const ended = { ...OPEN, endsAt: day('05-01') };
    const wanted = addon(day('05-10'), null);
    expect(warn(ended, ended, [invoiced('2026-05')], { wanted })).toEqual([]);
  });
});

test('several months share a warning for each action', () => {
  const months = [closed('2026-01'), closed('2026-02'), invoiced('2026-04'), invoiced('2026-05')];
  expect(warn(null, OPEN, months)).toEqual([
    [
      'starts_at',
      'subscription sub-1 differs from what is invoiced for 2026-04 (acme-04), 2026-05 (acme-05): check it ' +
        '(month-end preview MONTH --tenant acme --lines) and force a rerun ' +
        '(month-end force MONTH --tenant acme --reason ...)',
    ],
    [
      'starts_at',
      'subscription sub-1 is in force in 2026-01, 2026-02, closed without an invoice for tenant acme: run it ' +
        'again (month-end start MONTH)',
    ],
  ]);
});

test.each<[string, Terms | null, Terms]>([
  ['that starts in a month', null, { startsAt: day('05-20'), endsAt: null }],
  ['that leaves a month', OPEN, { ...OPEN, endsAt: day('05-01') }],
])('a subscription %s whose invoice is being built may differ', (_name, before, after) => {
  expect(warn(before, after, [drafted('2026-05')])).toEqual([
    [
      before === null ? 'starts_at' : 'ends_at',
      'subscription sub-1 may differ from what is being invoiced for 2026-05: once the invoice is issued, ' +
        `${CHECK_MAY} if it differs`,
    ],
  ]);
});

test('a month closed without an invoice needs nothing once the subscription has left it', () => {
  expect(warn(OPEN, { ...OPEN, endsAt: day('02-01') }, [closed('2026-02')])).toEqual([]);
});

test('names twelve months and counts the others', () => {
  const months = Array.from({ length: 14 }, (_, n) => closed(`20${20 + n}-01`));
  const [[, message] = []] = warn(null, { startsAt: '2019-01-01T00:00:00Z', endsAt: null }, months);
  expect(message).toContain('2031-01 and 2 more months, closed without');
});
