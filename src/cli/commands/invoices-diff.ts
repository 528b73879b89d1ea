import { Command } from 'commander';
import { readDifference } from '../../db/invoice-difference.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { requireInvoice } from '../invoice-argument.ts';
import { print } from '../output.ts';
import { renderDifference } from '../render/difference.ts';

export function invoicesDiffCommand(): Command {
  return new Command('diff')
    .description('show how a revision differs from the invoice that it replaced')
    .argument('<invoice>', 'the number or the id of the revision')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices diff acme-000002')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const { invoice, changes } = await withDatabase(readEnvironment(process.env), async (db) => {
        const found = await requireInvoice(db, idOrNumber);
        return { invoice: found, changes: await readDifference(db, found.invoice_id) };
      });
      const { number, replaces_invoice_id, revision } = invoice;
      if (replaces_invoice_id === null) {
        throw new CliError(`Invoice ${number} is revision ${revision}: it replaced none`);
      }
      print(command, { number, replaces_invoice_id, changes }, () =>
        changes.length === 0
          ? `Invoice ${number} says the same as the one that it replaced.`
          : renderDifference(changes),
      );
    });
}
