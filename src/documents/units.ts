/** Units as an invoice names them: of the quantity, and of what the price is for. */
const UNITS: Readonly<Record<string, readonly [quantity: string, price: string]>> = {
  month: ['month', 'month'],
  request: ['requests', 'request'],
  '1k_tokens': ['tokens', '1,000 tokens'],
  hour: ['hours', 'hour'],
  gb_month: ['GB-months', 'GB-month'],
  gb: ['GB', 'GB'],
  zone: ['zones', 'zone'],
  snapshot: ['snapshots', 'snapshot'],
};

/**
 * A quantity with its unit. An overage's is in base units, whatever its price is for. A line without a
 * unit shows the number alone.
 * @param qty as it is to be shown
 */
export function withQuantityUnit(qty: string, unit: string | null): string {
  return unit === null ? qty : `${qty} ${UNITS[unit]?.[0] ?? unit}`;
}

/** A unit price with what it is for: `$0.02 per GB`, or `$0.02 each` where the line has no unit. */
export function withPriceUnit(price: string, unit: string | null): string {
  return unit === null ? `${price} each` : `${price} per ${UNITS[unit]?.[1] ?? unit}`;
}
