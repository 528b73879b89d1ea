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

/** A quote as the API serves it (docs/spec.md#the-quote). */
export interface QuoteJson {
  readonly currency: string;
  readonly recurring: MonthlyLinesJson;
  readonly first_invoice: {
    readonly period_start: string | null;
    readonly period_end: string | null;
    readonly prorated_total_cents: number;
    readonly lines: readonly LineJson[];
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

function monthlyLinesToJson({ lines, monthlyTotalCents }: MonthlyLines): MonthlyLinesJson {
  return { lines: lines.map(lineToJson), monthly_total_cents: monthlyTotalCents };
}
