import { Decimal, toDecimalString } from './decimal.ts';

/** What an invoice's total is held against before it is issued. */
export interface LastInvoice {
  readonly number: string;
  readonly totalCents: number;
}

/**
 * Whether a total is so far above the last one that somebody has to look at it first. After nothing
 * (no invoice, or one of 0) everything is in bounds: there is nothing to compare it with.
 * @param maxRatio how many times the last total it may be, a decimal string; null: any number
 * @returns null where it is in bounds, else what an operator should read
 */
export function beyondBounds(
  totalCents: number,
  last: LastInvoice | null,
  maxRatio: string | null,
): string | null {
  if (last === null || last.totalCents <= 0 || maxRatio === null) return null;
  if (new Decimal(totalCents).lessThanOrEqualTo(new Decimal(last.totalCents).times(maxRatio))) {
    return null;
  }
  const ratio = new Decimal(totalCents).dividedBy(last.totalCents).toDecimalPlaces(1);
  return (
    `the total would be ${totalCents} cents, ${toDecimalString(ratio)} times the ` +
    `${last.totalCents} cents of ${last.number}, and more than ${maxRatio} times needs somebody ` +
    'to look: force the tenant with "acceptBounds": true and a reason, or exclude what is wrong'
  );
}
