import type { Failure } from './failures.ts';

/** Workflow type names, as the Web UI shows them. */
export const WORKFLOWS = {
  scheduledMonthEnd: 'scheduledMonthEnd',
  monthEnd: 'monthEnd',
  tenantInvoice: 'tenantInvoice',
} as const;

/** Signals that `monthEnd` takes. Any other name is refused, visibly. */
export const RUN_SIGNAL = 'run';
export const FORCE_RE_RUN_SIGNAL = 'forceReRun';
export type RequestSignal = typeof RUN_SIGNAL | typeof FORCE_RE_RUN_SIGNAL;
/** How many signals of each name a month has received since it was started. */
export type SignalCounts = Readonly<Record<RequestSignal, number>>;

/** The query that `monthEnd` answers, with a {@link MonthEndProgress}. */
export const PROGRESS_QUERY = 'progress';

/** More would only make a child's result large, and its failure costly. */
export const MAX_TENANTS_PER_CHILD = 100;

/** How the month's workflow runs. Defaults: `workflows/options.ts`. */
export interface MonthEndOptions {
  /** How long the month stays open for corrections after its last pass, in days. */
  readonly openForDays?: number;
  /**
   * Tenants that one child serves; one by default, so that each has a workflow of its own to look at.
   * More make a large run several times as fast, since most of a child's cost is the engine's own.
   */
  readonly tenantsPerChild?: number;
  /** Children running at once. Fit it to the worker's slots and pool connections. */
  readonly maxChildren?: number;
  /** Tenants that one page of a pass looks at. */
  readonly pageSize?: number;
  /** After this time a tenant's workflow is given up and the tenant parked, in seconds. */
  readonly tenantTimeoutSeconds?: number;
  /** Continue as new after so many history events; by default when the server suggests it. */
  readonly continueAsNewAfterEvents?: number;
}

/** What `scheduledMonthEnd` takes. */
export interface ScheduledMonthEndInput {
  readonly options?: MonthEndOptions;
}

/** What `monthEnd` takes. `carried` is for its own continue-as-new alone. */
export interface MonthEndInput {
  /** The service month to close, `2026-05`. */
  readonly month: string;
  readonly options?: MonthEndOptions;
  readonly carried?: CarriedState;
}

/** All that outlives a continue-as-new; requests and outcomes are in PostgreSQL. */
export interface CarriedState {
  /** The pass that is under way, if one is. */
  readonly pass: Pass | null;
  /** True when a request came in after the pass under way had begun. */
  readonly passWanted: boolean;
  /** UTC instant until which the month is open for corrections. */
  readonly openUntil: string | null;
  readonly totals: OutcomeCounts | null;
  readonly imbalances: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly received: SignalCounts;
}

/** One walk over all due tenants, serving every request accepted before it began. */
export interface Pass {
  /** The requests that it serves; the first few, for the eye. */
  readonly requestIds: readonly string[];
  readonly requestCount: number;
  /** The last request that it serves: later ones get the next pass. */
  readonly upToSeq: number;
  /** UTC instant, by the clock of the database. */
  readonly startedAt: string;
  readonly dueTenants: number;
  /** The last tenant that was looked at; null at the start. */
  readonly after: string | null;
  /** Whether every due tenant has been looked at. */
  readonly isWalked: boolean;
  readonly counts: OutcomeCounts;
}

/** An outcome of a tenant that has an invoice. */
export type InvoicedOutcome = 'rolled' | 'skipped' | 'unchanged';

export interface OutcomeCounts {
  /** Invoiced, or given a new revision. */
  readonly rolled: number;
  /** The invoice stood, and nobody asked for a revision. */
  readonly skipped: number;
  /** The revision would have been the same, and the invoice stands. */
  readonly unchanged: number;
  readonly parked: number;
}

/** A signal that was refused, and why; the last few are kept to be seen. */
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
  /** What of the books didn't add up after that pass, in sentences; empty where all did. */
  readonly imbalances: readonly string[];
  /** UTC instant; null while a pass is under way. */
  readonly openUntil: string | null;
  readonly refusals: readonly Refusal[];
}

/** What `tenantInvoice` takes. */
export interface TenantInvoiceInput {
  readonly month: string;
  /** One, or a few that share the workflow. */
  readonly tenantIds: readonly string[];
}

/** What became of a tenant in one child. */
export type TenantResult =
  | {
      readonly tenantId: string;
      readonly outcome: InvoicedOutcome;
      readonly invoiceId: string;
      readonly totalCents: number;
    }
  | { readonly tenantId: string; readonly outcome: 'parked'; readonly failure: Failure };

/** A draft that a child is building. */
export interface DraftRef {
  readonly tenantId: string;
  readonly draftId: string;
}
