import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import type { Month } from '../src/domain/period.ts';

/** The calls of the API with which the second act reviews, corrects, releases and adjusts a month. */
export interface StoryApi {
  /** The live invoices of a month that the caller's key can see. */
  invoices(month: Month): Promise<readonly InvoiceHeader[]>;
  invoice(invoiceId: string): Promise<PrintableInvoice>;
  /** The events behind a line of LLM usage, at most 1,000: their ids and exact charges. */
  eventsOf(invoiceId: string, lineNo: number): Promise<readonly StoryEvent[]>;
  review(month: Month): Promise<StoryReview>;
  exclude(eventId: string, reason: string): Promise<unknown>;
  /** Asks for a rerun, and waits until the month's workflow has served it. */
  force(
    month: Month,
    tenantId: string,
    options: { readonly reason: string; readonly acceptBounds?: boolean },
  ): Promise<void>;
  release(month: Month, reason: string): Promise<StoryRelease>;
  notesOf(invoiceId: string): Promise<readonly StoryNote[]>;
  note(noteId: string): Promise<StoryNote & { readonly lines: PrintableInvoice['lines'] }>;
}

export interface StoryEvent {
  readonly event_id: string;
  readonly model: string;
  readonly amount: string;
}

export interface StoryReview {
  readonly waiting: number;
  readonly totals: readonly { readonly currency: string; readonly total_cents: string }[];
}

export interface StoryRelease {
  readonly released_invoices: number;
  readonly waiting_invoices: number;
}

export interface StoryNote {
  readonly adjustment_note_id: string;
  readonly number: string;
  readonly adjusts_number: string;
  readonly reason: string;
  readonly subtotal_cents: number;
  readonly tax_cents: number;
  readonly total_cents: number;
}

const POLL_EVERY_MS = 200;
const SERVE_TIMEOUT_MS = 60_000;

export function createStoryApi(apiUrl: string, apiKey: string, signal: AbortSignal): StoryApi {
  // Unchecked, because the responses come from the API in this process.
  async function call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, apiUrl), {
      method,
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal,
    });
    if (!response.ok) {
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    }
    return (await response.json()) as T;
  }
  const get = <T>(path: string) => call<T>('GET', path);

  async function isServed(month: Month, requestId: string): Promise<boolean> {
    const { requests } = await get<{
      readonly requests: readonly { readonly request_id: string; readonly state: string }[];
    }>(`/api/v1/roll-ups/${month}`);
    return requests.some(
      ({ request_id, state }) => request_id === requestId && state === 'finished',
    );
  }

  return {
    async invoices(month) {
      const { invoices } = await get<{ readonly invoices: readonly InvoiceHeader[] }>(
        `/api/v1/invoices?month=${month}&limit=200`,
      );
      return invoices;
    },
    invoice: (invoiceId) => get(`/api/v1/invoices/${invoiceId}`),
    async eventsOf(invoiceId, lineNo) {
      const { events } = await get<{ readonly events: readonly StoryEvent[] }>(
        `/api/v1/invoices/${invoiceId}/lines/${lineNo}/usage?limit=1000`,
      );
      return events;
    },
    async review(month) {
      const { review } = await get<{ readonly review: StoryReview }>(`/api/v1/roll-ups/${month}`);
      return review;
    },
    exclude: (eventId, reason) =>
      call('POST', '/api/v1/usage-exclusions', { source: 'llm', event_id: eventId, reason }),
    async force(month, tenantId, { reason, acceptBounds = false }) {
      const { request_id } = await call<{ readonly request_id: string }>(
        'POST',
        '/api/v1/roll-ups',
        { month, force: true, tenant_ids: [tenantId], accept_bounds: acceptBounds, reason },
      );
      const deadline = Date.now() + SERVE_TIMEOUT_MS;
      while (!(await isServed(month, request_id))) {
        if (Date.now() > deadline) throw new Error(`the rerun of ${tenantId} was not served`);
        await sleep(POLL_EVERY_MS, undefined, { signal });
      }
    },
    release: (month, reason) => call('POST', '/api/v1/releases', { month, all: true, reason }),
    async notesOf(invoiceId) {
      const { adjustment_notes } = await get<{ readonly adjustment_notes: readonly StoryNote[] }>(
        `/api/v1/adjustment-notes?invoice_id=${invoiceId}`,
      );
      return adjustment_notes;
    },
    note: (noteId) => get(`/api/v1/adjustment-notes/${noteId}`),
  };
}
