import { checkPrice } from './cents.ts';
import { toDecimalString } from './decimal.ts';
import { parseQuantity } from './quantity.ts';
import type { PlanVersion, QuoteAddon, QuoteLine } from './types.ts';

/**
 * Returns the lines of a full month: the plan's base price, then the addons in the given order
 * (docs/spec.md#recurring-charges).
 * @throws DomainError `invalid_amount`, `invalid_quantity`
 */
export function recurringLines(
  planVersion: PlanVersion,
  addons: readonly QuoteAddon[],
): QuoteLine[] {
  return [planBaseLine(planVersion), ...addons.map(addonLine)];
}

function planBaseLine({ id, version, basePriceCents }: PlanVersion): QuoteLine {
  const amountCents = checkPrice(basePriceCents, `Base price of plan version ${id}`);
  return {
    kind: 'plan_base',
    resourceKind: null,
    description: 'Plan base',
    qty: '1',
    unit: 'month',
    unitPriceCents: amountCents,
    amountCents,
    meta: { plan_version_id: id, version },
  };
}

function addonLine({ code, resourceKind, qty, priceCents }: QuoteAddon): QuoteLine {
  const amountCents = checkPrice(priceCents, `Price of addon ${code}`);
  return {
    kind: 'addon',
    resourceKind,
    description: `Addon: ${code}`,
    qty: '1',
    unit: 'month',
    unitPriceCents: amountCents,
    amountCents,
    meta: {
      addon_code: code,
      included_qty: toDecimalString(parseQuantity(qty, `Quantity of addon ${code}`)),
    },
  };
}
