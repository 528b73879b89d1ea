import { datesOfMonth, formatDays, NO_BREAK } from './dates.ts';
import type { Exact } from './priced-quantity.ts';

/** Reads what a line's `meta` says. Fields that are missing or of another type say nothing. */

export type Meta = Readonly<Record<string, unknown>>;

/** Returns a field's text, or an empty text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Returns the billed days over the days of the month; null for a whole month. */
export function shareOf({ proration_fraction }: Meta): Exact | null {
  const [, dividend, divisor] = /^(\d+)\/(\d+)$/.exec(textOf(proration_fraction)) ?? [];
  return dividend === undefined || divisor === undefined ? null : { dividend, divisor };
}

/** Returns `19 of 31 days`; null for a whole month. */
export function shareText(meta: Meta): string | null {
  const share = shareOf(meta);
  return share && `${share.dividend} of ${share.divisor}${NO_BREAK}days`;
}

/** Returns the first and the last billed date of a part of a month, or of late usage; empty for the invoice's month. */
export function serviceDates({
  service_from,
  service_to,
  service_month,
}: Meta): readonly [string, string] {
  const month = textOf(service_month);
  if (month !== '') return datesOfMonth(month);
  return [textOf(service_from), textOf(service_to)];
}

/** Returns `1–19 May, 19 of 31 days`; without dates if the line has none, and nothing for a whole month. */
export function billedDays(meta: Meta): readonly string[] {
  const share = shareText(meta);
  if (share === null) return [];
  const [from, to] = [textOf(meta.service_from), textOf(meta.service_to)];
  return [from === '' ? share : `${formatDays(from, to)}, ${share}`];
}
