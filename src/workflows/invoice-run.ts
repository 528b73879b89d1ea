import { TemporalFailure, isCancellation } from '@temporalio/workflow';
import type { DraftToQuote, OpenDraftsInput } from '../contracts/activity-types.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end-types.ts';
import { invoiceSteps } from './activity-proxies.ts';
import { describeFailure } from './describe-failure.ts';

/** What the steps have done so far. */
export interface StepCounts {
  readonly subscriptions: number;
  /** Lines of the quotes. */
  readonly quotedLines: number;
  readonly llmRequests: bigint;
  /** Lines of the issued invoices and notes, including tax. */
  readonly issuedLines: number;
  /** The formatted total if exactly one invoice was issued, such as `USD 69.85`. */
  readonly total: string | null;
}

/**
 * One run over the steps of some tenants' invoices. Each step processes the drafts that are still open; a tenant
 * whose invoice is finished or parked is among the results. If a step fails for several tenants at once, it is
 * retried for each of them alone, so that one tenant's failure doesn't affect the others.
 *
 * The methods chain promises instead of being `async`: the SDK records a stack trace for every promise, and a
 * month end creates these for each tenant.
 */
export class InvoiceRun {
  readonly #input: OpenDraftsInput;
  readonly #results: TenantResult[] = [];
  #open: readonly DraftRef[] = [];
  #counts: StepCounts = {
    subscriptions: 0,
    quotedLines: 0,
    llmRequests: 0n,
    issuedLines: 0,
    total: null,
  };

  constructor(input: OpenDraftsInput) {
    this.#input = input;
  }

  /** Tenants whose invoice is finished or parked. */
  get results(): readonly TenantResult[] {
    return this.#results;
  }

  get counts(): StepCounts {
    return this.#counts;
  }

  /** Opens a draft for each tenant that needs an invoice, and seals its usage. */
  openDrafts(): Promise<void> {
    return this.#forAll(
      this.#input.tenantIds.map((tenantId) => ({ tenantId })),
      (tenants) => {
        const tenantIds = tenants.map(({ tenantId }) => tenantId);
        return invoiceSteps.openDrafts({ ...this.#input, tenantIds });
      },
      ({ drafts, settled }) => {
        this.#open = [...this.#open, ...drafts];
        this.#finish(settled);
      },
    );
  }

  /** Quotes the subscriptions of the open drafts, a chunk at a time. */
  quoteSubscriptions(drafts: readonly DraftToQuote[] = this.#open): Promise<void> {
    const unfinished: DraftToQuote[] = [];
    return this.#forAll(
      drafts,
      (some) => invoiceSteps.quoteSubscriptions(this.#with(some)),
      (quoted) => {
        unfinished.push(...quoted.unfinished);
        this.#count({ subscriptions: quoted.subscriptions, quotedLines: quoted.lines });
        this.#finish(quoted.parked);
      },
    ).then(() => (unfinished.length > 0 ? this.quoteSubscriptions(unfinished) : undefined));
  }

  /** Pulls the LLM usage of the open drafts. */
  pullLlmUsage(): Promise<void> {
    return this.#forAll(
      this.#open,
      (drafts) => invoiceSteps.pullLlmUsage(this.#with(drafts)),
      ({ requests, parked }) => {
        this.#count({ llmRequests: BigInt(requests) });
        this.#finish(parked);
      },
    );
  }

  /** Issues the invoices of the open drafts, all of them in one transaction. */
  persistInvoices(): Promise<void> {
    return this.#forAll(
      this.#open,
      (drafts) => invoiceSteps.persistInvoices(this.#with(drafts)),
      ({ results, lines, total }) => {
        this.#count({ issuedLines: lines, total });
        this.#finish(results);
      },
    );
  }

  #with<Draft extends DraftRef>(drafts: readonly Draft[]) {
    const { month, owner } = this.#input;
    return { month, owner, drafts };
  }

  #count(more: Partial<StepCounts>): void {
    const { subscriptions, quotedLines, llmRequests, issuedLines } = this.#counts;
    this.#counts = {
      subscriptions: subscriptions + (more.subscriptions ?? 0),
      quotedLines: quotedLines + (more.quotedLines ?? 0),
      llmRequests: llmRequests + (more.llmRequests ?? 0n),
      issuedLines: issuedLines + (more.issuedLines ?? 0),
      total: more.total ?? null,
    };
  }

  #finish(results: readonly TenantResult[]): void {
    if (results.length === 0) return;
    this.#results.push(...results);
    const finished = new Set(results.map(({ tenantId }) => tenantId));
    this.#open = this.#open.filter(({ tenantId }) => !finished.has(tenantId));
  }

  /**
   * @param take handles a result, once for all items or once for each of them
   * @throws the step's failure if this run has a single tenant: its history says more than a result could
   */
  #forAll<Item extends { readonly tenantId: string }, Result>(
    items: readonly Item[],
    step: (items: readonly Item[]) => Promise<Result>,
    take: (result: Result) => void,
  ): Promise<void> {
    if (items.length === 0) return Promise.resolve();
    return step(items).then(take, async (error: unknown) => {
      if (this.#input.tenantIds.length === 1 || !isFailureOfStep(error)) throw error;
      const [only, ...others] = items;
      if (only && others.length === 0) {
        const failure = describeFailure(error);
        this.#finish([{ tenantId: only.tenantId, outcome: 'parked', failure }]);
        return;
      }
      for (const item of items) await this.#forAll([item], step, take);
    });
  }
}

/** Anything else is an error in workflow code, and no reason to park a tenant. */
function isFailureOfStep(error: unknown): boolean {
  return error instanceof TemporalFailure && !isCancellation(error);
}
