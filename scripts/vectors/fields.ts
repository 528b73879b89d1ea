import { z } from 'zod';
import type { PlanItem, PlanVersion } from '../../src/domain/types.ts';

/** The fields that the forms of cases share. Money is integer cents, prices may be decimal strings. */

export const qty = z.union([z.int(), z.string()]);
const price = z.union([z.int(), z.string()]);

export const planVersion = z.object({
  version: z.int(),
  currency: z.string(),
  base_price_cents: z.int(),
  // Cases of the plain quote have none: they expect a first invoice by days.
  proration: z.enum(['daily', 'none']).default('daily'),
  items: z.array(
    z.object({
      resource_kind: z.string(),
      included_qty: qty.nullable(),
      hard_cap_qty: qty.nullable(),
      overage_price_cents: price.nullable(),
      overage_unit: z.string().nullable(),
    }),
  ),
});

/** Factors by code, of the units that are not built in. */
export const units = z.record(z.string(), qty);
type Units = z.infer<typeof units>;

export function toPlanVersion(
  id: string,
  plan: z.infer<typeof planVersion>,
  units: Units = {},
): PlanVersion {
  return {
    id,
    version: plan.version,
    currency: plan.currency,
    basePriceCents: plan.base_price_cents,
    proration: plan.proration,
    items: plan.items.map((item) => toItem(item, units)),
  };
}

function toItem(item: z.infer<typeof planVersion>['items'][number], units: Units): PlanItem {
  // Own properties only: some cases have a unit `constructor`.
  const unit = item.overage_unit ?? '';
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return {
    resourceKind: item.resource_kind,
    includedQty: item.included_qty,
    hardCapQty: item.hard_cap_qty,
    overagePriceCents: item.overage_price_cents,
    overageUnit: item.overage_unit,
    definedUnit: factor === undefined ? null : { factor, label: unit, labelPlural: null },
  };
}

/** Prices compare by their decimal strings, whether a file has an integer or a string. */
export function priceText(cents: number | string | null): string | null {
  return cents === null ? null : String(cents);
}
