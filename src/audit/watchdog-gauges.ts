import { outcomesOf } from '../contracts/month-end-types.ts';
import type { MonthEndGauges } from '../observability/metrics/month-end-gauges.ts';
import { FINDING_CODES } from './watchdog-finding.ts';
import type { BooksFacts, TemporalFacts, WatchdogReport } from './watchdog-report.ts';

/** Returns the values of a report for the metrics; null before the first report. */
export function toGauges(report: WatchdogReport | null): MonthEndGauges | null {
  if (report === null) return null;
  const { checkedAt, findings, books, temporal } = report;
  const found = new Set<string>(findings.map(({ code }) => code));
  return {
    lastCheckSeconds: checkedAt.getTime() / 1000,
    findings: FINDING_CODES.map((code) => ({ code, value: found.has(code) ? 1 : 0 })),
    keyExpirySeconds: books && secondsOf(books.keyExpiresAt),
    monthEnd: books && monthGauges(books),
    temporal: temporal && temporalGauges(temporal),
  };
}

function monthGauges({ lastMonth, lastMonthEndsAt, months, parkedReasons }: BooksFacts) {
  const last = months.find(({ month }) => month === lastMonth);
  if (!last) return null;
  const waiting = months.flatMap(({ waitingSince }) => secondsOf(waitingSince) ?? []);
  return {
    openRequests: months.reduce((sum, { openRequests }) => sum + openRequests, 0),
    oldestOpenRequestSeconds: waiting.length > 0 ? Math.min(...waiting) : null,
    outOfBalanceMonths: months.filter(({ isOutOfBalance }) => isOutOfBalance).length,
    month: lastMonth,
    monthEndSeconds: Date.parse(lastMonthEndsAt) / 1000,
    dueTenants: last.dueTenants,
    tenantsWithoutOutcome: last.withoutOutcome,
    outcomes: outcomesOf(last),
    parkedReasons,
  };
}

function temporalGauges({ schedule, workers }: TemporalFacts) {
  const fired = schedule?.recentActionTimes.at(-1);
  const [next] = schedule?.nextActionTimes ?? [];
  return {
    workers: workers.filter(({ isCurrent }) => isCurrent).length,
    scheduleLastSeconds: fired ? fired.getTime() / 1000 : null,
    scheduleNextSeconds: next && !schedule?.isPaused ? next.getTime() / 1000 : null,
  };
}

function secondsOf(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant) / 1000;
}
