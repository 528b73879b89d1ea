import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deploymentLines, type DeploymentLine } from '../../src/domain/deployment-lines.ts';
import { quote } from '../../src/domain/quote.ts';
import { parseDate } from '../../src/domain/period.ts';
import { billedDeployment, type BilledDeployment } from '../../src/domain/service-days.ts';
import type { PlanVersion, QuoteLine, Usage } from '../../src/domain/types.ts';
import { anyAddons, anyPlanVersion, anyUsage } from './_arbitraries.ts';
import { rateDayByDay, type PlainLine, type SubscriptionLife } from './_day-by-day.ts';
import { anyLives, anyPlans, anyRandomMonth, calendarOf, type RandomMonth } from './_lives.ts';

const anyMonthOfLives = fc
  .tuple(anyRandomMonth, anyPlans)
  .chain(([month, plans]) => fc.tuple(fc.constant(month), anyLives(month, plans)));

function bill({ timeZone, month }: RandomMonth, lives: readonly SubscriptionLife[]) {
  const calendar = calendarOf(timeZone);
  const period = calendar.periodOf(month);
  const planVersions = new Map(lives.map(({ plan }) => [plan.id, plan]));
  const billed = billedDeployment(
    {
      tenantId: 'tenant',
      currency: 'USD',
      deploymentId: 'deployment',
      subscriptions: lives.map(({ plan, ...life }) => ({ ...life, planVersionId: plan.id })),
    },
    { period, calendar, planVersions },
  );
  // As it is stored.
  const stored = JSON.parse(JSON.stringify(billed)) as BilledDeployment;
  const linesFor = (usage: Usage | null) =>
    deploymentLines(stored, { period, planVersions, usage });
  return { billed, period, linesFor };
}

function plain(line: DeploymentLine): PlainLine {
  const { meta } = line;
  const isOverage = line.kind === 'overage';
  return {
    kind: line.kind,
    subscriptionId: line.subscriptionId ?? '',
    what: line.kind === 'addon' ? (meta.addon_code as string) : line.resourceKind,
    cents: BigInt(line.amountCents),
    fraction: (meta.proration_fraction ?? null) as string | null,
    quantities: isOverage
      ? [line.qty, meta.included_qty, meta.addon_qty, meta.allowance].map(String)
      : [],
  };
}

test('a month of any subscriptions costs what counting day by day gives', () => {
  fc.assert(
    fc.property(anyMonthOfLives, anyUsage, ([month, lives], usage) => {
      expect(bill(month, lives).linesFor(usage).map(plain)).toEqual(
        rateDayByDay(lives, month, usage),
      );
    }),
    { numRuns: 200 },
  );
});

test('each day belongs to at most one subscription, and an addon has at most its days', () => {
  fc.assert(
    fc.property(anyMonthOfLives, ([month, lives]) => {
      const { billed, period } = bill(month, lives);
      const { daysInMonth } = parseDate(period.periodStart);
      let dayBefore = '';
      let days = 0;
      for (const { serviceFrom, serviceTo, days: own, addons } of billed.subscriptions) {
        days += own;
        for (const addon of addons) {
          expect(addon.days).toBeLessThanOrEqual(own);
          if (addon.serviceFrom === null || addon.serviceTo === null) continue;
          expect(addon.serviceFrom >= serviceFrom!).toBe(true);
          expect(addon.serviceTo <= serviceTo!).toBe(true);
        }
        if (serviceFrom === null || serviceTo === null) {
          expect([serviceFrom, serviceTo, own]).toEqual([null, null, 0]);
          continue;
        }
        expect(serviceFrom > dayBefore).toBe(true);
        expect(parseDate(serviceFrom).until(parseDate(serviceTo)).days + 1).toBe(own);
        dayBefore = serviceTo;
      }
      expect(days).toBeLessThanOrEqual(daysInMonth);
    }),
  );
});

test('a first month costs what its quote says, for either policy and in any time zone', () => {
  const anyDay = fc.integer({ min: 1, max: 31 });
  fc.assert(
    fc.property(anyRandomMonth, anyDay, anyPlanVersion, anyAddons, (month, any, plan, addons) => {
      const calendar = calendarOf(month.timeZone);
      const { daysInMonth } = parseDate(`${month.month}-01`);
      const day = String(Math.min(any, daysInMonth)).padStart(2, '0');
      const startsOn = `${month.month}-${day}`;
      const life = { startsAt: calendar.startOfDay(parseDate(startsOn)), endsAt: null };
      const { linesFor, period } = bill(month, [
        {
          subscriptionId: 'sub',
          plan,
          ...life,
          addons: addons.map((addon) => ({ ...addon, ...life })),
        },
      ]);
      const { firstInvoice } = quote(plan, addons, { usage: null, startsOn });
      expect(firstInvoice.periodEnd).toBe(period.periodEnd);
      expect(amounts(firstInvoice.lines)).toEqual(amounts(linesFor(null)));

      // Usage of exactly what the quote includes is free.
      const included = Object.fromEntries(
        firstInvoice.allowances.map(({ resourceKind, allowance }) => [resourceKind, allowance]),
      );
      expect(amounts(linesFor(included))).toEqual(amounts(firstInvoice.lines));
    }),
  );
});

test('a daily month split between subscriptions of one plan adds up to the whole within one cent per line', () => {
  const anySplit = anyRandomMonth.chain((month) =>
    fc.tuple(
      fc.constant(month),
      fc.uniqueArray(fc.integer({ min: 2, max: 28 }), { minLength: 1, maxLength: 4 }),
    ),
  );
  fc.assert(
    fc.property(anySplit, anyPlanVersion, anyAddons, ([month, days], version, addons) => {
      const plan: PlanVersion = { ...version, proration: 'daily' };
      const calendar = calendarOf(month.timeZone);
      const { startsAt, endsAt } = calendar.periodOf(month.month);
      const cuts = days
        .toSorted((a, b) => a - b)
        .map((day) => `${month.month}-${String(day).padStart(2, '0')}`)
        .map((date) => calendar.startOfDay(parseDate(date)));
      const starts = [startsAt, ...cuts];
      const split = starts.map((start, index): SubscriptionLife => {
        const life = { startsAt: start, endsAt: starts[index + 1] ?? endsAt };
        return {
          subscriptionId: `sub-${index}`,
          plan,
          ...life,
          addons: addons.map((addon) => ({ ...addon, ...life })),
        };
      });
      const parts = bill(month, split).linesFor(null);
      const whole = quote(plan, addons, { usage: null }).recurring.lines;
      for (const [place, line] of whole.entries()) {
        const own = parts.filter((_, index) => index % whole.length === place);
        const sum = own.reduce((total, { amountCents }) => total + amountCents, 0);
        // Each part is rounded by half a cent at most.
        expect(2 * Math.abs(sum - line.amountCents)).toBeLessThanOrEqual(own.length);
      }
    }),
  );
});

function amounts(lines: readonly QuoteLine[]): readonly number[] {
  return lines.map(({ amountCents }) => amountCents);
}
