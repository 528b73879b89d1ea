import { allowanceOf, capOf } from './allowance.ts';
import { Decimal, roundToCents, toDecimalString } from './decimal.ts';
import { nameMeta } from './names.ts';
import { parseQuantity } from './quantity.ts';
import type { RatedPart } from './rated-part.ts';
import type { PlanItem, QuoteLine, Usage } from './types.ts';
import { parseUnitPrice } from './unit-price.ts';
import { unitFactor, unitMeta } from './units.ts';

/**
 * Returns the overage lines of a month, in the order of the last part's plan items. What is
 * included adds up over all parts; what goes beyond is priced by the last plan
 * (docs/spec.md#overage). Ignores usage of kinds that the last plan doesn't have.
 * @param parts by start, at least one
 * @throws DomainError `invalid_quantity`, `invalid_amount`, `amount_out_of_range`
 */
export function overageLines(parts: readonly RatedPart[], usage: Usage): QuoteLine[] {
  const items = parts.at(-1)?.planVersion.items ?? [];
  return items.flatMap((item) => overageLine(item, parts, usage) ?? []);
}

function overageLine(item: PlanItem, parts: readonly RatedPart[], usage: Usage): QuoteLine | null {
  const kind = item.resourceKind;
  const { included, added, parts: allowanceParts } = allowanceOf(kind, parts);
  const allowance = included.plus(added);
  const used = usedQuantity(kind, usage);
  const cap = capOf(item, parts);
  const overage = overageQuantity(used, allowance, cap);
  if (item.overagePriceCents === null || overage.isZero()) return null;

  const price = parseUnitPrice(item.overagePriceCents, `Overage price of ${kind}`);
  const factor = unitFactor(item);
  return {
    kind: 'overage',
    resourceKind: kind,
    description: `${kind} overage`,
    qty: toDecimalString(overage),
    unit: item.overageUnit,
    unitPriceCents: toDecimalString(price),
    amountCents: roundToCents(
      // Multiplied before it is divided, and rounded only here.
      overage.times(price).dividedBy(factor),
      `Overage of ${kind}`,
    ),
    meta: {
      included_qty: toDecimalString(included),
      addon_qty: toDecimalString(added),
      allowance: toDecimalString(allowance),
      used: toDecimalString(used),
      capped: cap !== null && used.greaterThan(cap),
      ...nameMeta('resource_name', item.name),
      ...unitMeta(item, factor),
      ...(allowanceParts !== null && { allowance_parts: allowanceParts }),
    },
  };
}

/**
 * Returns how much of the usage is beyond the allowance. The cap limits the billed usage, not the overage; addons don't
 * raise it.
 * @param cap null: no cap
 */
export function overageQuantity(used: Decimal, allowance: Decimal, cap: Decimal | null): Decimal {
  const billable = cap === null ? used : Decimal.min(used, cap);
  return Decimal.max(billable.minus(allowance), 0);
}

function usedQuantity(kind: string, usage: Usage): Decimal {
  // Own properties only: a resource kind may be called `constructor`.
  const qty = Object.hasOwn(usage, kind) ? (usage[kind] ?? null) : null;
  return parseQuantity(qty, `Usage of ${kind}`);
}
