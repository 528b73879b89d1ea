import { counted, formatAmount, formatUsage, groupDigits } from './format.ts';
import { Decimal, sumDecimals, toDecimalString } from './decimal.ts';
import type { Month } from './period.ts';

/** The sum of a class of usage; counts and exact sums as text. */
interface UsageTotal {
  readonly events: string;
  /** LLM usage: exact cents. Metered usage: the quantity. */
  readonly total: string;
}

/** The places where accepted usage can be; `unaccounted` must be empty. */
export type UsageClass = 'billed' | 'unbilled' | 'pending' | 'excluded' | 'unaccounted';

/** A month's control totals, which must add up with nothing left over after each run. */
export interface ControlTotals {
  readonly tenants: {
    readonly due: number;
    /** Tenants by latest outcome. */
    readonly rolled: number;
    readonly adjusted: number;
    readonly skipped: number;
    readonly unchanged: number;
    readonly nothing_to_bill: number;
    readonly parked: number;
    /** Tenants whose outcome says invoiced, without a live invoice. */
    readonly without_invoice: number;
    /** Tenants with a live invoice whose outcome doesn't say so. */
    readonly without_outcome: number;
    /** Tenants with more than one live invoice. */
    readonly with_several: number;
  };
  /** Usage of the service month: accepted on one side, by place on the other. */
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
  /**
   * The usage lines of the month's live invoices, with what reruns have adjusted since, by currency: exact cents and
   * rounded cents.
   */
  readonly lines: readonly {
    readonly currency: string;
    readonly kind: 'overage' | 'llm_usage';
    readonly lines: number;
    readonly exact_cents: string;
    readonly rounded_cents: string;
    /** Lines that differ from the usage tied to them. */
    readonly wrong: number;
  }[];
  /** The month's live invoices and their adjustment notes; sums as text. */
  readonly invoices: readonly {
    readonly currency: string;
    readonly kind: 'invoice' | 'adjustment_note';
    readonly status: 'issued' | 'void';
    readonly invoices: number;
    readonly subtotal_cents: string;
    readonly tax_cents: string;
    readonly total_cents: string;
    readonly lines_cents: string;
    /** Documents whose lines or tax don't add up to their header. */
    readonly wrong: number;
  }[];
}

/**
 * Returns a sentence for each total that doesn't add up; empty if all do. The invariants: one live
 * invoice per tenant and month; each accepted event on one live line or pending with a reason;
 * lines add up to totals. Due tenants without an outcome are not an error but work to do: see
 * {@link workToDo}.
 */
export function findImbalances(totals: ControlTotals): readonly string[] {
  return [
    ...tenantImbalances(totals.tenants),
    ...totals.usage.flatMap(usageImbalances),
    ...totals.lines.flatMap(({ currency, kind, wrong }) =>
      wrong === 0
        ? []
        : `${counted(wrong, `${kind} line`)} in ${currency} ${wrong === 1 ? 'differs from its' : 'differ from their'} usage`,
    ),
    ...totals.invoices.flatMap(documentImbalances),
  ];
}

type TenantTotals = Pick<
  ControlTotals['tenants'],
  'due' | 'rolled' | 'adjusted' | 'skipped' | 'unchanged' | 'nothing_to_bill' | 'parked'
>;

/** Counts due tenants without an outcome: no run has processed them, or usage arrived after there was nothing to bill. */
export function countWithoutOutcome(tenants: TenantTotals): number {
  const { due, rolled, adjusted, skipped, unchanged, nothing_to_bill, parked } = tenants;
  return due - rolled - adjusted - skipped - unchanged - nothing_to_bill - parked;
}

/**
 * Returns what is left to do for a month whose requests are all served, in sentences. Tenants that
 * became due after it was closed, or whose first usage arrived then, get no invoice until the month is run again.
 */
export function workToDo(month: Month, tenants: TenantTotals): readonly string[] {
  const waiting = countWithoutOutcome(tenants);
  if (waiting === 0) return [];
  return [
    `${have(waiting, 'due tenant')} no outcome yet: run ${month} again (month-end start ${month})`,
  ];
}

function tenantImbalances(tenants: ControlTotals['tenants']): string[] {
  const { without_invoice, without_outcome, with_several } = tenants;
  return [
    ...(without_invoice === 0
      ? []
      : [
          `${counted(without_invoice, 'tenant')} ${without_invoice === 1 ? 'counts' : 'count'} as invoiced without a live invoice`,
        ]),
    ...(without_outcome === 0
      ? []
      : [`${have(without_outcome, 'tenant')} a live invoice and no outcome that says so`]),
    ...(with_several === 0 ? [] : [`${have(with_several, 'tenant')} more than one live invoice`]),
  ];
}

/** `1 tenant has`, `2 tenants have`. */
function have(count: number, name: string): string {
  return `${counted(count, name)} ${count === 1 ? 'has' : 'have'}`;
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
          `${resource_kind}: ${counted(events, 'event')} (${show(total)}) ${events === '1' ? 'was' : 'were'} accepted, ` +
            `${groupDigits(toDecimalString(placedEvents))} (${show(toDecimalString(placedTotal))}) accounted for`,
        ]),
    ...lost.map(
      (place) =>
        `${resource_kind}: ${counted(place.events, 'event')} (${show(place.total)}) ${place.events === '1' ? 'is' : 'are'} unaccounted for`,
    ),
  ];
}

function documentImbalances(documents: ControlTotals['invoices'][number]): string[] {
  const { currency, kind, status, wrong, total_cents, lines_cents } = documents;
  if (wrong === 0 && total_cents === lines_cents) return [];
  const which = kind === 'invoice' ? `${status} invoice` : 'adjustment note';
  return [
    `${counted(wrong, which)} in ${currency} ${wrong === 1 ? "doesn't" : "don't"} add up: ` +
      `totals of ${formatAmount(total_cents, currency)}, lines of ${formatAmount(lines_cents, currency)}`,
  ];
}
