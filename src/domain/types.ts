/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A quantity that is not negative: a decimal string such as `"12.5"`, or a safe integer. */
export type Qty = string | number;

/**
 * A price of cents per unit that is not negative: a decimal string with at most 16 digits before and 12
 * after the point, such as `"0.0425"`, or a safe integer.
 */
export type UnitPrice = string | number;

/** A unit that the catalogue defines beside the built-in ones (docs/spec.md#units). It never changes. */
export interface DefinedUnit {
  /** Base units per unit, above 0. */
  readonly factor: Qty;
  /** One of it, as documents say it: `block of 10`. */
  readonly label: string;
  /** Several of it; null: documents say `3 × LABEL`. */
  readonly labelPlural: string | null;
}

/** One resource kind of a plan version. A version has at most one item per kind. */
export interface PlanItem {
  readonly resourceKind: string;
  /** What people call the resource kind. Null or absent: its code in words. */
  readonly name?: string | null;
  /** Null counts as nothing included. */
  readonly includedQty: Qty | null;
  /** The most *usage* that is billed; null: no cap; 0 is a cap. */
  readonly hardCapQty: Qty | null;
  /** Per overage unit; null: overage is never billed; 0 is a price. */
  readonly overagePriceCents: UnitPrice | null;
  /** What the price is for; null: one base unit. */
  readonly overageUnit: string | null;
  /**
   * The overage unit, if the catalogue defines it; null: a built-in unit, or none. Units are as immutable
   * as plan versions, so they belong to the item.
   */
  readonly definedUnit: DefinedUnit | null;
}

/**
 * What a part of a month costs (docs/spec.md#terms): `daily` by days, `none` a full month or nothing. Plan
 * versions say it.
 */
export type Proration = 'daily' | 'none';

/** One immutable version of a plan. */
export interface PlanVersion {
  readonly id: string;
  /** What people call the plan. Null or absent: its code in words. */
  readonly name?: string | null;
  readonly version: number;
  readonly currency: string;
  /** Per month. */
  readonly basePriceCents: number;
  readonly proration: Proration;
  /** In the order in which their overage lines appear. */
  readonly items: readonly PlanItem[];
}

/** An addon of the catalogue, or the snapshot of one that a subscription holds. */
export interface QuoteAddon {
  readonly code: string | number;
  /** What people call it. Null or absent: its code in words. */
  readonly name?: string | null;
  readonly resourceKind: string;
  /** Raises the allowance of the resource kind; null counts as 0. */
  readonly qty: Qty | null;
  /** Per month. */
  readonly priceCents: number;
}

/** Quantity used by resource kind, in base units (tokens, not thousands of them). Null counts as 0. */
export type Usage = Readonly<Record<string, Qty | null>>;

export interface QuoteOptions {
  /**
   * Projected usage for a preview, actual usage at month end. Null leaves out overage altogether,
   * `{}` means no usage. Required, because forgetting it would give overage away.
   */
  readonly usage: Usage | null;
  /** The calendar date (`"2026-05-20"`) on which a subscription starts; absent: a full month. */
  readonly startsOn?: string | null;
}

/** The kinds of lines, in the order in which documents have them. */
export const LINE_KINDS = [
  ...(['plan_base', 'addon', 'overage', 'llm_usage'] as const),
  ...(['item', 'credit', 'tax'] as const),
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** One line of a quote or an invoice. */
export interface QuoteLine {
  readonly kind: LineKind;
  readonly resourceKind: string | null;
  readonly description: string;
  /** Canonical decimal string. */
  readonly qty: string;
  /** Null only on overage whose plan item names no unit: its price is for one base unit. */
  readonly unit: string | null;
  /** Canonical decimal string; null if the amount is not computed from a unit price (LLM usage, items, tax). */
  readonly unitPriceCents: string | null;
  readonly amountCents: number;
  /** Stored and served unchanged, hence in snake_case; quantities are canonical decimal strings. */
  readonly meta: JsonObject;
}

/** Lines that repeat every month, with their total. */
export interface MonthlyLines {
  readonly lines: readonly QuoteLine[];
  readonly monthlyTotalCents: number;
}

/** The recurring lines of a subscription's first invoice. */
export interface FirstInvoice {
  /** Inclusive calendar dates; null without a start date. */
  readonly periodStart: string | null;
  readonly periodEnd: string | null;
  readonly proratedTotalCents: number;
  readonly lines: readonly QuoteLine[];
  /** What is included in it, in the order of the plan's items. */
  readonly allowances: readonly QuotedAllowance[];
}

/** What a first invoice includes of a resource kind. Canonical decimal strings. */
export interface QuotedAllowance {
  readonly resourceKind: string;
  readonly includedQty: string;
  readonly addonQty: string;
  /** The sum of both. */
  readonly allowance: string;
  /** The most usage that is billed; null: no cap. */
  readonly hardCapQty: string | null;
}

/** The result of `quote` (docs/spec.md#the-quote). */
export interface Quote {
  readonly currency: string;
  readonly recurring: MonthlyLines;
  readonly firstInvoice: FirstInvoice;
  readonly overage: MonthlyLines;
  /** Recurring and overage. */
  readonly allInMonthlyCents: number;
}
