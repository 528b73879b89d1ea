import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { OutcomeCounts, TenantResult } from '../../src/contracts/month-end-types.ts';
import type { MonthActivities } from '../../src/worker.ts';

/** The state of the month's request, in place of the database. */
type RequestState = 'none' | 'waiting' | 'served';

/**
 * The month end's activities without a database: in each month the given number of tenants is due, and each gets its
 * invoice at once. What remains is the cost of the engine and the workflow code. For months that are requested once.
 * @param dueTenants due tenants by month
 * @param requestFile start of the files' names that keep the requests' state for all workers
 */
export function createMemoryActivities(
  dueTenants: ReadonlyMap<string, number>,
  requestFile: string,
): MonthActivities {
  const fileOf = (month: string) => `${requestFile}-${month}`;
  const readState = (month: string): RequestState =>
    existsSync(fileOf(month)) ? (readFileSync(fileOf(month), 'utf8') as RequestState) : 'none';
  const setState = (month: string, state: RequestState) => writeFileSync(fileOf(month), state);
  const dueIn = (month: string) => dueTenants.get(month) ?? 0;
  const refuse = (name: string) => () => Promise.reject(new Error(`${name}: not in a simulation`));
  return {
    requestScheduledMonth: refuse('requestScheduledMonth'),
    acceptRequest({ month, signalId }) {
      setState(month, 'waiting');
      const nobody = { urgentTenantIds: [], refusals: [] };
      return Promise.resolve({
        accepted: true,
        requestId: signalId,
        waiting: true,
        ...nobody,
      });
    },
    beginPass({ month }) {
      if (readState(month) !== 'waiting') return Promise.resolve(null);
      setState(month, 'served');
      return Promise.resolve({
        requestIds: ['bench'],
        requestCount: 1,
        upToSeq: 1,
        startedAt: '2026-06-01T06:00:00Z',
        dueTenants: dueIn(month),
      });
    },
    planPage({ month, after, limit }) {
      const from = after === null ? 0 : numberOf(after);
      const count = Math.min(limit, dueIn(month) - from);
      const tenantIds = Array.from({ length: count }, (_, index) => tenantId(from + index + 1));
      return Promise.resolve({ tenantIds, skipped: 0, last: tenantIds.at(-1) ?? null });
    },
    openDrafts: ({ tenantIds }) =>
      Promise.resolve({
        drafts: tenantIds.map((id) => ({ tenantId: id, draftId: draftId(id) })),
        settled: [],
      }),
    quoteSubscriptions: ({ drafts }) =>
      Promise.resolve({
        parked: [],
        unfinished: [],
        subscriptions: 3 * drafts.length,
        lines: 9 * drafts.length,
      }),
    pullLlmUsage: ({ drafts }) =>
      Promise.resolve({ parked: [], requests: String(30 * drafts.length), lines: drafts.length }),
    persistInvoices: ({ drafts }) =>
      Promise.resolve({
        results: drafts.map(({ tenantId: id }) => rolled(id)),
        lines: 11 * drafts.length,
        total: drafts.length === 1 ? 'AUD 123.45' : null,
      }),
    recordParked: refuse('recordParked'),
    sendDailyNotices: refuse('sendDailyNotices'),
    releaseCuredUsage: refuse('releaseCuredUsage'),
    sweepThresholds: refuse('sweepThresholds'),
    listWaiting: () => Promise.resolve({ tenantIds: [] }),
    finishPass: ({ month }) =>
      Promise.resolve({
        totals: { ...NONE, rolled: dueIn(month) },
        unreleased: 0,
        imbalances: [],
      }),
  };
}

const NONE: OutcomeCounts = {
  rolled: 0,
  adjusted: 0,
  skipped: 0,
  unchanged: 0,
  nothing_to_bill: 0,
  parked: 0,
};

/** As long as a real one. */
function tenantId(number: number): string {
  return `tenant-${String(number).padStart(9, '0')}`;
}

function numberOf(id: string): number {
  return Number(id.slice('tenant-'.length));
}

function rolled(id: string): TenantResult {
  return { tenantId: id, outcome: 'rolled', invoiceId: draftId(id), totalCents: 12_345 };
}

function draftId(id: string): string {
  return `00000000-0000-4000-8000-${String(numberOf(id)).padStart(12, '0')}`;
}
