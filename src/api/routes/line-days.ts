import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import {
  listSortedEvents,
  sumLineByDay,
  type EventFilter,
  type UsedLine,
} from '../../db/usage/sorted-events.ts';
import { foldDays, type DailyFigures } from '../../domain/daily-figures.ts';
import { daysInMonth, monthStart } from '../../domain/period.ts';
import { computeOnce, keepUpTo } from '../http/compute-once.ts';

/** What is read from all events of a line and kept, because issued lines never change. */

/** Events in an order are listed up to here; the CSV file has all. */
export const MAX_SORTED = 1000;

/** Each of up to 100 kB. */
const KEPT = keepUpTo(500);

/**
 * Returns the usage behind a line by day and model, with the five most expensive models.
 * @throws OverloadedError if too many results of this caller are waiting
 */
export async function readLineDays(
  db: Queryable,
  line: UsedLine,
  caller: ApiKey,
): Promise<DailyFigures> {
  const calendar = await loadCalendar(db);
  const { documentId, lineNo, month } = line;
  return computeOnce(
    caller,
    { by: 'day', documentId, lineNo },
    async () => foldDays(await sumLineByDay(db, calendar, line), daysInMonth(monthStart(month))),
    KEPT,
  );
}

/**
 * Returns the ids of the first events of a line in an order.
 * @throws OverloadedError if too many results of this caller are waiting
 */
export function readSortedEvents(
  db: Queryable,
  { documentId, lineNo }: Pick<UsedLine, 'documentId' | 'lineNo'>,
  filter: EventFilter,
  caller: ApiKey,
): Promise<readonly string[]> {
  return computeOnce(
    caller,
    { documentId, lineNo, ...filter },
    () => listSortedEvents(db, documentId, lineNo, filter, MAX_SORTED),
    KEPT,
  );
}
