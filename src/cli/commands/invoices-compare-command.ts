import { Command } from 'commander';
import {
  comparisonToJson,
  readInvoiceComparison,
  whyNotComparable,
} from '../../db/invoices/month-comparison.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { requireInvoice } from '../preconditions.ts';
import { print } from '../output.ts';
import { renderComparison } from '../render/comparison-text.ts';

export function invoicesCompareCommand(): Command {
  return new Command('compare')
    .description("show why an invoice is higher or lower than the tenant's last one, line by line")
    .argument('<invoice>', 'number or id of the invoice')
    .option('--with <invoice>', 'compare with this invoice of the tenant instead')
    .addHelpText(
      'after',
      `
By default the invoice is compared with the tenant's last earlier invoice in the same currency that is
neither superseded nor void. Adjustment notes count on both sides. The largest difference is first.

Examples:
  npm run cli -- invoices compare acme-000002
  npm run cli -- invoices compare acme-000013 --with acme-000001`,
    )
    .action(async (idOrNumber: string, options: { readonly with?: string }, command: Command) => {
      const compared = await withDatabase(readEnvironment(process.env), async (db) => {
        const invoice = await requireInvoice(db, idOrNumber);
        const other = options.with === undefined ? null : await requireInvoice(db, options.with);
        const reason = other && whyNotComparable(invoice, other);
        if (reason !== null) throw new CliError(`These invoices can't be compared: ${reason}`);
        return readInvoiceComparison(db, invoice, other);
      });
      print(command, compared, renderComparison, comparisonToJson);
    });
}
