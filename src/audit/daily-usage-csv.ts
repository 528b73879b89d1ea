import type { Queryable } from '../db/pool.ts';
import { listUsedDeployments, sumUsageByDay, type UsageMonth } from '../db/usage/usage-by-day.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { UsageOfDay } from '../domain/daily-figures.ts';
import { csvHead, csvRows, type CsvColumn } from '../lib/csv.ts';

/** A row of the export. */
interface Row extends UsageOfDay {
  readonly date: string;
  readonly deploymentId: string;
}

const COLUMNS: readonly CsvColumn<Row>[] = [
  { head: 'date', value: ({ date }) => date },
  { head: 'deployment_id', value: ({ deploymentId }) => deploymentId },
  { head: 'resource_kind', value: ({ resourceKind }) => resourceKind, isText: true },
  { head: 'model', value: ({ model }) => model, isText: true },
  { head: 'events', value: ({ events }) => events },
  { head: 'qty', value: ({ model, amount }) => (model === null ? amount : null) },
  { head: 'charge_cents', value: ({ model, amount }) => (model === null ? null : amount) },
  { head: 'currency', value: ({ currency }) => currency },
];

/** The columns, in order. */
export const DAILY_USAGE_CSV_HEADERS: readonly string[] = COLUMNS.map(({ head }) => head);

/**
 * Streams a month's usage as CSV (RFC 4180): a row per deployment, day, kind and model, ordered by deployment
 * (docs/spec.md#usage-by-day). Reads the events of one deployment at a time.
 * @param inTurn waits until this caller may read events, and reads them
 */
export async function* streamDailyUsageCsv(
  db: Queryable,
  usage: UsageMonth,
  calendar: BillingCalendar,
  inTurn: <T>(read: () => Promise<T>) => Promise<T> = (read) => read(),
): AsyncGenerator<string> {
  yield csvHead(COLUMNS);
  for (const deploymentId of await listUsedDeployments(db, usage)) {
    const days = await inTurn(() => sumUsageByDay(db, usage, calendar, deploymentId));
    const rows = days.map((each): Row => {
      const date = `${usage.month}-${String(each.day).padStart(2, '0')}`;
      return { ...each, date, deploymentId };
    });
    if (rows.length > 0) yield csvRows(COLUMNS, rows);
  }
}
