import type { PlacedLine } from './line-changes.ts';
import type { JsonObject, LineKind, MonthlyLines, Quote, QuoteLine } from './types.ts';

/** A line as the API serves it. */
export interface LineJson {
  readonly kind: LineKind;
  readonly resource_kind: string | null;
  readonly description: string;
  readonly qty: string;
  readonly unit: string | null;
  readonly unit_price_cents: string | null;
  readonly amount_cents: number;
  readonly meta: JsonObject;
}

/** `MonthlyLines` as the API serves them. */
export interface MonthlyLinesJson {
  readonly lines: readonly LineJson[];
  readonly monthly_total_cents: number;
}

/** What the first invoice includes of a resource kind, as the API serves it. */
export interface AllowanceJson {
  readonly resource_kind: string;
  readonly included_qty: string;
  readonly addon_qty: string;
  readonly allowance: string;
  readonly hard_cap_qty: string | null;
}

/** A quote before tax, as the API serves it (docs/spec.md#the-quote). */
export interface QuoteJson {
  readonly currency: string;
  readonly recurring: MonthlyLinesJson;
  readonly first_invoice: {
    readonly period_start: string | null;
    readonly period_end: string | null;
    readonly prorated_total_cents: number;
    readonly lines: readonly LineJson[];
    readonly allowances: readonly AllowanceJson[];
  };
  readonly overage: MonthlyLinesJson;
  readonly all_in_monthly_cents: number;
}

/** Returns the quote's JSON form, in snake_case. */
export function quoteToJson(quote: Quote): QuoteJson {
  return {
    currency: quote.currency,
    recurring: monthlyLinesToJson(quote.recurring),
    first_invoice: {
      period_start: quote.firstInvoice.periodStart,
      period_end: quote.firstInvoice.periodEnd,
      prorated_total_cents: quote.firstInvoice.proratedTotalCents,
      lines: quote.firstInvoice.lines.map(lineToJson),
      allowances: quote.firstInvoice.allowances.map((allowance) => ({
        resource_kind: allowance.resourceKind,
        included_qty: allowance.includedQty,
        addon_qty: allowance.addonQty,
        allowance: allowance.allowance,
        hard_cap_qty: allowance.hardCapQty,
      })),
    },
    overage: monthlyLinesToJson(quote.overage),
    all_in_monthly_cents: quote.allInMonthlyCents,
  };
}

/** Returns the line's JSON form, in snake_case. */
export function lineToJson(line: QuoteLine): LineJson {
  return {
    kind: line.kind,
    resource_kind: line.resourceKind,
    description: line.description,
    qty: line.qty,
    unit: line.unit,
    unit_price_cents: line.unitPriceCents,
    amount_cents: line.amountCents,
    meta: line.meta,
  };
}

/** A line of an invoice as the API serves it. */
export interface PlacedLineJson extends LineJson {
  readonly line_no: number;
  readonly deployment_id: string | null;
  readonly taxable: boolean;
  readonly item_id: string | null;
}

/** Returns the JSON form of an invoice's line, in snake_case. */
export function placedLineToJson(line: PlacedLine): PlacedLineJson {
  const { lineNo, deploymentId, itemId, taxable } = line;
  return {
    ...{ line_no: lineNo, deployment_id: deploymentId },
    ...lineToJson(line),
    ...{ taxable, item_id: itemId },
  };
}

function monthlyLinesToJson({ lines, monthlyTotalCents }: MonthlyLines): MonthlyLinesJson {
  return { lines: lines.map(lineToJson), monthly_total_cents: monthlyTotalCents };
}
