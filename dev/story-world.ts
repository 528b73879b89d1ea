import type { LlmUsageEvent } from '../src/cli/replay/trace-events.ts';
import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import { DemoError, expectEqual } from './demo-checks.ts';
import { runCli } from './run-cli.ts';
import { createStoryApi, type StoryApi } from './story-api.ts';
import { figuresOf, type Figures, type StoryFiles, type StoryUsage } from './story-figures.ts';

/** What the demo's second act knows of its month, and what each invoice of it must say by now. */

/** The tenant that the gateway charged wrongly. */
export const ODD_TENANT = 'ember-games';
/** The tenant that pays in full, and whose usage comes late. */
export const PAID_TENANT = 'cedar-co';
/** The tenant that pays a part. */
export const PARTLY_PAID_TENANT = 'pinnacle-sport';
export const CURRENCY = 'AUD';

/** What the first act leaves behind. */
export interface StoryStart {
  readonly month: string;
  readonly files: StoryFiles;
  /** All usage that was sent, the wrong charge included. */
  readonly usage: StoryUsage;
  readonly oddEvent: LlmUsageEvent;
  /** Usage of the tenant that pays, which arrives after it has paid. */
  readonly lateEvent: LlmUsageEvent;
  /** Tenants with an invoice. */
  readonly tenantIds: readonly string[];
  readonly env: Readonly<Record<'API_URL' | 'OPERATOR_API_KEY' | 'GATEWAY_API_KEY', string>> &
    Readonly<Record<string, string>>;
  /** Where the bank's file and the export are written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What a step tells about itself. */
export interface Told {
  readonly text: string;
}

export class Story {
  readonly start: StoryStart;
  readonly operator: StoryApi;
  /** The usage that counts by now. */
  usage: StoryUsage;
  /** Payments in cents, by tenant. */
  paid: ReadonlyMap<string, number> = new Map();
  /** The adjustment note of the tenant that has paid. */
  note = { subtotal: 0, tax: 0, total: 0 };

  constructor(start: StoryStart) {
    const { env, usage, signal } = start;
    this.start = start;
    this.usage = usage;
    this.operator = createStoryApi(env.API_URL, env.OPERATOR_API_KEY, signal);
  }

  /** Compares every live invoice of the month with its figures. */
  async checkInvoices(): Promise<readonly InvoiceHeader[]> {
    const { month, tenantIds } = this.start;
    const invoices = await this.operator.invoices(month);
    expectEqual('Invoices', invoices.length, tenantIds.length);
    for (const invoice of invoices) {
      const { number, tenant_id, subtotal_cents, tax_cents, total_cents } = invoice;
      const { subtotal, tax, total } = this.figures(tenant_id);
      expectEqual(`Subtotal of ${number}`, subtotal_cents, subtotal);
      expectEqual(`GST of ${number}`, tax_cents, tax);
      expectEqual(`Total of ${number}`, total_cents, total);
      const balance = total - (this.paid.get(tenant_id) ?? 0);
      expectEqual(`Balance of ${number}`, invoice.balance_cents, balance);
    }
    return invoices.toSorted((a, b) => (a.tenant_id < b.tenant_id ? -1 : 1));
  }

  /** Returns what a tenant's invoice must say, its adjustment note included. */
  figures(tenantId: string): Figures {
    const { files, month } = this.start;
    return figuresOf(files, this.usage, tenantId, month);
  }

  /** Returns the figures of all tenants together. */
  total(): Omit<Figures, 'lines'> {
    const all = this.start.tenantIds.map((tenantId) => this.figures(tenantId));
    const sum = (of: (figures: Figures) => number) =>
      all.reduce((total, each) => total + of(each), 0);
    return {
      subtotal: sum(({ subtotal }) => subtotal),
      tax: sum(({ tax }) => tax),
      total: sum(({ total }) => total),
    };
  }

  /** Returns the live invoice of a tenant. */
  async invoiceOf(tenantId: string): Promise<InvoiceHeader> {
    const invoices = await this.operator.invoices(this.start.month);
    const found = invoices.find(({ tenant_id }) => tenant_id === tenantId);
    if (!found) throw new DemoError(`${tenantId} has no invoice`);
    return found;
  }

  /** The API as a tenant uses it, with a new key of its own. */
  async asTenant(tenantId: string): Promise<StoryApi> {
    const { env, signal } = this.start;
    const args = ['keys', 'create', '--scope', 'tenant', '--tenant', tenantId, '--label', 'demo'];
    const { json } = await runCli(args, env, { signal });
    return createStoryApi(env.API_URL, (json as { readonly key: string }).key, signal);
  }
}
