import { sumDecimals, toDecimalString, type Decimal } from './decimal.ts';
import { nameMeta } from './names.ts';
import {
  isWhole,
  shareMeta,
  shareOfQuantity,
  type DayFraction,
  type MonthShare,
} from './proration.ts';
import { parseQuantity } from './quantity.ts';
import type { RatedPart } from './rated-part.ts';
import type { JsonObject, PlanItem, Qty, QuotedAllowance } from './types.ts';

/** What is included of a resource kind in a month (docs/spec.md#overage). */
export interface Allowance {
  /** By the plans, each for its share of the month. */
  readonly included: Decimal;
  /** By addons, likewise. */
  readonly added: Decimal;
  /** How the two come about, for the line's `meta`: only if something counts for a part of the month. */
  readonly parts: readonly JsonObject[] | null;
}

/**
 * Adds up what is included of a kind in all parts of a month.
 * @throws DomainError `invalid_quantity`
 */
export function allowanceOf(kind: string, parts: readonly RatedPart[]): Allowance {
  const plans = parts.flatMap(({ planVersion, share }) =>
    planVersion.items
      .filter(({ resourceKind }) => resourceKind === kind)
      .map(({ includedQty }) =>
        contribution(
          { plan_version_id: planVersion.id, ...nameMeta('plan_name', planVersion.name) },
          includedQty,
          share,
          `Included quantity of ${kind}`,
        ),
      ),
  );
  const addons = parts
    .flatMap((part) => part.addons)
    .filter(({ addon }) => addon.resourceKind === kind)
    .map(({ addon, share }) =>
      contribution(
        { addon_code: addon.code, ...nameMeta('addon_name', addon.name) },
        addon.qty,
        share,
        `Quantity of addon ${addon.code}`,
      ),
    );
  const all = [...plans, ...addons].filter(({ qty }) => !qty.isZero());
  return {
    included: sumDecimals(plans.map(({ qty }) => qty)),
    added: sumDecimals(addons.map(({ qty }) => qty)),
    parts: all.every(({ share }) => isWhole(share)) ? null : all.map(describe),
  };
}

/**
 * Returns the cap of an item of the last plan for the days of all parts; null: no cap.
 * @throws DomainError `invalid_quantity`
 */
export function capOf(item: PlanItem, parts: readonly RatedPart[]): Decimal | null {
  if (item.hardCapQty === null) return null;
  const cap = parseQuantity(item.hardCapQty, `Hard cap of ${item.resourceKind}`);
  return shareOfQuantity(cap, shareOfAll(parts));
}

/** A month's days belong to at most one part each, so the parts add up to a month at most. */
function shareOfAll(parts: readonly RatedPart[]): DayFraction {
  return {
    days: parts.reduce((sum, { share: { days } }) => sum + days, 0),
    daysInMonth: parts[0]?.share.daysInMonth ?? 1,
  };
}

/**
 * Returns what is included of each kind of the last part's plan, in the order of its items.
 * @throws DomainError `invalid_quantity`
 */
export function allowancesOf(parts: readonly RatedPart[]): readonly QuotedAllowance[] {
  const items = parts.at(-1)?.planVersion.items ?? [];
  return items.map((item) => {
    const { included, added } = allowanceOf(item.resourceKind, parts);
    const cap = capOf(item, parts);
    return {
      resourceKind: item.resourceKind,
      includedQty: toDecimalString(included),
      addonQty: toDecimalString(added),
      allowance: toDecimalString(included.plus(added)),
      hardCapQty: cap && toDecimalString(cap),
    };
  });
}

interface Contribution {
  readonly source: JsonObject;
  readonly monthlyQty: Decimal;
  readonly share: MonthShare;
  readonly qty: Decimal;
}

function contribution(
  source: JsonObject,
  monthly: Qty | null,
  share: MonthShare,
  what: string,
): Contribution {
  const monthlyQty = parseQuantity(monthly, what);
  return { source, monthlyQty, share, qty: shareOfQuantity(monthlyQty, share) };
}

function describe({ source, monthlyQty, share, qty }: Contribution): JsonObject {
  return {
    ...source,
    monthly_qty: toDecimalString(monthlyQty),
    qty: toDecimalString(qty),
    ...shareMeta(share),
  };
}
