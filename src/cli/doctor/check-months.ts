import { FINDINGS } from '../../audit/watchdog-finding.ts';
import { judgeMonths, type WatchdogLimits } from '../../audit/watchdog-months.ts';
import type { Queryable } from '../../db/pool.ts';
import { readMonthFacts, type MonthFacts } from '../../db/month-end/watchdog.ts';
import { monthBefore } from '../../domain/period.ts';
import { adviceFor } from './advice.ts';
import { ok, problem, warning, type Check } from './check.ts';

/** What the watchdog would find of the months; where that is nothing, how the last one stands. */
export async function checkMonths(
  db: Queryable,
  now: Date,
  limits: WatchdogLimits,
): Promise<readonly Check[]> {
  const lastMonth = monthBefore(now);
  const months = await readMonthFacts(db, lastMonth);
  const findings = judgeMonths(months, now, limits);
  if (findings.length > 0) {
    return findings.map((finding) => {
      const say = FINDINGS[finding.code].level === 'warn' ? warning : problem;
      return say('months', finding.detail, adviceFor(finding));
    });
  }
  return months
    .filter(({ month }) => month === lastMonth)
    .map((facts) => ok('months', describe(facts)));
}

function describe({ month, dueTenants, finishedRequests, withoutOutcome, parked }: MonthFacts) {
  if (dueTenants === 0) return `nobody is due for ${month}`;
  const isClosed = finishedRequests > 0 && withoutOutcome === 0;
  return isClosed
    ? `${month} is closed; due tenants: ${dueTenants}, parked: ${parked}`
    : `${month} is not closed yet, and not late; due tenants: ${dueTenants}`;
}
