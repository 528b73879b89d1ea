import { checkPrice } from './cents.ts';
import { Decimal, roundToCents, sumDecimals, toDecimalString } from './decimal.ts';
import { overageUnitFactor } from './overage-unit.ts';
import { parseQuantity } from './quantity.ts';
import type { PlanItem, QuoteAddon, QuoteLine, Usage } from './types.ts';

/**
 * Returns the overage lines of a plan's items, in their order (docs/spec.md#overage). Ignores usage
 * of kinds that the plan doesn't have.
 * @throws DomainError `invalid_quantity`, `invalid_amount`, `amount_out_of_range`
 */
export function overageLines(
  items: readonly PlanItem[],
  addons: readonly QuoteAddon[],
  usage: Usage,
): QuoteLine[] {
  return items.flatMap((item) => overageLine(item, addons, usage) ?? []);
}

function overageLine(
  item: PlanItem,
  addons: readonly QuoteAddon[],
  usage: Usage,
): QuoteLine | null {
  const kind = item.resourceKind;
  const included = parseQuantity(item.includedQty, `Included quantity of ${kind}`);
  const lifted = addonQuantity(kind, addons);
  const allowance = included.plus(lifted);
  const used = usedQuantity(kind, usage);
  const { billable, capped } = capUsage(item, used);

  const overage = billable.minus(allowance);
  if (item.overagePriceCents === null || !overage.greaterThan(0)) return null;

  const unitPriceCents = checkPrice(item.overagePriceCents, `Overage price of ${kind}`);
  return {
    kind: 'overage',
    resourceKind: kind,
    description: `${kind} overage`,
    qty: toDecimalString(overage),
    unit: item.overageUnit,
    unitPriceCents,
    amountCents: roundToCents(
      // Multiplied before it is divided, and rounded only here.
      overage.times(unitPriceCents).dividedBy(overageUnitFactor(item.overageUnit)),
      `Overage of ${kind}`,
    ),
    meta: {
      included_qty: toDecimalString(included),
      addon_qty: toDecimalString(lifted),
      allowance: toDecimalString(allowance),
      used: toDecimalString(used),
      capped,
    },
  };
}

function addonQuantity(kind: string, addons: readonly QuoteAddon[]): Decimal {
  return sumDecimals(
    addons
      .filter(({ resourceKind }) => resourceKind === kind)
      .map(({ code, qty }) => parseQuantity(qty, `Quantity of addon ${code}`)),
  );
}

function usedQuantity(kind: string, usage: Usage): Decimal {
  // Own properties only: a resource kind may be called `constructor`.
  const qty = Object.hasOwn(usage, kind) ? (usage[kind] ?? null) : null;
  return parseQuantity(qty, `Usage of ${kind}`);
}

/** Applies the cap, which limits the billed usage, not the overage; addons don't raise it. */
function capUsage(item: PlanItem, used: Decimal): { billable: Decimal; capped: boolean } {
  if (item.hardCapQty === null) return { billable: used, capped: false };
  const cap = parseQuantity(item.hardCapQty, `Hard cap of ${item.resourceKind}`);
  return { billable: Decimal.min(used, cap), capped: used.greaterThan(cap) };
}
