import { Command } from 'commander';
import { streamUsageCsv } from '../../audit/usage-csv.ts';
import { listEventsBehind, readLineUsage } from '../../db/usage/provenance.ts';
import { pipeOut } from '../../lib/terminal.ts';
import { integerArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { requireInvoice } from '../invoice-argument.ts';
import { print } from '../output.ts';
import { renderLineUsage } from '../render/line-usage.ts';

interface Options {
  readonly line: number;
  readonly limit: number;
  readonly csv?: boolean;
}

export function invoicesUsageCommand(): Command {
  return new Command('usage')
    .description('show the events behind a line of an invoice, with their exact sum and a digest')
    .argument('<invoice>', 'its number or its id')
    .requiredOption(
      '--line <number>',
      'its # in `invoices show`; of LLM usage or overage',
      integerArgument(1, 999_999_999),
    )
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
          await pipeOut(streamUsageCsv(db, invoiceId, line));
          return;
        }
        const events = await listEventsBehind(db, invoiceId, line, { after: null, limit });
        print(command, { line: usage, events }, ({ line, events }) =>
          renderLineUsage(line, events, limit),
        );
      }),
    );
}
