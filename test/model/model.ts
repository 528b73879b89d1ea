import type { Exact } from './exact.ts';
import type { Deployment, Fleet, PlanName } from './fleet.ts';
import type { Line } from './line-rules.ts';
import type { Sent } from './usage-rules.ts';

/**
 * The ledger as anyone could keep it on paper: events that know who holds them, drafts that become
 * invoices, requests that wait. No buckets, no locks, no SQL, nothing of the product's. The files
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
  /** The draft, or the invoice that it became, that has taken it; null: nobody yet. */
  holder: Draft | null;
}

export type DraftState = 'open' | 'issued' | 'unchanged' | 'abandoned';

export interface Draft {
  readonly id: string;
  readonly tenant: string;
  readonly month: number;
  readonly run: Run;
  readonly replaces: Invoice | null;
  /** Whether that was void already. */
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
  invoice: Invoice | null;
}

export type Status = 'issued' | 'void' | 'superseded';

export interface Invoice {
  /** Which it was, and whose id it has. */
  readonly draft: Draft;
  readonly tenant: string;
  readonly month: number;
  readonly revision: number;
  /** Of its tenant, from 1. */
  readonly number: number;
  readonly lines: readonly Line[];
  readonly subtotalCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
  /** The first of the requests that it serves. */
  readonly request: Request | null;
  status: Status;
  /** A void invoice stays void when its next revision replaces it. */
  isReplaced: boolean;
  /** The last run that found that its revision would be the same. */
  unchangedRun: Run | null;
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
  outcome: 'rolled' | 'unchanged' | 'nothing_to_bill' | 'refused' | 'parked' | null;
  draft: Draft | null;
}

export interface Outcome {
  readonly outcome: 'rolled' | 'skipped' | 'unchanged' | 'nothing_to_bill' | 'parked';
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
  readonly runs: Run[];
  readonly requests: Request[];
  readonly outcomes: Map<string, Outcome>;
  /** How many ids have been given, to events and requests. */
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

export function outcomeKey(tenant: string, month: number): string {
  return `${month} ${tenant}`;
}

/** Returns the live invoice. */
export function standing(model: Model, tenant: string, month: number): Invoice | null {
  const found = model.invoices.filter(
    (invoice) => invoice.tenant === tenant && invoice.month === month && !invoice.isReplaced,
  );
  if (found.length > 1) throw new Error('the model itself has two live invoices');
  return found[0] ?? null;
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

/** A tenant's deployments whose subscription is in force at the end of a month. */
export function dueDeployments(
  { fleet }: Model,
  tenant: string,
  month: number,
): readonly Deployment[] {
  return fleet.deployments.filter(
    ({ tenant: owner, due }) => owner === tenant && due.from <= month && month <= due.to,
  );
}

/** A subscription, an invoice, or LLM usage that no invoice bills makes a tenant due. docs/spec.md#month-end */
export function isDue(model: Model, tenant: string, month: number): boolean {
  return (
    dueDeployments(model, tenant, month).length > 0 ||
    standing(model, tenant, month) !== null ||
    model.events.some(
      (event) =>
        event.source === 'llm' &&
        event.deployment.tenant === tenant &&
        event.month <= month &&
        !event.isExcluded &&
        isFree(event, month),
    )
  );
}

/** No invoice holds it: it is open, or held by a draft that gives it up when an invoice of the month is built. */
function isFree({ holder }: UsageEvent, month: number): boolean {
  if (holder === null || holder.state === 'abandoned') return true;
  return holder.state === 'open' && (holder.month === month || holder.isForgotten);
}
