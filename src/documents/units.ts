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

/** What a quantity counts: an overage's is in base units, whatever its price is for. */
export function quantityUnit(unit: string): string {
  return UNITS[unit]?.[0] ?? unit;
}

/** What a unit price is for. */
export function priceUnit(unit: string): string {
  return UNITS[unit]?.[1] ?? unit;
}
