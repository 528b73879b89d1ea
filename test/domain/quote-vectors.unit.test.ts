import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { quoteToJson } from '../../src/domain/quote-json.ts';
import { quote } from '../../src/domain/quote.ts';
import type { PlanVersion, Qty, QuoteAddon, Usage } from '../../src/domain/types.ts';

interface VectorItem {
  resource_kind: string;
  included_qty: Qty | null;
  hard_cap_qty: Qty | null;
  overage_price_cents: number | null;
  overage_unit: string | null;
}

interface VectorPlanVersion {
  /** Some vectors have an integer here, which the quote passes through. */
  id: string;
  version: number;
  currency: string;
  base_price_cents: number;
  items: VectorItem[];
}

type VectorAddon = { resource_kind: string; qty: Qty | null; price_cents: number } & (
  { type: 'catalog'; code: string } | { type: 'subscription'; addon_id: string | number }
);

interface VectorCase {
  id: string;
  category: string;
  plan_version: VectorPlanVersion;
  addons: VectorAddon[];
  opts: { usage: Usage | null; starts_on: string | null };
  expected: unknown;
}

const cases = JSON.parse(
  readFileSync(new URL('../vectors/quote.json', import.meta.url), 'utf8'),
  toProductForm,
) as VectorCase[];

/** The vectors have prices as numbers and the fraction as two; the product writes `"2"` and `"12/31"`. */
function toProductForm(key: string, value: unknown): unknown {
  if (key === 'unit_price_cents') return value === null ? null : String(value);
  if (key !== 'proration_fraction') return value;
  const fraction = value as { days_remaining: number; days_in_month: number };
  return `${fraction.days_remaining}/${fraction.days_in_month}`;
}

function toPlanVersion(vector: VectorPlanVersion): PlanVersion {
  return {
    id: vector.id,
    version: vector.version,
    currency: vector.currency,
    basePriceCents: vector.base_price_cents,
    proration: 'daily',
    items: vector.items.map((item) => ({
      resourceKind: item.resource_kind,
      includedQty: item.included_qty,
      hardCapQty: item.hard_cap_qty,
      overagePriceCents: item.overage_price_cents,
      overageUnit: item.overage_unit,
    })),
  };
}

function toAddon(vector: VectorAddon): QuoteAddon {
  return {
    code: vector.type === 'subscription' ? vector.addon_id : vector.code,
    resourceKind: vector.resource_kind,
    qty: vector.qty,
    priceCents: vector.price_cents,
  };
}

test('every vector has a test', () => {
  expect(cases).toHaveLength(140);
});

test.each(cases)('$id ($category)', ({ plan_version, addons, opts, expected }) => {
  const actual = quote(toPlanVersion(plan_version), addons.map(toAddon), {
    usage: opts.usage,
    startsOn: opts.starts_on,
  });
  expect(quoteToJson(actual)).toStrictEqual(expected);
});
