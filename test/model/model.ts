import type { Exact } from './exact.ts';
import type { Deployment, Fleet, PlanName } from './fleet.ts';
import type { Line } from './line-rules.ts';
import type { TreatmentCode } from './tax-rules.ts';
import type { Sent } from './usage-rules.ts';

/**
 * The ledger as anyone could keep it on paper: events that know who holds them, drafts that become invoices or
 * notes, payments in the order in which they came. No buckets, no locks, no SQL, nothing of the product's. The files
 * `*-rules.ts` say what may happen to it; months are indexes into the fleet's.
 */

export interface UsageEvent {
  readonly source: 'llm' | 'metered';
  readonly id: string;
  readonly deployment: Deployment;
  /** `llm_usage` for LLM requests. */
  readonly kind: string;
  readonly month: number;
  /** What it says. */
  readonly amount: Exact;
  /** What it adds to its month: less, where it replaces a record. */
  readonly added: Exact;
  /** Equal for two spellings of the same. */
  readonly content: string;
  replacedBy: UsageEvent | null;
  isExcluded: boolean;
  /** The draft, or the document that it became, that has taken it; null: none yet. */
  holder: Draft | null;
}

/** The LLM model of a request, by its id, so that whatever is sent again has the same. */
export function modelOf(requestId: string): string {
  return /[02468]$/.test(requestId) ? 'large-2' : 'small-1';
}

export type DraftState = 'open' | 'issued' | 'unchanged' | 'nothing_to_bill' | 'abandoned';

export interface Draft {
  readonly id: string;
  readonly tenant: string;
  readonly month: number;
  readonly run: Run;
  readonly replaces: Invoice | null;
  /** Whether that invoice was void already. One that is voided later refuses the draft. */
  readonly replacesVoid: boolean;
  state: DraftState;
  /** Opened so long ago that its run must be gone. */
  isForgotten: boolean;
  /** Excluded events that it doesn't bill. */
  readonly leftOut: Set<UsageEvent>;
  /** As the first attempt at the step wrote them: a plan that changes later waits for a rerun. Null: not yet. */
  quoted: readonly Line[] | null;
  /** From sealed usage, so every attempt writes the same. */
  llm: readonly Line[];
  /** What it has become. */
  document: Invoice | Note | null;
}

/** What an invoice and a note have in common. */
export interface Document {
  /** The draft's, if there was one. */
  readonly id: string;
  readonly tenant: string;
  readonly month: number;
  /** Of the invoice's month; of a note among the notes of its invoice. */
  readonly revision: number;
  /** Of its tenant and kind, from 1. */
  readonly number: number;
  readonly lines: readonly Line[];
  readonly subtotalCents: number;
  /** The part of the subtotal that is taxed. */
  readonly taxableCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
  readonly treatment: TreatmentCode;
  /** The first of the requests that it serves. */
  readonly requestId: string | null;
}

export interface Invoice extends Document {
  readonly kind: 'invoice';
  readonly draft: Draft;
  /** What it took from invoice items. */
  readonly applications: readonly Application[];
  status: 'issued' | 'void' | 'superseded';
  supersededBy: Invoice | null;
  /** The last run that found that its rerun would change nothing. */
  unchangedRun: Run | null;
}

export interface Note extends Document {
  readonly kind: 'adjustment_note';
  readonly adjusts: Invoice;
  readonly origin: 'rerun' | 'credit';
  /** Null: a credit. */
  readonly draft: Draft | null;
}

/** A one-off charge or credit. */
export interface Item {
  readonly id: string;
  readonly tenant: string;
  readonly month: number;
  readonly description: string;
  /** Below 0: a credit. */
  readonly cents: number;
  readonly isTaxable: boolean;
  isWithdrawn: boolean;
}

export interface Application {
  readonly item: Item;
  readonly cents: number;
}

export interface Payment {
  readonly id: string;
  /** The invoice that it names, whatever has replaced it since. */
  readonly invoice: Invoice;
  /** Below 0: a reversal. */
  readonly cents: number;
}

/** A run of a child workflow; it may be interrupted after any step and continue later. */
export interface Run {
  readonly owner: string;
  readonly startedAt: string;
  readonly month: number;
  readonly tenants: readonly string[];
  /** How many of its steps it has done. */
  position: number;
  drafts: readonly Draft[];
  /** Tenants that it failed for, and why; by the last step that is to be recorded. */
  readonly failed: Map<string, string>;
}

/** What a forced request asks for. */
export interface ForceTerms {
  readonly id: string;
  readonly month: number;
  /** Null: every due tenant. */
  readonly tenants: readonly string[] | null;
  readonly onlyIfChanged: boolean;
  readonly acceptBounds: boolean;
}

export interface Request {
  readonly id: string;
  readonly month: number;
  readonly terms: ForceTerms;
  readonly rows: RequestRow[];
  isFinished: boolean;
}

/** What a forced request asks for one tenant. */
export interface RequestRow {
  readonly request: Request;
  readonly tenant: string;
  outcome: 'rolled' | 'adjusted' | 'unchanged' | 'nothing_to_bill' | 'refused' | 'parked' | null;
  draft: Draft | null;
}

export interface Outcome {
  readonly outcome: 'rolled' | 'adjusted' | 'skipped' | 'unchanged' | 'nothing_to_bill' | 'parked';
  /** Which stands. */
  readonly invoice: Invoice | null;
  readonly failure: string | null;
}

export interface Model {
  readonly fleet: Fleet;
  /** By deployment; null: none is named. */
  readonly plans: Map<string, PlanName | null>;
  /** All that was ever sent, accepted or not, an id once. */
  readonly sent: Sent[];
  readonly events: UsageEvent[];
  readonly drafts: Draft[];
  readonly invoices: Invoice[];
  readonly notes: Note[];
  readonly items: Item[];
  readonly payments: Payment[];
  /** Whether the seller reviews invoices before tenants see them. */
  isReviewed: boolean;
  /** Tenants' months that were released, by `monthKey`. */
  readonly released: Set<string>;
  /** Which treatment a tenant has from a month on; the last entry of a month counts. */
  readonly treatments: {
    readonly tenant: string;
    readonly from: number;
    readonly code: TreatmentCode;
  }[];
  readonly runs: Run[];
  readonly requests: Request[];
  /** By `monthKey`. */
  readonly outcomes: Map<string, Outcome>;
  /** How many ids have been given, to everything that is sent. */
  lastId: number;
}

export function createModel(fleet: Fleet): Model {
  return {
    fleet,
    plans: new Map(fleet.deployments.map(({ id, plan }) => [id, plan])),
    sent: [],
    events: [],
    drafts: [],
    invoices: [],
    notes: [],
    items: [],
    payments: [],
    isReviewed: false,
    released: new Set(),
    treatments: [],
    runs: [],
    requests: [],
    outcomes: new Map(),
    lastId: 0,
  };
}

/** The month, `2026-05`, of an index. */
export function monthText({ fleet }: Model, month: number): string {
  return fleet.months[month] ?? '';
}

export function monthKey(tenant: string, month: number): string {
  return `${month} ${tenant}`;
}

export function newId(model: Model): string {
  model.lastId += 1;
  return `${model.fleet.tenants[0]}-${model.lastId}`;
}

export function openDraft(model: Model, tenant: string, month: number): Draft | null {
  return (
    model.drafts.find(
      (draft) => draft.tenant === tenant && draft.month === month && draft.state === 'open',
    ) ?? null
  );
}

/** Rows that a draft serves when it is issued; a run that it has overtaken may have parked them. */
export function servedRows({ requests }: Model, draft: Draft): readonly RequestRow[] {
  return requests
    .flatMap(({ rows }) => rows)
    .filter((row) => row.draft === draft && (row.outcome === null || row.outcome === 'parked'));
}

/** Forced requests that wait for a tenant's month. */
export function waitingRows(model: Model, tenant: string, month: number): readonly RequestRow[] {
  return model.requests
    .filter((request) => request.month === month)
    .flatMap(({ rows }) => rows)
    .filter((row) => row.tenant === tenant && row.outcome === null);
}
