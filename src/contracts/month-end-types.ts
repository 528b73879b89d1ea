import type { Failure } from './failures.ts';

/** Workflow type names, as the Web UI shows them. */
export const WORKFLOWS = {
  scheduledMonthEnd: 'scheduledMonthEnd',
  monthEnd: 'monthEnd',
  tenantInvoice: 'tenantInvoice',
  dailyNotices: 'dailyNotices',
  usageSweep: 'usageSweep',
} as const;

/** Signals that `monthEnd` accepts. It rejects any other name visibly. */
export const RUN_SIGNAL = 'run';
export const FORCE_RE_RUN_SIGNAL = 'forceReRun';
export const RELEASE_SIGNAL = 'release';
export type RequestSignal = typeof RUN_SIGNAL | typeof FORCE_RE_RUN_SIGNAL | typeof RELEASE_SIGNAL;
/** The number of signals of each name that a month has received since it started. */
export type SignalCounts = Readonly<Record<RequestSignal, number>>;

/** The query that `monthEnd` answers, with a {@link MonthEndProgress}. */
export const PROGRESS_QUERY = 'progress';

/** More would only make a child's result large and its failure costly. */
export const MAX_TENANTS_PER_CHILD = 100;

/** How the month's workflow runs. Defaults: `workflows/options.ts`. */
export interface MonthEndOptions {
  /** How long the month stays open for corrections after its last pass, in days. */
  readonly openForDays?: number;
  /**
   * Tenants per child; one by default, so that each tenant has its own workflow in the Web UI. More
   * make a large run several times as fast, because most of a child's cost is Temporal's.
   */
  readonly tenantsPerChild?: number;
  /** Maximum number of concurrent children. Match it to the worker's slots and pool connections. */
  readonly maxChildren?: number;
  /** Tenants per page of a pass. */
  readonly pageSize?: number;
  /** Timeout of a tenant's workflow in seconds; then the tenant is parked. */
  readonly tenantTimeoutSeconds?: number;
  /** Number of history events after which to continue as new; by default when the server suggests it. */
  readonly continueAsNewAfterEvents?: number;
}

/** Input of `scheduledMonthEnd`. */
export interface ScheduledMonthEndInput {
  readonly options?: MonthEndOptions;
}

/** Input of `monthEnd`. Only its own continue-as-new sets `carried`. */
export interface MonthEndInput {
  /** The service month to close, `2026-05`. */
  readonly month: string;
  readonly options?: MonthEndOptions;
  readonly carried?: CarriedState;
}

/** The state that survives a continue-as-new; requests and outcomes are in PostgreSQL. */
export interface CarriedState {
  /** The current pass, if there is one. */
  readonly pass: Pass | null;
  /** True if a request arrived after the current pass had begun. */
  readonly passWanted: boolean;
  /** UTC instant until which the month is open for corrections. */
  readonly openUntil: string | null;
  readonly totals: OutcomeCounts | null;
  readonly unreleased: number;
  readonly imbalances: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly served: readonly string[];
  readonly received: SignalCounts;
}

/** One walk over all due tenants that serves every request accepted before it began. */
export interface Pass {
  /** The first few requests that it serves, for display. */
  readonly requestIds: readonly string[];
  readonly requestCount: number;
  /** The last request that it serves: later ones get the next pass. */
  readonly upToSeq: number;
  /** UTC instant, by the database's clock. */
  readonly startedAt: string;
  readonly dueTenants: number;
  /** The last tenant visited; null at the start. */
  readonly after: string | null;
  /** Whether every due tenant has been visited. */
  readonly isWalked: boolean;
  readonly counts: OutcomeCounts;
}

/**
 * The outcomes that a tenant can have in a month, in display order (docs/spec.md#month-end):
 * - `rolled`: invoiced, or given a new revision;
 * - `adjusted`: given an adjustment note, because the invoice is settled;
 * - `skipped`: already invoiced, and no revision was requested;
 * - `unchanged`: the revision would have been the same, so the invoice stays live, or there was nothing to adjust;
 * - `nothing_to_bill`: no lines, no usage and no invoice;
 * - `parked`: its invoice couldn't be built, for a reason that an operator can act on.
 */
export const OUTCOMES = [
  'rolled',
  'adjusted',
  'skipped',
  'unchanged',
  'nothing_to_bill',
  'parked',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** An outcome of a tenant that has an invoice. */
export type InvoicedOutcome = 'rolled' | 'adjusted' | 'skipped' | 'unchanged';

/** Tenants by outcome. */
export type OutcomeCounts = Readonly<Record<Outcome, number>>;

/** Returns the counts alone, without what else the object has. */
export function outcomesOf({
  rolled,
  adjusted,
  skipped,
  unchanged,
  nothing_to_bill,
  parked,
}: OutcomeCounts): OutcomeCounts {
  return { rolled, adjusted, skipped, unchanged, nothing_to_bill, parked };
}

/** Returns an outcome of a tenant, or of a request for it, in words: `invoiced` for `rolled`. */
export function outcomeName(outcome: Outcome | 'refused'): string {
  return outcome === 'rolled' ? 'invoiced' : outcome.replaceAll('_', ' ');
}

/** Returns the counts in a sentence: `3 invoiced, 0 skipped, …`. */
export function describeOutcomes(
  counts: OutcomeCounts,
  toText: (count: number) => string = String,
): string {
  return OUTCOMES.map((outcome) => `${toText(counts[outcome])} ${outcomeName(outcome)}`).join(', ');
}

/** Returns the number of tenants with an outcome. */
export function countServed(counts: OutcomeCounts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
}

/** A rejected signal and the reason; the last few are kept for display. */
export interface Refusal {
  /** UTC instant. */
  readonly at: string;
  readonly signal: string;
  readonly reason: string;
}

/** What the `progress` query answers and the API passes on. */
export interface MonthEndProgress {
  readonly month: string;
  /** closing: requests are being served. open: closed, and open for corrections. */
  readonly state: 'closing' | 'open';
  readonly pass: (Pass & { readonly running: readonly string[] }) | null;
  /** Latest outcome of each tenant, after the last whole pass. */
  readonly totals: OutcomeCounts | null;
  /** Invoices that wait for their release, after that pass or the latest release. */
  readonly unreleased: number;
  /** Sentences about control totals that didn't add up after that pass; empty if all did. */
  readonly imbalances: readonly string[];
  /** UTC instant; null during a pass. */
  readonly openUntil: string | null;
  readonly refusals: readonly Refusal[];
  /** Ids of the last requests that its passes served. A database without them is older than the workflow. */
  readonly served: readonly string[];
}

/** Input of `tenantInvoice`. */
export interface TenantInvoiceInput {
  readonly month: string;
  /** One tenant, or a few that share the workflow. */
  readonly tenantIds: readonly string[];
}

/** The outcome of a tenant in one child. */
export type TenantResult =
  | {
      readonly tenantId: string;
      readonly outcome: Exclude<InvoicedOutcome, 'adjusted'>;
      readonly invoiceId: string;
      readonly totalCents: number;
    }
  | {
      readonly tenantId: string;
      readonly outcome: 'adjusted';
      /** The invoice that the note adjusts. */
      readonly invoiceId: string;
      readonly noteId: string;
      /** The total of the note. */
      readonly totalCents: number;
    }
  | { readonly tenantId: string; readonly outcome: 'nothing_to_bill' }
  | { readonly tenantId: string; readonly outcome: 'parked'; readonly failure: Failure };

/** A draft that a child is building. */
export interface DraftRef {
  readonly tenantId: string;
  readonly draftId: string;
}
