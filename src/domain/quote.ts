import { allowancesOf } from './allowance.ts';
import { sumCents } from './cents.ts';
import { overageLines } from './overage.ts';
import { parseDate } from './period.ts';
import { fractionOf, restOfMonth } from './proration.ts';
import { wholeMonth, type RatedPart } from './rated-part.ts';
import { recurringLines } from './recurring.ts';
import type {
  FirstInvoice,
  MonthlyLines,
  PlanVersion,
  Quote,
  QuoteAddon,
  QuoteLine,
  QuoteOptions,
} from './types.ts';

/**
 * Computes what a plan version with addons costs (docs/spec.md#the-quote). The preview (projected
 * usage) and month end (actual usage) call the same function, so they can't disagree.
 * @throws DomainError `invalid_quantity`, `invalid_amount`, `invalid_date`, and
 * `amount_out_of_range` for a line or a total beyond 2^53 − 1 cents
 */
export function quote(
  planVersion: PlanVersion,
  addons: readonly QuoteAddon[],
  { usage, startsOn = null }: QuoteOptions,
): Quote {
  const month = wholeMonth(planVersion, addons);
  const recurring = monthlyLines(recurringLines(month), 'The recurring total');
  const overage = monthlyLines(
    usage === null ? [] : overageLines([month], usage),
    'The overage total',
  );
  return {
    currency: planVersion.currency,
    recurring,
    firstInvoice: firstInvoice(month, recurring.lines, startsOn),
    overage,
    allInMonthlyCents: sumCents(
      [recurring.monthlyTotalCents, overage.monthlyTotalCents],
      'The monthly total',
    ),
  };
}

function monthlyLines(lines: readonly QuoteLine[], what: string): MonthlyLines {
  return { lines, monthlyTotalCents: sumCents(amountsOf(lines), what) };
}

/**
 * Returns what a subscription's first month end will bill, by the plan's policy. Never includes
 * overage, which is known only when the month is over.
 * @param month the plan version and addons for a whole month
 * @param recurring the lines of that month
 */
function firstInvoice(
  month: RatedPart,
  recurring: readonly QuoteLine[],
  startsOn: string | null,
): FirstInvoice {
  if (startsOn === null) return { periodStart: null, periodEnd: null, ...rate(month, recurring) };
  const start = parseDate(startsOn);
  const period = {
    periodStart: start.toString(),
    periodEnd: start.with({ day: start.daysInMonth }).toString(),
  };
  if (month.planVersion.proration === 'none') return { ...period, ...rate(month, recurring) };
  const share = restOfMonth(startsOn);
  const part = { ...month, share, addons: month.addons.map(({ addon }) => ({ addon, share })) };
  const lines = recurringLines(part).map((line) => ({
    ...line,
    // Also for a whole month, so that the reader sees that the policy applies.
    meta: { ...line.meta, proration_fraction: fractionOf(share) },
  }));
  return { ...period, ...rate(part, lines) };
}

function rate(part: RatedPart, lines: readonly QuoteLine[]) {
  return {
    // At most the recurring total, which is already known to be in range.
    proratedTotalCents: sumCents(amountsOf(lines)),
    lines,
    allowances: allowancesOf([part]),
  };
}

function amountsOf(lines: readonly QuoteLine[]): number[] {
  return lines.map(({ amountCents }) => amountCents);
}
