import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import type { MonthEndStatus } from '../src/db/month-end/month-end-status.ts';
import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import type { OutcomeCounts } from '../src/contracts/month-end-types.ts';
import type { TaxedQuoteJson } from '../src/domain/quote-tax.ts';
import type { Month } from '../src/domain/period.ts';

/** `GET /api/v1/roll-ups/{month}`. */
export interface RollUp extends MonthEndStatus {
  readonly workflow: {
    readonly state: 'closing' | 'open';
    readonly pass: (OutcomeCounts & { readonly due_tenants: number }) | null;
  } | null;
}

/** The API calls with which an operator reads results. */
export interface OperatorApi {
  rollUp(month: Month): Promise<RollUp>;
  /** The live invoices of a month. */
  invoices(month: Month): Promise<readonly InvoiceHeader[]>;
  invoice(invoiceId: string): Promise<PrintableInvoice>;
  quote(asked: {
    readonly plan_code: string;
    readonly addons: readonly string[];
    readonly starts_on: string;
    readonly tenant_id: string;
  }): Promise<TaxedQuoteJson>;
}

export function createOperatorApi(
  apiUrl: string,
  apiKey: string,
  signal: AbortSignal,
): OperatorApi {
  // Unchecked, because the responses come from the API in this process.
  async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
    const response = await fetch(new URL(path, apiUrl), { ...init, headers, signal });
    if (!response.ok) {
      throw new Error(
        `${init.method ?? 'GET'} ${path} answered ${response.status}: ${await response.text()}`,
      );
    }
    return (await response.json()) as T;
  }
  const get = <T>(path: string) => call<T>(path);
  return {
    rollUp: (month) => get(`/api/v1/roll-ups/${month}`),
    async invoices(month) {
      const found: InvoiceHeader[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: { invoices: InvoiceHeader[]; next_cursor: string | null } = await get(
          `/api/v1/invoices?month=${month}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        found.push(...page.invoices);
        cursor = page.next_cursor;
      }
      return found;
    },
    invoice: (invoiceId) => get(`/api/v1/invoices/${invoiceId}`),
    quote: (asked) => call('/api/v1/quote', { method: 'POST', body: JSON.stringify(asked) }),
  };
}
