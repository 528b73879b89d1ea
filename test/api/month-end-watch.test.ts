import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGauges } from '../../src/audit/watchdog-gauges.ts';
import { lookAround, type WatchdogReport } from '../../src/audit/watchdog-report.ts';
import { monthBefore } from '../_util/utc.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { createTestApi, type TestApi } from './_harness.ts';

/** Acme and zeta are due, the month is open, and there is no Schedule. */
const NOW = new Date('2026-06-01T09:00:00Z');

let api: TestApi;
let report: WatchdogReport | null = null;
beforeAll(async () => {
  const metrics = createMetrics();
  metrics.watchMonthEnd(() => toGauges(report));
  api = await createTestApi({ metrics, watchdog: { latest: () => report } });
});
afterAll(() => api[Symbol.asyncDispose]());

function look(): Promise<WatchdogReport> {
  return lookAround({
    db: api.db,
    readSchedule: () => Promise.resolve(null),
    listWorkers: () => Promise.resolve([]),
    readRuns: () => Promise.resolve([]),
    limits: { closeWithinHours: 8, stalledAfterMinutes: 15, reviewReminderDays: 3 },
    now: () => NOW,
  });
}

async function readMetrics(): Promise<readonly string[]> {
  const { text } = await api.call('get', '/metrics');
  return text.split('\n').filter((line) => /^(watchdog|month_end)_/.test(line));
}

test('reports nothing before the first check', async () => {
  const { status, body } = await api.call('get', '/readyz');
  expect(status).toBe(200);
  expect(body).toMatchObject({ month_end: { ok: false, checked_at: null, findings: [] } });
  expect(await readMetrics()).toEqual([]);
});

test('/readyz lists the findings and stays ready', async () => {
  report = await look();
  const { status, body } = await api.call('get', '/readyz');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ready: true,
    month_end: {
      ok: false,
      checked_at: '2026-06-01T09:00:00.000Z',
      findings: [
        {
          code: 'month_not_closed',
          month: monthBefore(NOW),
          detail: '2026-05 was to be closed by 2026-06-01T08:00:00Z: no run has been requested',
        },
        { code: 'schedule_missing', month: null },
        { code: 'no_worker', month: null },
      ],
    },
  });
  // The endpoint is public.
  expect(JSON.stringify(body)).not.toMatch(/acme|zeta|127\.0\.0\.1/);
});

test('/metrics has a series for every code', async () => {
  report = await look();
  expect(await readMetrics()).toEqual([
    expect.stringMatching(/^watchdog_last_check_timestamp_seconds(\{.*\})? 1780304400$/),
    expect.stringMatching(/^watchdog_finding\{.*code="database_unreachable".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="month_not_closed".*\} 1$/),
    expect.stringMatching(/^watchdog_finding\{.*code="tenants_to_invoice".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="run_stalled".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="run_lost".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="books_do_not_add_up".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="review_waiting".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="temporal_unreachable".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="schedule_missing".*\} 1$/),
    expect.stringMatching(/^watchdog_finding\{.*code="schedule_paused".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="schedule_points_elsewhere".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="schedule_silent".*\} 0$/),
    expect.stringMatching(/^watchdog_finding\{.*code="no_worker".*\} 1$/),
    expect.stringMatching(/^month_end_open_requests(\{.*\})? 0$/),
    'month_end_months_out_of_balance 0',
    'month_end_last_month_end_timestamp_seconds{month="2026-05"} 1780272000',
    'month_end_due_tenants{month="2026-05"} 2',
    'month_end_tenants{month="2026-05",outcome="rolled"} 0',
    'month_end_tenants{month="2026-05",outcome="adjusted"} 0',
    'month_end_tenants{month="2026-05",outcome="skipped"} 0',
    'month_end_tenants{month="2026-05",outcome="unchanged"} 0',
    'month_end_tenants{month="2026-05",outcome="nothing_to_bill"} 0',
    'month_end_tenants{month="2026-05",outcome="parked"} 0',
    'month_end_tenants_without_outcome{month="2026-05"} 2',
  ]);
});

test('is ok without findings', async () => {
  report = { ...(await look()), findings: [] };
  const { body } = await api.call('get', '/readyz');
  expect(body).toMatchObject({ month_end: { ok: true, findings: [] } });
});
