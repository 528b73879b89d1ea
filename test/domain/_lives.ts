import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';
import type { BillingCalendar } from '../../src/domain/billing-calendar.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { anyAddon, anyPlanVersion } from './_arbitraries.ts';
import type { AddonLife, Life, SubscriptionLife } from './_day-by-day.ts';

/** Random lives of a deployment's subscriptions around a month. */

/** With half-hour offsets, both hemispheres, and a day that starts at 1:00 (Santiago). */
const ZONES = [
  ...['UTC', 'Australia/Sydney', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/New_York'],
  ...['America/Santiago', 'Pacific/Auckland', 'Europe/Berlin', 'Pacific/Kiritimati'],
];

const calendars = new Map<string, BillingCalendar>();

export function calendarOf(timeZone: string): BillingCalendar {
  const known = calendars.get(timeZone);
  if (known) return known;
  const calendar = createBillingCalendar(timeZone, computeMonthStarts(timeZone));
  calendars.set(timeZone, calendar);
  return calendar;
}

export interface RandomMonth {
  readonly timeZone: string;
  readonly month: string;
}

export const anyRandomMonth: fc.Arbitrary<RandomMonth> = fc.record({
  timeZone: fc.constantFrom(...ZONES),
  month: fc
    .tuple(fc.integer({ min: 2024, max: 2028 }), fc.integer({ min: 1, max: 12 }))
    .map(([year, month]) => `${year}-${String(month).padStart(2, '0')}`),
});

/** Instants from the month before to the month after, many of them at or next to a local midnight. */
function anyInstant({ timeZone, month }: RandomMonth): fc.Arbitrary<string> {
  const first = Temporal.PlainDate.from(`${month}-01`);
  return fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: first.daysInMonth }) },
        { weight: 1, arbitrary: fc.integer({ min: -28, max: 60 }) },
      ),
      fc.oneof(
        fc.constantFrom(0n, 0n, -1n, 1n).map((us) => us * 1000n),
        fc.bigInt(0n, 86_400n * 1_000_000n).map((us) => us * 1000n),
      ),
    )
    .map(([day, offset]) => {
      const midnight = first.add({ days: day }).toZonedDateTime(timeZone).epochNanoseconds;
      return Temporal.Instant.fromEpochNanoseconds(midnight + offset).toString();
    });
}

const byTime = (a: string, b: string) => Temporal.Instant.compare(a, b);

/** A life that starts before it ends; one in three doesn't end. */
function anyLife(month: RandomMonth): fc.Arbitrary<Life> {
  return fc
    .tuple(anyInstant(month), anyInstant(month), fc.integer({ min: 0, max: 2 }))
    .filter(([a, b]) => byTime(a, b) !== 0)
    .map(([a, b, end]) => {
      const [startsAt, endsAt] = byTime(a, b) < 0 ? [a, b] : [b, a];
      return { startsAt, endsAt: end === 0 ? null : endsAt };
    });
}

export const anyPlans = fc
  .array(anyPlanVersion, { minLength: 1, maxLength: 3 })
  .map((plans) => plans.map((plan, index): PlanVersion => ({ ...plan, id: `plan-${index}` })));

/** Up to four subscriptions that don't overlap, with gaps, in no particular order. */
export function anyLives(
  month: RandomMonth,
  plans: readonly PlanVersion[],
): fc.Arbitrary<SubscriptionLife[]> {
  const anyAddonLife = fc
    .tuple(anyAddon, anyLife(month))
    .map(([addon, life]): AddonLife => ({ ...addon, ...life }));
  const anyPart = fc.record({
    plan: fc.constantFrom(...plans),
    hasGap: fc.boolean(),
    addons: fc.array(anyAddonLife, { maxLength: 3 }),
  });
  return fc
    .tuple(
      fc.uniqueArray(anyInstant(month), { minLength: 1, maxLength: 5 }),
      fc.array(anyPart, { minLength: 5, maxLength: 5 }),
      fc.boolean(),
    )
    .map(([instants, parts, isOpen]) => {
      const times = instants.toSorted(byTime);
      return parts
        .slice(0, times.length)
        .map(({ plan, addons }, index): SubscriptionLife => ({
          subscriptionId: `sub-${index}`,
          plan,
          addons,
          startsAt: times[index] ?? '',
          endsAt: times[index + 1] ?? null,
        }))
        .filter((_, index) => parts[index]?.hasGap !== true || index === 0)
        .filter(({ endsAt }) => isOpen || endsAt !== null);
    })
    .chain((lives) => fc.shuffledSubarray(lives, { minLength: lives.length }));
}
