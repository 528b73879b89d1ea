import { Command } from 'commander';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireInvoice } from '../invoice-argument.ts';
import { print } from '../output.ts';
import { renderInvoice } from '../render/invoice.ts';

export function invoicesShowCommand(): Command {
  return new Command('show')
    .description('show an invoice with its lines')
    .argument('<invoice>', 'its number or its id')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices show acme-000001')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const invoice = await withDatabase(readEnvironment(process.env), (db) =>
        requireInvoice(db, idOrNumber),
      );
      print(command, invoice, () => renderInvoice(invoice));
    });
}
