import { groupDigits } from '../domain/format.ts';
import { builtInFactor } from '../domain/units.ts';
import { NO_BREAK } from './dates.ts';
import { textOf, type Meta } from './line-meta.ts';

/** The words for units of quantities and prices. */

/** A name with its plural. */
export interface Words {
  readonly one: string;
  /** Null if nothing but "3 × NAME" fits, as for "1,000 tokens". */
  readonly many: string | null;
}

/** Names of base units: what is counted, whatever number of them a price is for. Hyphens don't break. */
const BASE_UNITS: ReadonlyMap<string, Words> = new Map(
  Object.entries({
    month: { one: 'month', many: 'months' },
    invoice: { one: 'invoice', many: 'invoices' },
    item: { one: 'item', many: 'items' },
    request: { one: 'request', many: 'requests' },
    '1k_tokens': { one: 'token', many: 'tokens' },
    '1m_tokens': { one: 'token', many: 'tokens' },
    hour: { one: 'hour', many: 'hours' },
    gb_month: { one: 'GB\u2011month', many: 'GB\u2011months' },
    gb: { one: 'GB', many: 'GB' },
    zone: { one: 'zone', many: 'zones' },
    snapshot: { one: 'snapshot', many: 'snapshots' },
  }),
);

/** Returns the name of what a unit counts, or null if it has none: tokens for `1k_tokens`. */
export function baseUnit(unit: string | null): Words | null {
  return (unit === null ? undefined : BASE_UNITS.get(unit)) ?? null;
}

/** Base units per priced unit, a decimal string. Factor and label of a unit of the catalogue are in its line's meta. */
export function factorOf(unit: string | null, meta: Meta): string {
  return textOf(meta.unit_factor) || String(builtInFactor(unit));
}

/** Returns the name of what a price is for: `1,000 tokens`, `hour`. Null for a price of one nameless base unit. */
export function pricedUnit(unit: string | null, meta: Meta): Words | null {
  if (unit === null) return null;
  const label = textOf(meta.unit_label);
  if (label !== '') return { one: label, many: textOf(meta.unit_label_plural) || null };
  const base = baseUnit(unit);
  const factor = factorOf(unit, meta);
  if (base === null || factor === '1') return base ?? { one: unit, many: unit };
  return { one: `${groupDigits(factor)}${NO_BREAK}${base.many}`, many: null };
}

/** Returns what a price is for: `per hour`, `each`. */
export function perUnit(words: Words | null): string {
  return words === null ? 'each' : `per${NO_BREAK}${words.one}`;
}

/** Returns a quantity of base units, on one line: `1 hour`, `0.5 hours`, `1,500`. */
export function withUnit(qty: string, words: Words | null): string {
  const name = words && (qty === '1' ? words.one : words.many);
  return name === null ? groupDigits(qty) : `${groupDigits(qty)}${NO_BREAK}${name}`;
}
