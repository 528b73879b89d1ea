import { TemporalFailure, isCancellation } from '@temporalio/workflow';
import type { DraftToQuote, OpenDraftsInput } from '../contracts/activity-types.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end-types.ts';
import { invoiceSteps } from './activities.ts';
import { describeFailure } from './describe-failure.ts';

/** What the steps have done so far. */
export interface StepCounts {
  readonly subscriptions: number;
  /** Lines of the quotes. */
  readonly quotedLines: number;
  readonly llmRequests: bigint;
  /** Lines of the invoices that were issued, tax included. */
  readonly issuedLines: number;
  /** Of the only invoice, as people read it: `USD 69.85`. */
  readonly total: string | null;
}

interface OfTenant {
  readonly tenantId: string;
}

/**
 * One run over the steps of some tenants' invoices. Each step takes the drafts that the one before left, and
 * returns those that go on; tenants that are done or parked are among the results. A step that fails for several
 * tenants is tried for each alone, so that one tenant's failure costs the others nothing.
 */
export class InvoiceRun {
  readonly #input: OpenDraftsInput;
  readonly #results: TenantResult[] = [];
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

  /** Tenants that are done or parked. */
  get results(): readonly TenantResult[] {
    return this.#results;
  }

  get counts(): StepCounts {
    return this.#counts;
  }

  /** Opens a draft for each tenant that needs an invoice, and seals its usage. */
  async openDrafts(): Promise<readonly DraftRef[]> {
    const tenants = this.#input.tenantIds.map((tenantId) => ({ tenantId }));
    const opened: DraftRef[] = [];
    await this.#forAll(tenants, async (together) => {
      const tenantIds = together.map(({ tenantId }) => tenantId);
      const { drafts, settled } = await invoiceSteps.openDrafts({ ...this.#input, tenantIds });
      opened.push(...drafts);
      return settled;
    });
    return opened;
  }

  /** Quotes the drafts' subscriptions, a chunk at a time. */
  async quoteSubscriptions(drafts: readonly DraftRef[]): Promise<readonly DraftRef[]> {
    let rest: readonly DraftToQuote[] = drafts;
    while (rest.length > 0) {
      const unfinished: DraftToQuote[] = [];
      await this.#forAll(rest, async (together) => {
        const quoted = await invoiceSteps.quoteSubscriptions(this.#with(together));
        unfinished.push(...quoted.unfinished);
        this.#count({ subscriptions: quoted.subscriptions, quotedLines: quoted.lines });
        return quoted.parked;
      });
      rest = unfinished;
    }
    return this.#stillOpen(drafts);
  }

  /** Pulls the LLM usage of the drafts. */
  async pullLlmUsage(drafts: readonly DraftRef[]): Promise<readonly DraftRef[]> {
    await this.#forAll(drafts, async (together) => {
      const { requests, parked } = await invoiceSteps.pullLlmUsage(this.#with(together));
      this.#count({ llmRequests: BigInt(requests) });
      return parked;
    });
    return this.#stillOpen(drafts);
  }

  /** Issues the drafts, all of them in one transaction. */
  async persistInvoices(drafts: readonly DraftRef[]): Promise<void> {
    await this.#forAll(drafts, async (together) => {
      const { results, lines, total } = await invoiceSteps.persistInvoices(this.#with(together));
      this.#count({ issuedLines: lines, total });
      return results;
    });
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

  /** Those whose tenants have no result yet. */
  #stillOpen(drafts: readonly DraftRef[]): readonly DraftRef[] {
    const done = new Set(this.#results.map(({ tenantId }) => tenantId));
    return drafts.filter(({ tenantId }) => !done.has(tenantId));
  }

  /**
   * @param step returns the tenants that are done or parked
   * @throws the step's failure where this run has one tenant alone: its history says more than a result could
   */
  async #forAll<Item extends OfTenant>(
    items: readonly Item[],
    step: (together: readonly Item[]) => Promise<readonly TenantResult[]>,
  ): Promise<void> {
    if (items.length === 0) return;
    try {
      this.#results.push(...(await step(items)));
    } catch (error) {
      if (this.#input.tenantIds.length === 1 || !isFailureOfStep(error)) throw error;
      const [only, ...others] = items;
      if (only && others.length === 0) {
        const failure = describeFailure(error);
        this.#results.push({ tenantId: only.tenantId, outcome: 'parked', failure });
        return;
      }
      for (const item of items) await this.#forAll([item], step);
    }
  }
}

/** What isn't Temporal's is a mistake in workflow code, which no tenant is parked for. */
function isFailureOfStep(error: unknown): boolean {
  return error instanceof TemporalFailure && !isCancellation(error);
}
