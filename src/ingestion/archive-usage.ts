import {
  archiveChunk,
  listMonthsBefore,
  type ArchivableMonth,
  type ArchiveCursor,
  expireMonth,
  type ExpiredUsage,
} from '../db/usage/usage-archive.ts';
import type { Database } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';

/** Events that are moved together; limits how long a transaction lasts. */
const CHUNK_EVENTS = 20_000;

/** A month, and the number of its events that were moved. */
export interface ArchivedMonth extends ArchivableMonth {
  readonly movedLlmEvents: number;
  readonly movedMeteredEvents: number;
}

/**
 * Moves the events of closed months before `before` to the archive, oldest month first, in chunks of one
 * transaction each: if interrupted, every event is in one place or the other, and a rerun continues. Months
 * that may not be archived are skipped, with the reason. Events that arrived less than a day ago wait for the
 * next run.
 * @param onProgress called with the month, and the number of its events moved so far
 */
export async function archiveUsage(
  db: Database,
  before: Month,
  {
    chunkEvents = CHUNK_EVENTS,
    onProgress = () => undefined,
  }: {
    readonly chunkEvents?: number;
    readonly onProgress?: (month: ArchivableMonth, moved: number) => void;
  } = {},
): Promise<readonly ArchivedMonth[]> {
  const results: ArchivedMonth[] = [];
  for (const month of await listMonthsBefore(db, before)) {
    const isLeft = month.refusal !== null || month.archivedEvents === month.events;
    const moved = isLeft
      ? { movedLlmEvents: 0, movedMeteredEvents: 0 }
      : await archiveMonth(db, month, chunkEvents, onProgress);
    results.push({ ...month, ...moved });
  }
  return results;
}

async function archiveMonth(
  db: Database,
  month: ArchivableMonth,
  chunkEvents: number,
  onProgress: (month: ArchivableMonth, moved: number) => void,
) {
  let movedLlmEvents = 0;
  let movedMeteredEvents = 0;
  let after: ArchiveCursor | null = null;
  do {
    const chunk = await archiveChunk(db, month.month, after, chunkEvents);
    movedLlmEvents += chunk.llmEvents;
    movedMeteredEvents += chunk.meteredEvents;
    onProgress(month, movedLlmEvents + movedMeteredEvents);
    after = chunk.next;
  } while (after !== null);
  return { movedLlmEvents, movedMeteredEvents };
}

/** A month whose events were deleted by this call. */
export interface ExpiredMonth {
  readonly month: Month;
  readonly usage: readonly ExpiredUsage[];
}

/**
 * Permanently deletes the archived events of months before `before`, oldest month first, each in a transaction
 * that first records their totals. Months that have already expired, or were never archived, are skipped.
 * @param monthsKept the number of full months whose events are always kept
 * @param onProgress called after each month
 * @throws IntegrityConstraintViolationError if a month is too young, or not archived completely
 */
export async function expireUsage(
  db: Database,
  before: Month,
  monthsKept: number,
  onProgress: (done: number, months: number) => void = () => undefined,
): Promise<readonly ExpiredMonth[]> {
  const months = (await listMonthsBefore(db, before)).filter(
    ({ isExpired, archivedEvents }) => !isExpired && archivedEvents > 0,
  );
  const expired: ExpiredMonth[] = [];
  for (const { month } of months) {
    expired.push({ month, usage: await expireMonth(db, month, monthsKept) });
    onProgress(expired.length, months.length);
  }
  return expired;
}
