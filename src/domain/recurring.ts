import { checkPrice } from './cents.ts';
import { toDecimalString } from './decimal.ts';
import { nameMeta, nameOfKind } from './names.ts';
import { shareMeta, shareOfPrice, type MonthShare } from './proration.ts';
import { parseQuantity } from './quantity.ts';
import type { RatedAddon, RatedPart } from './rated-part.ts';
import type { PlanVersion, QuoteLine } from './types.ts';

/**
 * Returns the plan's base price, then the addons in the given order, each for its share of the
 * month; no line for 0 days (docs/spec.md#recurring-charges).
 * @throws DomainError `invalid_amount`, `invalid_quantity`
 */
export function recurringLines({ planVersion, share, addons }: RatedPart): QuoteLine[] {
  return [
    ...(share.days === 0 ? [] : [planBaseLine(planVersion, share)]),
    ...addons
      .filter(({ share: { days } }) => days > 0)
      .map((rated) => addonLine(rated, planVersion)),
  ];
}

function planBaseLine(planVersion: PlanVersion, share: MonthShare): QuoteLine {
  const { id, version, basePriceCents } = planVersion;
  const priceCents = checkPrice(basePriceCents, `Base price of plan version ${id}`);
  return {
    kind: 'plan_base',
    resourceKind: null,
    description: 'Plan base',
    qty: '1',
    unit: 'month',
    unitPriceCents: String(priceCents),
    amountCents: shareOfPrice(priceCents, share),
    meta: {
      plan_version_id: id,
      version,
      ...nameMeta('plan_name', planVersion.name),
      ...shareMeta(share),
    },
  };
}

function addonLine({ addon, share }: RatedAddon, planVersion: PlanVersion): QuoteLine {
  const { code, resourceKind, qty } = addon;
  const priceCents = checkPrice(addon.priceCents, `Price of addon ${code}`);
  return {
    kind: 'addon',
    resourceKind,
    description: `Addon: ${code}`,
    qty: '1',
    unit: 'month',
    unitPriceCents: String(priceCents),
    amountCents: shareOfPrice(priceCents, share),
    meta: {
      addon_code: code,
      included_qty: toDecimalString(parseQuantity(qty, `Quantity of addon ${code}`)),
      ...nameMeta('addon_name', addon.name),
      ...nameMeta('resource_name', nameOfKind(resourceKind, planVersion)),
      ...shareMeta(share),
    },
  };
}
