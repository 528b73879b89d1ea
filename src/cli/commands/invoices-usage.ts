import { Command } from 'commander';
import { streamUsageCsv } from '../../audit/usage-csv.ts';
import { listEventsBehind, readLineUsage, type EventBehindLine } from '../../db/provenance.ts';
import { integerArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { requireInvoice } from '../invoice-argument.ts';
import { print, writeOut } from '../output.ts';
import { formatCents, groupDigits } from '../../domain/format.ts';
import { renderTable } from '../render/table.ts';

interface Options {
  readonly line: number;
  readonly limit: number;
  readonly csv?: boolean;
}

export function invoicesUsageCommand(): Command {
  return new Command('usage')
    .description('show the events behind a line of an invoice, with their exact sum and a digest')
    .argument('<invoice>', 'its number or its id')
    .requiredOption('--line <number>', 'of LLM usage or overage', integerArgument(1, 999_999_999))
    .option('--limit <count>', 'at most so many events', integerArgument(1, 10_000), 20)
    .option('--csv', 'all events as CSV, on standard output')
    .addHelpText(
      'after',
      `
The digest is the SHA-256 over the events' content hashes in the order of their ids: the same
events give the same digest, at any time.

Examples:
  npm run cli -- invoices usage acme-000001 --line 3
  npm run cli -- invoices usage acme-000001 --line 3 --csv > events.csv`,
    )
    .action((idOrNumber: string, { line, limit, csv }: Options, command: Command) =>
      withDatabase(readEnvironment(process.env), async (db) => {
        const { invoice_id: invoiceId, number } = await requireInvoice(db, idOrNumber);
        const usage = await readLineUsage(db, invoiceId, line);
        if (usage === null) {
          throw new CliError(
            `Invoice ${number} has no line ${line} of LLM usage or overage: see \`invoices show\``,
          );
        }
        if (csv) {
          await writeOut(streamUsageCsv(db, invoiceId, line));
          return;
        }
        const events = await listEventsBehind(db, invoiceId, line, { after: null, limit });
        print(command, { line: usage, events }, () =>
          [
            `${number}, line ${line}: ${usage.description}, ${formatCents(usage.amount_cents)}`,
            `${groupDigits(usage.events)} events, exactly ${groupDigits(usage.exact_sum)} ${usage.unit}` +
              (usage.excluded_events > 0 ? `; ${usage.excluded_events} more are excluded` : ''),
            usage.expired_at === null
              ? `digest ${usage.digest}`
              : `The events have expired on ${usage.expired_at.slice(0, 10)}, and can't be shown.`,
            '',
            renderTable<EventBehindLine>(
              [
                { head: 'event', value: (event) => event.event_id },
                { head: 'occurred at', value: (event) => event.occurred_at },
                { head: 'amount', align: 'right', value: (event) => groupDigits(event.amount) },
                {
                  head: '',
                  value: ({ is_excluded: isExcluded, model, replaces }) =>
                    [isExcluded ? 'excluded' : '', model, replaces && `replaces ${replaces}`]
                      .filter(Boolean)
                      .join(', '),
                },
              ],
              events,
            ),
            ...(events.length === limit ? ['', `The first ${limit}; all of them with --csv.`] : []),
          ].join('\n'),
        );
      }),
    );
}
