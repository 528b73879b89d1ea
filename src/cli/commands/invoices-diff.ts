import { Command } from 'commander';
import { readDifference } from '../../db/invoices/invoice-difference.ts';
import { showInvoiceHeader } from '../../db/invoices/invoice-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../errors.ts';
import { requireInvoice } from '../invoice-argument.ts';
import { print } from '../output.ts';
import { renderDifference, type Replacement } from '../render/difference.ts';

export function invoicesDiffCommand(): Command {
  return new Command('diff')
    .description('show how a revision differs from the invoice that it replaced')
    .argument('<invoice>', 'the number or the id of the revision')
    .addHelpText('after', '\nExample:\n  npm run cli -- invoices diff acme-000002')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const replacement = await withDatabase(readEnvironment(process.env), (db) =>
        readReplacement(db, idOrNumber),
      );
      print(command, replacement, renderDifference, ({ after, changes }) => {
        const { number, replaces_invoice_id } = after;
        return { number, replaces_invoice_id, changes };
      });
    });
}

/** @throws CliError there is no such invoice, or it replaced none */
async function readReplacement(db: Queryable, idOrNumber: string): Promise<Replacement> {
  const after = await requireInvoice(db, idOrNumber);
  const { number, revision, invoice_id, replaces_invoice_id } = after;
  const before =
    replaces_invoice_id === null ? null : await showInvoiceHeader(db, replaces_invoice_id);
  if (before === null) {
    throw new CliError(`Invoice ${number} is revision ${revision}: it replaced none`);
  }
  return { before, after, changes: await readDifference(db, invoice_id) };
}
