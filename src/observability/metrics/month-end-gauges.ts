import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';
import type { OutcomeCounts } from '../../contracts/month-end-types.ts';

/** The results of a watchdog check as numbers. Instants are seconds since 1970. */
export interface MonthEndGauges {
  readonly lastCheckSeconds: number;
  /** All codes, with 1 for those that were found. */
  readonly findings: readonly { readonly code: string; readonly value: 0 | 1 }[];
  /** Null: no key expires, or the database couldn't be read. */
  readonly keyExpirySeconds: number | null;
  /** Null if the database couldn't be read, because no number is better than an old one. */
  readonly monthEnd: MonthGauges | null;
  /** Null if Temporal couldn't be reached. */
  readonly temporal: {
    /** Workers that get tasks. */
    readonly workers: number;
    /** Null: it has never fired. */
    readonly scheduleLastSeconds: number | null;
    /** Null: it will not fire. */
    readonly scheduleNextSeconds: number | null;
  } | null;
}

/** The state of the months. */
export interface MonthGauges {
  /** Counts requests of all months. */
  readonly openRequests: number;
  readonly oldestOpenRequestSeconds: number | null;
  readonly outOfBalanceMonths: number;
  /** The latest month that is due to be closed. The fields below describe this month. */
  readonly month: string;
  readonly monthEndSeconds: number;
  readonly dueTenants: number;
  readonly tenantsWithoutOutcome: number;
  readonly outcomes: OutcomeCounts;
  readonly parkedReasons: readonly { readonly reasonType: string; readonly tenants: number }[];
}

/** Registers the watchdog's results, which are queried when the metrics are read; null before the first check. */
export function observeMonthEnd(meter: Meter, read: () => MonthEndGauges | null): void {
  const gauges = createGauges(meter);
  meter.addBatchObservableCallback((result) => {
    const seen = read();
    if (seen !== null) observe(result, gauges, seen);
  }, Object.values(gauges));
}

function createGauges(meter: Meter) {
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(name, { description });
  return {
    lastCheck: gauge(
      'watchdog_last_check_timestamp_seconds',
      'Time of the last watchdog check, in seconds since 1970.',
    ),
    finding: gauge('watchdog_finding', 'Whether the watchdog reports this finding: 1 or 0.'),
    keyExpiry: gauge(
      'api_key_expiry_timestamp_seconds',
      'Earliest expiry among API keys without a replacement in use, in seconds since 1970.',
    ),
    openRequests: gauge('month_end_open_requests', 'Unfinished requests for months.'),
    oldestOpenRequest: gauge(
      'month_end_oldest_open_request_timestamp_seconds',
      'Time of the oldest unfinished request, in seconds since 1970.',
    ),
    outOfBalance: gauge(
      'month_end_months_out_of_balance',
      'Months whose last run ended with control totals that do not match.',
    ),
    lastMonthEnd: gauge(
      'month_end_last_month_end_timestamp_seconds',
      'End of the last month in the billing time zone, in seconds since 1970.',
    ),
    due: gauge('month_end_due_tenants', 'Due tenants of the last month.'),
    outcomes: gauge('month_end_tenants', 'Due tenants of the last month, by their latest outcome.'),
    withoutOutcome: gauge(
      'month_end_tenants_without_outcome',
      'Due tenants of the last month without an outcome.',
    ),
    parked: gauge(
      'month_end_parked_tenants',
      'Parked due tenants of the last month, by type of reason.',
    ),
    workers: gauge('task_queue_workers', 'Workers that poll the task queue and get tasks.'),
    scheduleLast: gauge(
      'month_end_schedule_last_timestamp_seconds',
      'Scheduled time of the latest firing of the Schedule, in seconds since 1970.',
    ),
    scheduleNext: gauge(
      'month_end_schedule_next_timestamp_seconds',
      'Next scheduled time of the Schedule, in seconds since 1970; absent while it is paused.',
    ),
  };
}

function observe(
  result: BatchObservableResult,
  gauges: ReturnType<typeof createGauges>,
  seen: MonthEndGauges,
): void {
  const known = (gauge: ObservableGauge, value: number | null | undefined) => {
    if (value !== null && value !== undefined) result.observe(gauge, value);
  };
  result.observe(gauges.lastCheck, seen.lastCheckSeconds);
  for (const { code, value } of seen.findings) result.observe(gauges.finding, value, { code });
  known(gauges.keyExpiry, seen.keyExpirySeconds);
  known(gauges.workers, seen.temporal?.workers);
  known(gauges.scheduleLast, seen.temporal?.scheduleLastSeconds);
  known(gauges.scheduleNext, seen.temporal?.scheduleNextSeconds);
  if (seen.monthEnd === null) return;
  const { month, outcomes, parkedReasons } = seen.monthEnd;
  result.observe(gauges.openRequests, seen.monthEnd.openRequests);
  known(gauges.oldestOpenRequest, seen.monthEnd.oldestOpenRequestSeconds);
  result.observe(gauges.outOfBalance, seen.monthEnd.outOfBalanceMonths);
  result.observe(gauges.lastMonthEnd, seen.monthEnd.monthEndSeconds, { month });
  result.observe(gauges.due, seen.monthEnd.dueTenants, { month });
  result.observe(gauges.withoutOutcome, seen.monthEnd.tenantsWithoutOutcome, { month });
  for (const [outcome, tenants] of Object.entries(outcomes)) {
    result.observe(gauges.outcomes, tenants, { month, outcome });
  }
  for (const { reasonType: reason_type, tenants } of parkedReasons) {
    result.observe(gauges.parked, tenants, { month, reason_type });
  }
}
