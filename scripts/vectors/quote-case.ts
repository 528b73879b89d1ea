import { z } from 'zod';
import { quoteToJson, type LineJson } from '../../src/domain/quote-json.ts';
import { quote } from '../../src/domain/quote.ts';
import { planVersion, priceText, qty, toPlanVersion } from './fields.ts';

const addon = z.intersection(
  z.object({ resource_kind: z.string(), qty: qty.nullable(), price_cents: z.int() }),
  z.union([
    z.object({ type: z.literal('catalog'), code: z.string() }),
    z.object({
      type: z.literal('subscription'),
      addon_id: z.union([z.string(), z.int()]),
    }),
  ]),
);

/** A quote: `{id, plan_version, addons, opts, expected}`. */
export const quoteCase = z.object({
  id: z.string(),
  plan_version: planVersion.extend({
    // Some cases have an integer, which the quote passes through.
    id: z.union([z.string(), z.int()]),
  }),
  addons: z.array(addon),
  opts: z.object({
    // Not a `z.record`, which would drop the valid name `__proto__`.
    usage: z.custom<Readonly<Record<string, string | number | null>>>().nullable(),
    starts_on: z.string().nullable(),
  }),
  expected: z.looseObject({}),
});

/**
 * These cases are older than `1m_tokens`: they use it as an example of an unlisted unit, whose factor
 * is 1. Months and the product count 1,000,000.
 */
const UNITS = { '1m_tokens': 1 };

/** Returns the quote in the form of `expected`. */
export function computeQuote(given: z.infer<typeof quoteCase>): unknown {
  const { id, ...plan } = given.plan_version;
  const addons = given.addons.map((each) => ({
    code: each.type === 'subscription' ? each.addon_id : each.code,
    resourceKind: each.resource_kind,
    qty: each.qty,
    priceCents: each.price_cents,
  }));
  const { first_invoice, ...rest } = quoteToJson(
    quote(toPlanVersion(id as string, plan, UNITS), addons, {
      usage: given.opts.usage,
      startsOn: given.opts.starts_on,
    }),
  );
  const { period_start, period_end, prorated_total_cents, lines } = first_invoice;
  return normalize({
    ...rest,
    first_invoice: { period_start, period_end, prorated_total_cents, lines },
  });
}

/** Says where a case is read by an older rule than the product's; null: nowhere. */
export function noteOf({ plan_version: { items } }: z.infer<typeof quoteCase>): string | null {
  const isOlder = items.some(({ overage_unit }) => Object.hasOwn(UNITS, overage_unit ?? ''));
  return isOlder
    ? 'read with 1m_tokens as an unlisted unit, factor 1; the product counts 1,000,000'
    : null;
}

/** Returns `expected` in the product's spelling. */
export function normalizeQuote({ expected }: z.infer<typeof quoteCase>): unknown {
  return normalize(expected);
}

/** The files have fractions as two numbers, and prices as integers. */
function normalize(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, part: unknown) => {
    // Only the unit above has a factor of its own.
    if (key === 'unit_factor' || key === 'unit_label') return undefined;
    if (key === 'unit_price_cents') return priceText(part as LineJson['unit_price_cents']);
    if (key !== 'proration_fraction' || typeof part !== 'object') return part;
    const fraction = part as { days_remaining: number; days_in_month: number };
    return `${fraction.days_remaining}/${fraction.days_in_month}`;
  });
}
