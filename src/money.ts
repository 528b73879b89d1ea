/** Cents as an amount with two decimals: `1234567` → `12,345.67`. Exact, also beyond 2^53. */
export function formatCents(cents: number | string): string {
  const value = BigInt(cents);
  const digits = String(value < 0n ? -value : value).padStart(3, '0');
  const units = digits.slice(0, -2).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return `${value < 0n ? '-' : ''}${units}.${digits.slice(-2)}`;
}
