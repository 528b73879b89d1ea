import type {
  AcceptRequestResult,
  BeginPassResult,
  FinishPassResult,
  PlanPageResult,
} from '../contracts/activity-types.ts';
import type {
  CarriedState,
  MonthEndProgress,
  Outcome,
  OutcomeCounts,
  Pass,
  Refusal,
  SignalCounts,
} from '../contracts/month-end-types.ts';

const NONE: OutcomeCounts = {
  rolled: 0,
  adjusted: 0,
  skipped: 0,
  unchanged: 0,
  nothing_to_bill: 0,
  parked: 0,
};
/** Limit on remembered urgent tenants; a pass serves the others when it reaches them. */
const MAX_URGENT = 2000;
const KEPT_REFUSALS = 20;
/** Limit on remembered request ids; one that a restored database lacks is enough to notice it. */
const KEPT_SERVED = 20;

/**
 * What a month's workflow knows, and how each event changes it. Pure: no Temporal calls, no clock.
 *
 * Requests, outcomes and invoices are in PostgreSQL. Everything here may be lost at any time: the next request
 * finds what is left to do.
 */
export class MonthState {
  readonly #month: string;
  readonly #onChange: () => void;
  #pass: Pass | null;
  #passWanted: boolean;
  #isBeginning = false;
  #openUntil: string | null;
  #totals: OutcomeCounts | null;
  #unreleased: number;
  #imbalances: readonly string[];
  #refusals: readonly Refusal[];
  #served: readonly string[];
  #hasProgressed = false;
  /** Forced tenants, to be served before a page reaches them. */
  readonly #urgent = new Set<string>();
  readonly #running = new Set<string>();
  readonly #startedInPass = new Set<string>();

  /**
   * @param carried the state of the run before this one
   * @param onChange called after each change
   */
  constructor(month: string, carried?: CarriedState, onChange: () => void = () => undefined) {
    this.#month = month;
    this.#onChange = onChange;
    this.#pass = carried?.pass ?? null;
    this.#passWanted = carried?.passWanted ?? false;
    this.#openUntil = carried?.openUntil ?? null;
    this.#totals = carried?.totals ?? null;
    this.#unreleased = carried?.unreleased ?? 0;
    this.#imbalances = carried?.imbalances ?? [];
    this.#refusals = carried?.refusals ?? [];
    this.#served = carried?.served ?? [];
  }

  /** The pass under way. */
  get pass(): Pass | null {
    return this.#pass;
  }

  /** Whether an accepted request waits for the next pass. */
  get passWanted(): boolean {
    return this.#passWanted;
  }

  /** UTC instant until which the month is open for corrections; null while a pass is under way. */
  get openUntil(): string | null {
    return this.#openUntil;
  }

  /** Latest outcome of each tenant, after the last finished pass. */
  get totals(): OutcomeCounts | null {
    return this.#totals;
  }

  /** Whether this run has done anything yet. A run must, before it continues as new. */
  get hasProgressed(): boolean {
    return this.#hasProgressed;
  }

  hasUrgent(): boolean {
    return this.nextUrgent(1).length > 0;
  }

  /** Up to `limit` urgent tenants that can start now; one that is being served has to wait for that. */
  nextUrgent(limit: number): readonly string[] {
    const ready: string[] = [];
    for (const tenantId of this.#urgent) {
      if (!this.#running.has(tenantId)) ready.push(tenantId);
      if (ready.length === limit) break;
    }
    return ready;
  }

  /** Those of a page's tenants that this pass has not started out of turn. */
  notStarted(tenantIds: readonly string[]): readonly string[] {
    return tenantIds.filter((tenantId) => !this.#startedInPass.has(tenantId));
  }

  requestAccepted({
    waiting,
    urgentTenantIds,
    unreleased,
  }: Extract<AcceptRequestResult, { accepted: true }>) {
    this.#passWanted ||= waiting;
    this.#unreleased = unreleased ?? this.#unreleased;
    if (this.#urgent.size < MAX_URGENT) urgentTenantIds.forEach((id) => this.#urgent.add(id));
    this.#onChange();
  }

  /** @param at UTC instant */
  refused(signal: string, reason: string, at: string): void {
    const refusal = { at, signal: signal.slice(0, 100), reason };
    this.#refusals = [...this.#refusals, refusal].slice(-KEPT_REFUSALS);
    this.#onChange();
  }

  /** A signal has been accepted or refused, and has left the inbox. */
  signalHandled(): void {
    this.#progressed();
  }

  /** A new pass is about to take every waiting request. */
  passRequested(): void {
    this.#passWanted = false;
    this.#isBeginning = true;
    this.#onChange();
  }

  /** @param begun null: no request was waiting */
  passBegun(begun: BeginPassResult): void {
    this.#isBeginning = false;
    if (begun) {
      this.#pass = { ...begun, after: null, isWalked: false, counts: NONE };
      this.#openUntil = null;
      this.#startedInPass.clear();
    }
    this.#onChange();
  }

  pagePlanned({ skipped, last }: PlanPageResult): void {
    this.#count('skipped', skipped);
    if (this.#pass) {
      this.#pass = { ...this.#pass, after: last ?? this.#pass.after, isWalked: last === null };
    }
    this.#progressed();
  }

  tenantsStarted(tenantIds: readonly string[]): void {
    for (const tenantId of tenantIds) {
      this.#urgent.delete(tenantId);
      this.#running.add(tenantId);
      this.#startedInPass.add(tenantId);
    }
    this.#progressed();
  }

  /** @param outcomes one for each tenant */
  tenantsServed(tenantIds: readonly string[], outcomes: readonly Outcome[]): void {
    for (const tenantId of tenantIds) this.#running.delete(tenantId);
    for (const outcome of outcomes) this.#count(outcome, 1);
    this.#progressed();
  }

  /** Forced tenants that no page showed and no child has served: they have to be served before the pass ends. */
  unservedFound(tenantIds: readonly string[]): void {
    tenantIds.forEach((tenantId) => this.#urgent.add(tenantId));
    this.#progressed();
  }

  passFinished({ totals, unreleased, imbalances }: FinishPassResult): void {
    const ids = this.#pass?.requestIds ?? [];
    this.#served = [...new Set([...this.#served, ...ids])].slice(-KEPT_SERVED);
    this.#pass = null;
    this.#totals = totals;
    this.#unreleased = unreleased;
    this.#imbalances = imbalances;
    this.#progressed();
  }

  /** Nothing is left to do: opens the month for corrections, unless it is open already. */
  opened(until: string): string {
    this.#openUntil ??= until;
    this.#onChange();
    return this.#openUntil;
  }

  /** @param hasSignals whether signals wait in the inbox */
  progress(hasSignals: boolean): MonthEndProgress {
    const isClosing = this.#pass !== null || this.#passWanted || this.#isBeginning || hasSignals;
    return {
      month: this.#month,
      state: isClosing ? 'closing' : 'open',
      pass: this.#pass && { ...this.#pass, running: [...this.#running] },
      totals: this.#totals,
      unreleased: this.#unreleased,
      imbalances: this.#imbalances,
      openUntil: this.#openUntil,
      refusals: this.#refusals,
      served: this.#served,
    };
  }

  /**
   * What the next run needs. Urgent tenants are not part of it: the end of the pass finds in PostgreSQL those that
   * are not served by then.
   */
  carry(received: SignalCounts): CarriedState {
    return {
      pass: this.#pass,
      passWanted: this.#passWanted,
      openUntil: this.#openUntil,
      totals: this.#totals,
      unreleased: this.#unreleased,
      imbalances: this.#imbalances,
      refusals: this.#refusals,
      served: this.#served,
      received,
    };
  }

  #count(outcome: Outcome, tenants: number): void {
    if (!this.#pass) return;
    const { counts } = this.#pass;
    this.#pass = { ...this.#pass, counts: { ...counts, [outcome]: counts[outcome] + tenants } };
  }

  #progressed(): void {
    this.#hasProgressed = true;
    this.#onChange();
  }
}
