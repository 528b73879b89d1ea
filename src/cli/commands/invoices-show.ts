import { Command } from 'commander';
import { z } from 'zod';
import { findInvoiceId, showInvoice } from '../../db/invoice-views.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { print } from '../output.ts';
import { renderInvoice } from '../render/invoice.ts';

export function invoicesShowCommand(): Command {
  return new Command('show')
    .description('show an invoice with its lines')
    .argument('<invoice>', 'its number or its id')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices show acme-000001')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const invoice = await withDatabase(readEnvironment(process.env), async (db) => {
        const isId = z.uuid().safeParse(idOrNumber).success;
        const id = isId ? idOrNumber : await findInvoiceId(db, idOrNumber);
        return id === null ? null : showInvoice(db, id);
      });
      if (invoice === null) throw new CliError(`There is no invoice ${idOrNumber}`);
      print(command, invoice, () => renderInvoice(invoice));
    });
}
