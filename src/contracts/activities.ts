import type {
  DraftRef,
  MonthEndOptions,
  OutcomeCounts,
  Pass,
  RequestSignal,
  TenantResult,
} from './month-end.ts';
import type { Failure } from './failures.ts';

/** Inputs and results of the activities: single objects, ids and counts, never lines. */

export interface RequestScheduledMonthInput {
  /** The UTC instant that the run was scheduled for, which may be long past. */
  readonly scheduledFor: string;
  readonly requestId: string;
  readonly options: MonthEndOptions | undefined;
}
export interface RequestScheduledMonthResult {
  readonly month: string;
  readonly workflowId: string;
}

export interface AcceptRequestInput {
  readonly month: string;
  readonly signal: RequestSignal;
  /** As it came in: it is checked here, not in the workflow. */
  readonly payload: unknown;
  /** The same when a reset applies the signal again: makes the request id where the sender gave none. */
  readonly signalId: string;
}

export type AcceptRequestResult =
  | {
      readonly accepted: true;
      readonly requestId: string;
      /** False where the same request came before and has been served. */
      readonly waiting: boolean;
      /** Tenants that a forced request names and that are to be served out of turn. */
      readonly urgentTenantIds: readonly string[];
      /** One sentence per refused tenant; the rest of the request stands. */
      readonly refusals: readonly string[];
    }
  | { readonly accepted: false; readonly reason: string };

export interface BeginPassInput {
  readonly month: string;
  /** Whether the month's workflow has just been started: a month that can't be closed fails it. */
  readonly isFirst?: boolean;
}
/** Null where no request is waiting. */
export type BeginPassResult = Omit<Pass, 'after' | 'isWalked' | 'counts'> | null;

export interface PlanPageInput {
  readonly month: string;
  /** UTC instant: tenants served since then are left alone. */
  readonly passStartedAt: string;
  readonly after: string | null;
  readonly limit: number;
}
export interface PlanPageResult {
  /** Tenants that need a child, in order. */
  readonly tenantIds: readonly string[];
  /** Tenants whose invoice stands and that nobody forces: recorded as skipped. */
  readonly skipped: number;
  /** The last tenant looked at: the next page's cursor. Null: there are no more. */
  readonly last: string | null;
}

export interface OpenDraftsInput {
  readonly month: string;
  readonly tenantIds: readonly string[];
  /** The child's run id: nobody else may write to its drafts. */
  readonly owner: string;
  /** UTC instant at which that run started. */
  readonly ownerStartedAt: string;
}
export interface OpenDraftsResult {
  readonly drafts: readonly DraftRef[];
  /** Tenants with nothing left to do. */
  readonly settled: readonly TenantResult[];
}

export interface DraftsInput {
  readonly month: string;
  readonly drafts: readonly DraftRef[];
  readonly owner: string;
}
/** A draft with subscriptions that are not quoted yet. */
export interface DraftToQuote extends DraftRef {
  /** The deployment up to which it is quoted; absent: nothing of it is. */
  readonly after?: string;
}
export interface QuoteSubscriptionsInput extends DraftsInput {
  readonly drafts: readonly DraftToQuote[];
}
export interface QuoteSubscriptionsResult {
  readonly parked: readonly TenantResult[];
  /** What is left to quote, for the next call. */
  readonly unfinished: readonly DraftToQuote[];
  /** How many were quoted, and how many lines that made. */
  readonly subscriptions: number;
  readonly lines: number;
}
export interface PullLlmUsageResult {
  readonly parked: readonly TenantResult[];
  /** A whole number, as text. */
  readonly requests: string;
  readonly lines: number;
}
export interface PersistInvoicesResult {
  readonly results: readonly TenantResult[];
  /** Lines of the invoices that were issued, tax included. */
  readonly lines: number;
  /** The total of a single invoice that was issued, as people read it; null where there are none or several. */
  readonly total: string | null;
}

export interface RecordParkedInput {
  readonly month: string;
  /** The last request that the pass serves: what its child could not settle is settled. */
  readonly upToSeq: number;
  readonly tenantId: string;
  readonly failure: Failure;
  /** The run that failed; null where none could be started. */
  readonly owner: string | null;
}
export interface RecordParkedResult {
  /**
   * `rolled` or `unchanged` where the run had come to that before it failed, `skipped` where another
   * run overtook it and an invoice stands.
   */
  readonly outcome: 'parked' | 'rolled' | 'skipped' | 'unchanged';
}

export interface ListWaitingInput {
  readonly month: string;
  readonly upToSeq: number;
}
export interface ListWaitingResult {
  /** Forced tenants that no child has served yet; some of them, if there are many. */
  readonly tenantIds: readonly string[];
}

export interface FinishPassInput {
  readonly month: string;
  readonly upToSeq: number;
}
export interface FinishPassResult {
  readonly totals: OutcomeCounts;
  /** What doesn't add up in the run's control totals, in sentences; a few of them. */
  readonly imbalances: readonly string[];
}
