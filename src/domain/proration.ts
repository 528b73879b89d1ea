import { Decimal, roundToCents } from './decimal.ts';
import { parseDate } from './period.ts';
import type { QuoteLine } from './types.ts';

/** The rest of a month, from a start date to the month's last day. */
export interface Proration {
  /** Inclusive calendar dates. */
  readonly periodStart: string;
  readonly periodEnd: string;
  /** The start date counts. */
  readonly daysRemaining: number;
  readonly daysInMonth: number;
}

/** @throws DomainError `invalid_date` */
export function prorationFrom(startsOn: string): Proration {
  const start = parseDate(startsOn);
  const { daysInMonth } = start;
  return {
    periodStart: start.toString(),
    periodEnd: start.with({ day: daysInMonth }).toString(),
    daysRemaining: daysInMonth - start.day + 1,
    daysInMonth,
  };
}

/**
 * Returns a recurring line for the rest of the month: its amount is prorated and rounded, its unit
 * price stays (docs/spec.md#first-invoice). `proration_fraction` is not reduced, so that it shows
 * the days.
 */
export function prorateLine(line: QuoteLine, { daysRemaining, daysInMonth }: Proration): QuoteLine {
  return {
    ...line,
    amountCents: roundToCents(
      new Decimal(line.amountCents).times(daysRemaining).dividedBy(daysInMonth),
    ),
    meta: { ...line.meta, proration_fraction: `${daysRemaining}/${daysInMonth}` },
  };
}
