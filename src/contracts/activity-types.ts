import type {
  DraftRef,
  MonthEndOptions,
  Outcome,
  OutcomeCounts,
  Pass,
  RequestSignal,
  TenantResult,
} from './month-end-types.ts';
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

/** What a day's run has written webhook events about. */
export interface DailyNotices {
  readonly overdueInvoices: number;
  /** Months whose invoices have waited too long for their release. */
  readonly lateReviews: number;
}

/** Where a sweep continues. */
export interface SweepCursor {
  readonly month: string;
  /** The last tenant that was looked at; null: none of the month yet. */
  readonly after: string | null;
}
export interface SweepThresholdsInput {
  /** Null: from the start. */
  readonly cursor: SweepCursor | null;
}
/** What a sweep has looked at and reported. */
export interface ThresholdCounts {
  /** Tenants with thresholds that their month had not reported yet. */
  readonly tenants: number;
  /** Thresholds that were found to be reached. */
  readonly reached: number;
  /** Those of the tenants that could not be checked: the month end would park them, or an error is in the worker's log. */
  readonly failed: number;
}
export interface SweepThresholdsResult extends ThresholdCounts {
  /** Null: all tenants were looked at. */
  readonly next: SweepCursor | null;
}

export interface ReleaseCuredInput {
  /** The last event that was tried; 0: from the start. */
  readonly after: number;
}
/** Held usage whose cause was fixed. */
export interface CuredUsage {
  /** Events that are in the ledger now. */
  readonly released: number;
  /** Events that another reason still holds. */
  readonly stillHeld: number;
  /** Events that an error keeps held; it is in the worker's log. */
  readonly failed: number;
  /** Where to continue; null: all were tried. */
  readonly next: number | null;
}
/** What a run of the usage sweep has done. */
export interface UsageSweep extends ThresholdCounts {
  readonly released: number;
  /** Held events that an error keeps held. */
  readonly unreleased: number;
}

export interface AcceptRequestInput {
  readonly month: string;
  readonly signal: RequestSignal;
  /** As received: the activity validates it, not the workflow. */
  readonly payload: unknown;
  /** The same when a reset applies the signal again. It becomes the request id if the sender gave none. */
  readonly signalId: string;
}

export type AcceptRequestResult =
  | {
      readonly accepted: true;
      readonly requestId: string;
      /** False if the same request was already served. */
      readonly waiting: boolean;
      /** Tenants that a forced request names; they are served ahead of the pass. */
      readonly urgentTenantIds: readonly string[];
      /** One sentence per rejected tenant; the rest of the request is accepted. */
      readonly refusals: readonly string[];
      /** After a release: invoices of the month that still wait for theirs. */
      readonly unreleased?: number;
    }
  | { readonly accepted: false; readonly reason: string };

export interface BeginPassInput {
  readonly month: string;
  /** Whether the month's workflow has just started; it then fails if the month can't be closed. */
  readonly isFirst?: boolean;
}
/** Null if no request is waiting. */
export type BeginPassResult = Omit<Pass, 'after' | 'isWalked' | 'counts'> | null;

export interface PlanPageInput {
  readonly month: string;
  /** UTC instant: tenants served since then are skipped. */
  readonly passStartedAt: string;
  readonly after: string | null;
  readonly limit: number;
}
export interface PlanPageResult {
  /** Tenants that need a child, in order. */
  readonly tenantIds: readonly string[];
  /** Tenants with a live invoice and no forced request: recorded as skipped. */
  readonly skipped: number;
  /** The last tenant of the page, the cursor for the next one; null: there are no more. */
  readonly last: string | null;
}

export interface OpenDraftsInput {
  readonly month: string;
  readonly tenantIds: readonly string[];
  /** The child's run id: only this run may write to its drafts. */
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
  /** The deployment up to which it is quoted; absent: nothing is quoted yet. */
  readonly after?: string;
}
export interface QuoteSubscriptionsInput extends DraftsInput {
  readonly drafts: readonly DraftToQuote[];
}
export interface QuoteSubscriptionsResult {
  readonly parked: readonly TenantResult[];
  /** What is left to quote, for the next call. */
  readonly unfinished: readonly DraftToQuote[];
  /** The number of subscriptions quoted and of the resulting lines. */
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
  /** Lines of the issued invoices and notes, including tax. */
  readonly lines: number;
  /** The formatted total if exactly one invoice or note was issued, otherwise null. */
  readonly total: string | null;
}

export interface RecordParkedInput {
  readonly month: string;
  /** The last request that the pass serves; requests that the child could not answer are answered now. */
  readonly upToSeq: number;
  readonly tenantId: string;
  readonly failure: Failure;
  /** The run that failed; null if none could be started. */
  readonly owner: string | null;
}
export interface RecordParkedResult {
  /**
   * `rolled`, `adjusted`, `unchanged` or `nothing_to_bill` if the run had already reached that outcome before it
   * failed, `skipped` if another run overtook it and there is a live invoice.
   */
  readonly outcome: Outcome;
}

export interface ListWaitingInput {
  readonly month: string;
  readonly upToSeq: number;
}
export interface ListWaitingResult {
  /** Forced tenants that no child has served yet; only some, if there are many. */
  readonly tenantIds: readonly string[];
}

export interface FinishPassInput {
  readonly month: string;
  readonly upToSeq: number;
}
export interface FinishPassResult {
  readonly totals: OutcomeCounts;
  /** Invoices that wait for their release. */
  readonly unreleased: number;
  /** Sentences about control totals that don't add up; only a few, if there are many. */
  readonly imbalances: readonly string[];
}
