import { FINDINGS } from '../../audit/watchdog-finding.ts';
import { judgeMonths, type WatchdogLimits } from '../../audit/watchdog-months.ts';
import type { Queryable, Database } from '../../db/pool.ts';
import { readMonthFacts, type MonthFacts } from '../../db/month-end/watchdog-facts.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import type { Month } from '../../domain/period.ts';
import { adviceFor, ok, problem, warning, type Check } from './doctor-check.ts';
import { listLateUsage, type LateUsage } from '../../audit/late-usage.ts';
import { listMonthsWithUnbilledUsage } from '../../db/month-end/usage-places.ts';
import type { Bounds } from '../../domain/bounds.ts';
import { formatAmount } from '../../domain/format.ts';

/** The watchdog's findings about months or, if there are none, the state of last month. */
export async function checkMonths(
  db: Queryable,
  now: Date,
  limits: WatchdogLimits,
): Promise<readonly Check[]> {
  const calendar = await loadCalendar(db);
  const lastMonth = calendar.monthBefore(now);
  const months = await readMonthFacts(db, lastMonth);
  const findings = judgeMonths(months, now, limits, calendar);
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
  if (dueTenants === 0) return `no tenant is due for ${month}`;
  const isClosed = finishedRequests > 0 && withoutOutcome === 0;
  return isClosed
    ? `${month} is closed; due tenants: ${dueTenants}, parked: ${parked}`
    : `${month} is not closed yet and not overdue; due tenants: ${dueTenants}`;
}

const NAME = 'unbilled usage';
/** Maximum number of tenants that are named; the rest is counted. */
const SHOWN_TENANTS = 5;

/**
 * Finds usage that will not be billed without an operator's action, in last month and in older months: the listing of
 * `month-end late-usage`, without entries that need no action.
 * @param bounds safety bounds that reruns have to keep
 */
export async function checkUnbilled(
  db: Database,
  now: Date,
  bounds: Bounds,
): Promise<readonly Check[]> {
  const lastMonth = (await loadCalendar(db)).monthBefore(now);
  const months = new Set([...(await listMonthsWithUnbilledUsage(db, lastMonth)), lastMonth]);
  const checks: Check[] = [];
  for (const month of months) {
    const entries = await listLateUsage(db, month, { bounds });
    const stuck = entries.filter(({ action }) => action !== 'none');
    if (stuck.length > 0) checks.push(warnOf(month, stuck));
  }
  return checks.length > 0
    ? checks
    : [ok(NAME, 'all usage is billed or will be billed automatically')];
}

function warnOf(month: Month, entries: readonly LateUsage[]): Check {
  const shown = entries.slice(0, SHOWN_TENANTS).map((entry) => {
    const { tenant_id, name, reason, would_add_cents: cents, currency } = entry;
    const sign = cents !== null && cents > 0 ? '+' : '';
    const amount = cents === null ? '' : ` ${currency} ${sign}${formatAmount(cents, currency)}`;
    return `${name} (${tenant_id})${amount}, ${reason.replaceAll('_', ' ')}`;
  });
  const more = entries.length - shown.length;
  const detail = `${month} has usage that won't be billed automatically: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return warning(NAME, detail, `npm run cli -- month-end late-usage ${month}`);
}
