import { sumCents } from './cents.ts';
import { overageLines } from './overage.ts';
import { prorateLine, prorationFrom } from './proration.ts';
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
  const recurring = monthlyLines(recurringLines(planVersion, addons), 'The recurring total');
  const overage = monthlyLines(
    usage === null ? [] : overageLines(planVersion.items, addons, usage),
    'The overage total',
  );
  return {
    currency: planVersion.currency,
    recurring,
    firstInvoice: firstInvoice(recurring.lines, startsOn),
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

/** Never includes overage, which is known only when the month is over. */
function firstInvoice(recurring: readonly QuoteLine[], startsOn: string | null): FirstInvoice {
  const proration = startsOn === null ? null : prorationFrom(startsOn);
  const lines =
    proration === null ? recurring : recurring.map((line) => prorateLine(line, proration));
  return {
    periodStart: proration?.periodStart ?? null,
    periodEnd: proration?.periodEnd ?? null,
    // At most the recurring total, which is already known to be in range.
    proratedTotalCents: sumCents(amountsOf(lines)),
    lines,
  };
}

function amountsOf(lines: readonly QuoteLine[]): number[] {
  return lines.map(({ amountCents }) => amountCents);
}
