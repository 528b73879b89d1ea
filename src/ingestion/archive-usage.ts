import {
  archiveChunk,
  listMonthsBefore,
  type ArchivableMonth,
  type ArchiveCursor,
} from '../db/usage/usage-archive.ts';
import type { Database } from '../db/pool.ts';
import type { Month } from '../domain/period.ts';

/** Events that are moved together: a bound on how long a transaction lasts. */
const CHUNK_EVENTS = 20_000;

/** A month, and what became of its events. */
export interface ArchivedMonth extends ArchivableMonth {
  readonly movedLlmEvents: number;
  readonly movedMeteredEvents: number;
}

/**
 * Moves the events of the closed months before this one to the archive, the oldest month first, chunk by
 * chunk, each in a transaction: cut off, it leaves every event in one place or the other, and goes on
 * when it is run again. Months that may not be archived are left, with the reason. What came in less
 * than a day ago waits for the next run.
 * @param onProgress told the month, and how many of its events have been moved
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
