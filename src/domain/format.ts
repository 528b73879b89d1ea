/** Exact amounts and quantities as people read them. */

/** Cents as an amount with two decimals: `1234567` → `12,345.67`. Exact, also beyond 2^53. */
export function formatCents(cents: number | string): string {
  return groupDigits(toAmount(cents));
}

/** Cents as a decimal string, for programs: `1234567` → `12345.67`. */
export function toAmount(cents: number | string): string {
  const value = BigInt(cents);
  const digits = String(value < 0n ? -value : value).padStart(3, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A count or an exact decimal with thousands separators: `1234567.5` → `1,234,567.5`. */
export function groupDigits(number: number | string): string {
  const [whole = '', fraction] = String(number).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
