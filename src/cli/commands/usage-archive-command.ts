import { Command } from 'commander';
import type { Config } from '../../config.ts';
import type { Database } from '../../db/pool.ts';
import { listMonthsBefore } from '../../db/usage/usage-archive.ts';
import type { Month } from '../../domain/period.ts';
import { archiveUsage, type ArchivedMonth } from '../../ingestion/archive-usage.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { requireOlder } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { groupDigits } from '../../domain/format.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly before: Month;
  readonly dryRun?: boolean;
}

export function usageArchiveCommand(): Command {
  return new Command('archive')
    .description('move the usage events of old, closed months to the archive')
    .requiredOption('--before <month>', 'first month to keep, such as 2025-10', monthArgument)
    .option('--dry-run', 'show what would be moved, without moving it')
    .addHelpText(
      'after',
      `
Archived events still count as duplicates, on invoices and in verification; they can be excluded, but no
longer corrected. The last USAGE_HOT_MONTHS full months (default 13) are never archived. The command can
run at any time and be interrupted and repeated. Exit code 3 means that a month could not be archived.

Example:
  npm run cli -- usage archive --before 2025-10`,
    )
    .action(async (options: Options, command: Command) => {
      const env = readEnvironment(process.env);
      const months = options.dryRun
        ? await withDatabase(env, async (db, config) => {
            await requireKept(db, options.before, config);
            const found = await listMonthsBefore(db, options.before);
            return found.map((month) => ({ ...month, movedLlmEvents: 0, movedMeteredEvents: 0 }));
          })
        : await operatorAction(command, env, async (db, config) => {
            await requireKept(db, options.before, config);
            return archiveWithProgress(db, options.before);
          });
      const rows = months.map(toRow);
      print(command, rows, (rows) =>
        renderTable(
          [
            { head: 'month', value: (row) => row.month },
            { head: 'events', align: 'right', value: (row) => groupDigits(row.events) },
            { head: 'moved now', align: 'right', value: (row) => groupDigits(row.moved_now) },
            { head: 'to be moved', align: 'right', value: (row) => groupDigits(row.hot) },
            { head: '', wrap: true, value: (row) => row.left_because },
          ],
          rows,
          'No month before this one has usage.',
        ),
      );
      if (rows.some((row) => row.left_because !== null)) process.exitCode = EXIT_WRONG;
    });
}

function requireKept(db: Database, before: Month, { archive }: Config): Promise<void> {
  return requireOlder(db, before, archive.hotMonths, 'USAGE_HOT_MONTHS');
}

function toRow(month: ArchivedMonth) {
  const moved = month.movedLlmEvents + month.movedMeteredEvents;
  const hot = month.events - month.archivedEvents - moved;
  return {
    month: month.month,
    events: month.events,
    moved_now: moved,
    hot,
    left_because: hot > 0 && month.refusal !== null ? month.refusal : null,
  };
}

async function archiveWithProgress(db: Database, before: Month): Promise<readonly ArchivedMonth[]> {
  const total = (await listMonthsBefore(db, before))
    .filter(({ refusal }) => refusal === null)
    .reduce((sum, { events, archivedEvents }) => sum + events - archivedEvents, 0);
  const what = { what: `Archiving months before ${before}`, unit: 'events', total };
  return withProgress(what, (update) => {
    const movedOf = new Map<Month, number>();
    const onProgress = ({ month }: { readonly month: Month }, moved: number) => {
      movedOf.set(month, moved);
      update(
        [...movedOf.values()].reduce((sum, count) => sum + count, 0),
        total,
        month,
      );
    };
    return archiveUsage(db, before, { onProgress });
  });
}
