import { expect, test } from 'vitest';
import { monthsToSweep, reachedCents, thresholdCents } from '../../src/domain/spend-thresholds.ts';
import { UTC } from '../_util/utc.ts';

const amount = (amountCents: number) => ({ amountCents, percentOfPlan: null });
const share = (percentOfPlan: number) => ({ amountCents: null, percentOfPlan });

test.each([
  ['an amount is itself', amount(8000), 5750, 8000],
  ['also without recurring charges', amount(8000), 0, 8000],
  ['a share is a part of the recurring charges', share(150), 5750, 8625],
  ['rounded up to a whole cent', share(101), 5750, 5808],
  ['exactly, also where floats are not', share(110), 818_836_295_885_544, 900_719_925_474_099],
  ['without recurring charges there is nothing to take a share of', share(150), 0, null],
  ['a share beyond what can be billed is never reached', share(101), 2 ** 53 - 1, null],
])('%s', (_name, limit, recurringCents, expected) => {
  expect(thresholdCents(limit, recurringCents)).toBe(expected);
});

test('a threshold is reached by its amount and not by a cent less', () => {
  const at = (subtotalCents: number) =>
    reachedCents(share(101), { subtotalCents, recurringCents: 5750 });
  expect([at(5807), at(5808), at(5809)]).toEqual([null, 5808, 5808]);
});

test('a running invoice that credits have made smaller reaches nothing', () => {
  expect(reachedCents(amount(1), { subtotalCents: -100, recurringCents: 5000 })).toBeNull();
  expect(reachedCents(amount(1), { subtotalCents: 0, recurringCents: 5000 })).toBeNull();
});

test.each([
  ['2026-05-31T23:59:59.999Z', ['2026-04', '2026-05']],
  ['2026-06-01T00:00:00Z', ['2026-05', '2026-06']],
])('at %s the sweep looks at %s', (now, months) => {
  expect(monthsToSweep(UTC, new Date(now))).toEqual(months);
});
