import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';

/** A look of the watchdog in numbers. Instants are seconds since 1970. */
export interface MonthEndGauges {
  readonly lastCheckSeconds: number;
  /** Each code that there is, with 1 where it was found. */
  readonly findings: readonly { readonly code: string; readonly value: 0 | 1 }[];
  /** Null: no key ends, or nobody knows. */
  readonly keyExpirySeconds: number | null;
  /** Null where the database couldn't be read: no number is better than an old one. */
  readonly monthEnd: MonthGauges | null;
  /** Null where Temporal couldn't be asked. */
  readonly temporal: {
    /** Those that get tasks. */
    readonly workers: number;
    /** Null: it has never fired. */
    readonly scheduleLastSeconds: number | null;
    /** Null: it will not fire. */
    readonly scheduleNextSeconds: number | null;
  } | null;
}

/** The months as they stand. */
export interface MonthGauges {
  /** Of all months. */
  readonly openRequests: number;
  readonly oldestOpenRequestSeconds: number | null;
  readonly outOfBalanceMonths: number;
  /** The month that was to be closed last; what follows is of it. */
  readonly month: string;
  readonly dueTenants: number;
  readonly tenantsWithoutOutcome: number;
  readonly outcomes: Readonly<Record<'rolled' | 'skipped' | 'unchanged' | 'parked', number>>;
  readonly parkedReasons: readonly { readonly reasonType: string; readonly tenants: number }[];
}

/** What the watchdog has seen, read whenever the metrics are read; null: nothing yet. */
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
      'When the watchdog looked last, in seconds since 1970.',
    ),
    finding: gauge('watchdog_finding', 'Whether the watchdog finds this to be wrong: 1 or 0.'),
    keyExpiry: gauge(
      'api_key_expiry_timestamp_seconds',
      'When the first API key ends of whom no successor is in use, in seconds since 1970.',
    ),
    openRequests: gauge('month_end_open_requests', 'Requests for months that are not finished.'),
    oldestOpenRequest: gauge(
      'month_end_oldest_open_request_timestamp_seconds',
      'When the oldest request was made that is not finished, in seconds since 1970.',
    ),
    outOfBalance: gauge(
      'month_end_months_out_of_balance',
      'Months whose last run ended with control totals that do not match.',
    ),
    due: gauge('month_end_due_tenants', 'Tenants that the last month has to invoice.'),
    outcomes: gauge('month_end_tenants', 'Due tenants of the last month, by their latest outcome.'),
    withoutOutcome: gauge(
      'month_end_tenants_without_outcome',
      'Due tenants of the last month that nobody has looked at.',
    ),
    parked: gauge(
      'month_end_parked_tenants',
      'Due tenants of the last month that are parked, by the type of the reason.',
    ),
    workers: gauge('task_queue_workers', 'Workers that poll the task queue and get tasks.'),
    scheduleLast: gauge(
      'month_end_schedule_last_timestamp_seconds',
      'What the latest firing of the Schedule was scheduled for, in seconds since 1970.',
    ),
    scheduleNext: gauge(
      'month_end_schedule_next_timestamp_seconds',
      'When the Schedule fires next, in seconds since 1970; absent while it is paused.',
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
  result.observe(gauges.due, seen.monthEnd.dueTenants, { month });
  result.observe(gauges.withoutOutcome, seen.monthEnd.tenantsWithoutOutcome, { month });
  for (const [outcome, tenants] of Object.entries(outcomes)) {
    result.observe(gauges.outcomes, tenants, { month, outcome });
  }
  for (const { reasonType: reason_type, tenants } of parkedReasons) {
    result.observe(gauges.parked, tenants, { month, reason_type });
  }
}
