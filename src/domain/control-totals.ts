import { formatAmount, formatUsage } from './format.ts';
import { Decimal, sumDecimals, toDecimalString } from './decimal.ts';
import type { Month } from './period.ts';

/** What a class of usage came to; counts and exact sums as text. */
interface UsageTotal {
  readonly events: string;
  /** LLM usage: exact cents. Metered usage: the quantity. */
  readonly total: string;
}

/** Where accepted usage can be: `unaccounted` must be empty. */
export type UsageClass = 'billed' | 'unbilled' | 'voided' | 'pending' | 'excluded' | 'unaccounted';

/** A month's control totals: what must add up, with nothing left over, when a run has ended. */
export interface ControlTotals {
  readonly tenants: {
    readonly due: number;
    /** The latest outcome of each. */
    readonly rolled: number;
    readonly skipped: number;
    readonly unchanged: number;
    readonly parked: number;
    /** Have an outcome that says there is an invoice, and have none. */
    readonly without_invoice: number;
    /** Have an invoice that stands, and no outcome that says so. */
    readonly without_outcome: number;
    /** Have more than one invoice that stands. */
    readonly with_several: number;
  };
  /** Usage of the service month, accepted on one side and wherever it is on the other. */
  readonly usage: readonly (UsageTotal & {
    readonly source: 'llm' | 'metered';
    readonly resource_kind: string;
    /** Null: metered usage. */
    readonly currency: string | null;
    readonly places: readonly (UsageTotal & {
      readonly state: string;
      readonly class: UsageClass;
    })[];
  })[];
  /** The usage lines of the month's live invoices, by currency: exact cents beside what they were rounded to. */
  readonly lines: readonly {
    readonly currency: string;
    readonly kind: 'overage' | 'llm_usage';
    readonly lines: number;
    readonly exact_cents: string;
    readonly rounded_cents: string;
    /** Lines that are not what the usage tied to them comes to. */
    readonly wrong: number;
  }[];
  /** The month's invoices that stand; sums as text. */
  readonly invoices: readonly {
    readonly currency: string;
    readonly status: 'issued' | 'paid' | 'void';
    readonly invoices: number;
    readonly subtotal_cents: string;
    readonly tax_cents: string;
    readonly total_cents: string;
    readonly lines_cents: string;
    /** Invoices whose lines or tax don't come to what their header says. */
    readonly wrong: number;
  }[];
}

/**
 * What doesn't add up, in sentences; empty where everything does. The invariants behind it:
 * one live invoice per tenant and month; each accepted event on one live line or pending with a
 * reason; lines that add up to totals. Due tenants without an outcome are no mistake but work to do:
 * see {@link workToDo}.
 */
export function findImbalances(totals: ControlTotals): readonly string[] {
  return [
    ...tenantImbalances(totals.tenants),
    ...totals.usage.flatMap(usageImbalances),
    ...totals.lines.flatMap(({ currency, kind, wrong }) =>
      wrong === 0 ? [] : `${wrong} ${kind} lines in ${currency} are not what their usage comes to`,
    ),
    ...totals.invoices.flatMap(invoiceImbalances),
  ];
}

type TenantTotals = Pick<
  ControlTotals['tenants'],
  'due' | 'rolled' | 'skipped' | 'unchanged' | 'parked'
>;

/** Due tenants that no run has looked at. */
export function countWithoutOutcome(tenants: TenantTotals): number {
  const { due, rolled, skipped, unchanged, parked } = tenants;
  return due - rolled - skipped - unchanged - parked;
}

/**
 * What is left to do for a month whose requests are all served, in sentences: tenants that became due
 * after it was closed have no invoice until the month is run again.
 */
export function workToDo(month: Month, tenants: TenantTotals): readonly string[] {
  const waiting = countWithoutOutcome(tenants);
  if (waiting === 0) return [];
  const who = waiting === 1 ? '1 due tenant has' : `${waiting} due tenants have`;
  return [`${who} no outcome yet: run ${month} again (month-end start ${month})`];
}

function tenantImbalances(tenants: ControlTotals['tenants']): string[] {
  const { without_invoice, without_outcome, with_several } = tenants;
  return [
    ...(without_invoice === 0
      ? []
      : [`${without_invoice} tenants count as invoiced and have no invoice that stands`]),
    ...(without_outcome === 0
      ? []
      : [`${without_outcome} tenants have an invoice that stands and no outcome`]),
    ...(with_several === 0
      ? []
      : [`${with_several} tenants have more than one invoice that stands`]),
  ];
}

function usageImbalances(usage: ControlTotals['usage'][number]): string[] {
  const { resource_kind, currency, events, total, places } = usage;
  const show = (sum: string) => formatUsage(sum, currency);
  const placedEvents = sumDecimals(places.map((place) => new Decimal(place.events)));
  const placedTotal = sumDecimals(places.map((place) => new Decimal(place.total)));
  const lost = places.filter((place) => place.class === 'unaccounted');
  return [
    ...(placedEvents.equals(events) && placedTotal.equals(total)
      ? []
      : [
          `${resource_kind}: ${events} events (${show(total)}) were accepted, ` +
            `${toDecimalString(placedEvents)} (${show(toDecimalString(placedTotal))}) are accounted for`,
        ]),
    ...lost.map(
      (place) => `${resource_kind}: ${place.events} events (${show(place.total)}) are nowhere`,
    ),
  ];
}

function invoiceImbalances(invoices: ControlTotals['invoices'][number]): string[] {
  const { currency, status, wrong, total_cents, lines_cents } = invoices;
  if (wrong === 0 && total_cents === lines_cents) return [];
  return [
    `${wrong} ${status} invoices in ${currency} don't add up: ` +
      `totals of ${formatAmount(total_cents, currency)}, lines of ${formatAmount(lines_cents, currency)}`,
  ];
}
