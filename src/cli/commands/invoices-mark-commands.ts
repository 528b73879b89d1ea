import { Command } from 'commander';
import { changeInvoiceStatus, type FinalStatus } from '../../db/invoices/invoice-status.ts';
import { actor, operatorAction } from '../record-action.ts';
import { reasonArgument } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { requireInvoice } from '../preconditions.ts';
import { print } from '../output.ts';

interface Options {
  readonly reason?: string;
}

export function invoicesVoidCommand(): Command {
  return markCommand('void', 'void')
    .description('void an invoice, permanently; its month and usage are not billed again')
    .requiredOption('--reason <text>', 'reason, stored with the invoice', reasonArgument)
    .addHelpText(
      'after',
      '\nExample:\n  npm run cli -- invoices void acme-000001 --reason "the tenant never existed"',
    );
}

function markCommand(name: string, status: FinalStatus): Command {
  return new Command(name)
    .argument('<invoice>', 'number or id of the invoice')
    .action(
      async (
        idOrNumber: string,
        { reason = null }: { reason?: Options['reason'] | null },
        command: Command,
      ) => {
        const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
          const { invoice_id: invoiceId, number } = await requireInvoice(db, idOrNumber);
          const result = await changeInvoiceStatus(db, {
            invoiceId,
            status,
            actor: actor(),
            reason,
          });
          if (result.outcome === 'refused') throw new CliError(capitalize(result.reason));
          return { invoice_id: invoiceId, number, status, changed: result.outcome === 'changed' };
        });
        print(command, done, (done) =>
          done.changed
            ? `Invoice ${done.number} is now ${status}.`
            : `Invoice ${done.number} was already ${status}; nothing changed.`,
        );
      },
    );
}
