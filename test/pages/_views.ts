import type { Visitor } from '../../src/api/pages/views/layout.ts';
import type { Standing } from '../../src/db/invoices/month-invoices.ts';
import type { MonthOverview } from '../../src/db/month-end/month-views.ts';

export const OPERATOR: Visitor = {
  label: 'ops',
  scope: 'operator',
  timeZone: 'UTC',
  formToken: 'the-token',
};

/** What a sender, or an operator, might get into a page. */
export const ATTACK = `<script>alert("'1'")</script>`;
export const HARMLESS = '&lt;script&gt;alert(&quot;&#39;1&#39;&quot;)&lt;/script&gt;';

/** A month that is closed, and in which nothing is amiss. */
export const CLOSED: MonthOverview = {
  month: '2026-05',
  due_tenants: 10,
  outcomes: { rolled: 10, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 0 },
  not_looked_at: 0,
  requests: [
    {
      request_id: 'close',
      kind: 'run',
      state: 'finished',
      actor: 'schedule',
      reason: null,
      requested_at: '2026-06-01T06:00:00Z',
      finished_at: '2026-06-01T06:05:00Z',
      balanced: true,
      refused: [],
    },
  ],
  totals: [
    {
      currency: 'AUD',
      invoices: 10,
      subtotal_cents: '100000',
      tax_cents: '10000',
      total_cents: '110000',
    },
  ],
  review: { waiting: 0, since: null, totals: [] },
  at_stake: [],
  quarantined: [],
  is_served: true,
  balanced: true,
  last_pass: {
    finished_at: '2026-06-01T06:05:00Z',
    balanced: true,
    imbalances: [],
    usage: [],
  },
  pace: {
    started_at: null,
    read_at: '2026-06-01T07:00:00Z',
    served: 0,
    recent: 0,
    window_seconds: 0,
  },
};

/** The same during its pass. */
export const CLOSING: MonthOverview = {
  ...CLOSED,
  outcomes: { rolled: 4, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 0 },
  not_looked_at: 6,
  requests: CLOSED.requests.map((request) => ({
    ...request,
    state: 'running',
    finished_at: null,
    balanced: null,
  })),
  is_served: false,
  balanced: null,
  last_pass: null,
  pace: {
    started_at: '2026-06-01T06:00:00Z',
    read_at: '2026-06-01T06:00:20Z',
    served: 4,
    recent: 4,
    window_seconds: 20,
  },
};

/** A tenant without an invoice in a month, unless another state is given. */
export function standing(changes: Partial<Standing> = {}): Standing {
  return {
    ...{ tenant_id: 'acme', name: 'Acme', is_due: true, currency: 'AUD' },
    ...{ invoice_id: null, number: null, revision: null, status: null, total_cents: null },
    ...{ is_settled: null, outcome: null, reason_type: null, reason: null },
    ...changes,
  };
}
