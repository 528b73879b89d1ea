import { minorUnitDecimals } from './currency.ts';

/** Exact amounts and quantities in readable form. */

/**
 * Formats an amount in minor units (`…_cents`) with thousands separators and its currency's decimals:
 * 1234567 in AUD → `12,345.67`, in JPY → `1,234,567`, in KWD → `1,234.567`.
 * @param cents an integer or an exact decimal; as text beyond 2^53
 * @throws RangeError unknown currency
 */
export function formatAmount(cents: number | string, currency: string): string {
  return groupDigits(toAmount(cents, currency));
}

/**
 * Formats an amount for programs, without separators: 1234567 in AUD → `12345.67`.
 * Decimals of a minor unit are kept: `"250.125"` in AUD → `2.50125`.
 * @throws RangeError unknown currency
 */
export function toAmount(cents: number | string, currency: string): string {
  const decimals = minorUnitDecimals(currency);
  const text = String(cents);
  const sign = text.startsWith('-') ? '-' : '';
  const [whole = '', below = ''] = text.slice(sign.length).split('.');
  const digits = whole.padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const fraction = digits.slice(point) + below;
  return `${sign}${digits.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * Parses an amount as people write it into minor units: `"12345.67"` and `"12,345.67"` in AUD → 1234567.
 * @returns null for anything except digits, possibly in groups of three with commas, and at most the currency's
 *   decimals after a point; beyond 2^53 − 1; and for `1,234` in currencies with three decimals or more, where it can
 *   also mean 1.234
 * @throws RangeError unknown currency
 */
export function parseAmount(text: string, currency: string): number | null {
  const decimals = minorUnitDecimals(currency);
  const [, whole, fraction = ''] = /^(\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > decimals) return null;
  if (decimals >= 3 && /^\d+,\d+$/.test(text)) return null;
  const cents = Number(whole.replaceAll(',', '') + fraction.padEnd(decimals, '0'));
  return Number.isSafeInteger(cents) ? cents : null;
}

/** Parses an amount that may have a minus, such as a refund; otherwise like `parseAmount`. */
export function parseSignedAmount(text: string, currency: string): number | null {
  const unsigned = text.replace(/^[-−]/, '');
  const cents = parseAmount(unsigned, currency);
  // Without -0.
  return cents !== null && cents !== 0 && unsigned !== text ? -cents : cents;
}

const DECIMAL_COMMA = /^([-−]?(?:\d+|\d{1,3}(?:[.\s]\d{3})+)),(\d+)$/;

/**
 * Says how to write an amount that was refused, for people: `write 99.50, not 99,50`, or an example.
 * @param range `above 0`: for `parseAmount`; `other than 0`: for `parseSignedAmount`
 * @throws RangeError unknown currency
 */
export function amountHint(
  text: string,
  currency: string,
  range: 'above 0' | 'other than 0',
): string {
  const [, whole = '', fraction = ''] = DECIMAL_COMMA.exec(text) ?? [];
  const meant = `${whole.replaceAll(/[.\s]/g, '')}.${fraction}`;
  const parse = range === 'above 0' ? parseAmount : parseSignedAmount;
  return (parse(meant, currency) ?? 0) === 0
    ? `expected an amount ${range} in ${currency}, such as ${formatAmount(123_450, currency)}`
    : `write ${meant}, not ${text}`;
}

/** Formats an amount with its currency, for sentences: `AUD 1,234.50`. */
export function formatMoney(cents: number | string, currency: string): string {
  return `${currency} ${formatAmount(cents, currency)}`;
}

/**
 * Formats an exact sum of usage: LLM charges as money (`AUD 0.425`), metered usage as a quantity (`1,500.5`).
 * @param currency of LLM charges; null: metered usage
 */
export function formatUsage(total: string, currency: string | null): string {
  return currency === null ? groupDigits(total) : formatMoney(total, currency);
}

/** Formats a count or an exact decimal with thousands separators: `1234567.5` → `1,234,567.5`. */
export function groupDigits(number: number | string): string {
  const [whole = '', fraction] = String(number).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A count with its noun: `1 event`, `1,234 events`. For nouns whose plural ends in `s`. */
export function counted(count: number | string, name: string): string {
  return `${groupDigits(count)} ${String(count) === '1' ? name : `${name}s`}`;
}
