import { Command } from 'commander';
import type { Month } from '../../domain/period.ts';
import { expireUsage, type ExpiredMonth } from '../../ingestion/archive-usage.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireOlder } from '../preconditions.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { groupDigits } from '../../domain/format.ts';
import { renderTable } from '../render/text-table.ts';

/** The digest over all events of a month is a single statement. */
const STATEMENT_TIMEOUT_MS = 6 * 3_600_000;

interface Options {
  readonly before: Month;
}

export function usageExpireCommand(): Command {
  return new Command('expire')
    .description('delete archived events past their retention, permanently')
    .requiredOption('--before <month>', 'first month to keep, such as 2019-07', monthArgument)
    .addHelpText(
      'after',
      `
Records the number, sum and digest of each month's events, then deletes the events. Invoices, lines,
buckets and the events' ids stay, so that an expired event sent again is still a duplicate. New usage of
an expired month is rejected. The last USAGE_RETENTION_MONTHS full months (default 84) never expire.

Example:
  npm run cli -- usage expire --before 2019-07`,
    )
    .action(async ({ before }: Options, command: Command) => {
      const env = readEnvironment(process.env);
      const months = await operatorAction(
        command,
        env,
        async (db, { archive: { retentionMonths } }) => {
          await requireOlder(db, before, retentionMonths, 'USAGE_RETENTION_MONTHS');
          const what = { what: `Expiring months before ${before}`, unit: 'months', total: null };
          return withDatabase(
            env,
            (db) =>
              withProgress(what, (update) => expireUsage(db, before, retentionMonths, update)),
            { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
          );
        },
      );
      const rows = months.flatMap(toRows);
      print(command, rows, (rows) =>
        renderTable(
          [
            { head: 'month', value: (row) => row.month },
            { head: 'source', value: (row) => row.source },
            { head: 'events', align: 'right', value: (row) => groupDigits(row.events) },
            { head: 'sum', align: 'right', value: (row) => groupDigits(row.total) },
            { head: 'digest', value: (row) => row.digest },
          ],
          rows,
          'Nothing to expire: no month before this one has archived events.',
        ),
      );
    });
}

function toRows({ month, usage }: ExpiredMonth) {
  return usage.map((row) => ({ month, ...row }));
}
