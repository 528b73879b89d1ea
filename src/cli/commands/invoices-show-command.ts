import { Command } from 'commander';
import { showInvoiceHeader, type InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireInvoice } from '../preconditions.ts';
import { print } from '../output.ts';
import { renderInvoice, type LinkedNumbers } from '../render/invoice-text.ts';

export function invoicesShowCommand(): Command {
  return new Command('show')
    .description('show an invoice with its lines')
    .argument('<invoice>', 'number or id of the invoice')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices show acme-000001')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const { invoice, numbers } = await withDatabase(readEnvironment(process.env), async (db) => {
        const found = await requireInvoice(db, idOrNumber);
        return { invoice: found, numbers: await readLinkedNumbers(db, found) };
      });
      print(command, invoice, (invoice) => renderInvoice(invoice, numbers));
    });
}

async function readLinkedNumbers(
  db: Queryable,
  { replaces_invoice_id, superseded_by }: InvoiceHeader,
): Promise<LinkedNumbers> {
  const numberOf = async (id: string | null) =>
    id === null ? null : ((await showInvoiceHeader(db, id))?.number ?? null);
  return {
    replaces: await numberOf(replaces_invoice_id),
    supersededBy: await numberOf(superseded_by),
  };
}
