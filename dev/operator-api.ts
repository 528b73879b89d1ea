import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import type { MonthEndStatus } from '../src/db/month-end/month-end-status.ts';
import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import type { OutcomeCounts } from '../src/contracts/month-end-types.ts';
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
  /** The current invoices of a month. */
  invoices(month: Month): Promise<readonly InvoiceHeader[]>;
  invoice(invoiceId: string): Promise<PrintableInvoice>;
}

export function createOperatorApi(
  apiUrl: string,
  apiKey: string,
  signal: AbortSignal,
): OperatorApi {
  // Unchecked, because the responses come from the API in this process.
  async function get<T>(path: string): Promise<T> {
    const headers = { Authorization: `Bearer ${apiKey}` };
    const response = await fetch(new URL(path, apiUrl), { headers, signal });
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
    return (await response.json()) as T;
  }
  return {
    rollUp: (month) => get(`/api/v1/roll-ups/${month}`),
    async invoices(month) {
      const found: InvoiceHeader[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: { invoices: InvoiceHeader[]; next_cursor: string | null } = await get(
          `/api/v1/invoices?period=${month}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        found.push(...page.invoices);
        cursor = page.next_cursor;
      }
      return found;
    },
    invoice: (invoiceId) => get(`/api/v1/invoices/${invoiceId}`),
  };
}
