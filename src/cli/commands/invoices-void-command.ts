import { Command } from 'commander';
import { voidInvoice } from '../../db/invoices/void-invoice.ts';
import { formatMoney } from '../../domain/format.ts';
import { reasonArgument } from '../arguments.ts';
import { capitalize, CliError } from '../cli-error.ts';
import { confirm, yesOption, type Confirmation } from '../confirm.ts';
import { readEnvironment, withDatabase, type Environment } from '../environment.ts';
import { print } from '../output.ts';
import { requireInvoice } from '../preconditions.ts';
import { actor, operatorAction } from '../record-action.ts';

interface Options {
  readonly reason: string;
  readonly yes?: boolean;
}

export function invoicesVoidCommand(): Command {
  return new Command('void')
    .description('void an invoice, permanently; its usage waits until a forced rerun bills it')
    .argument('<invoice>', 'number or id of the invoice')
    .requiredOption('--reason <text>', 'reason, stored with the invoice', reasonArgument)
    .addOption(yesOption())
    .addHelpText(
      'after',
      `
Ordinary runs then skip the month of the tenant. Its usage is pending as "voided" until month-end force names
the tenant and issues the next revision. An invoice that has a payment or an adjustment note can't be voided.

Examples:
  npm run cli -- invoices void acme-000001 --reason "billed to the wrong company"
  npm run cli -- invoices void acme-000001 --reason "billed to the wrong company" --yes`,
    )
    .action(async (idOrNumber: string, { reason, yes }: Options, command: Command) => {
      const env = readEnvironment(process.env);
      await confirm({ yes }, () => describe(env, idOrNumber));
      const done = await operatorAction(command, env, async (db) => {
        const { invoice_id, number, tenant_id, period_start } = await requireInvoice(
          db,
          idOrNumber,
        );
        const result = await voidInvoice(db, { invoiceId: invoice_id, actor: actor(), reason });
        if ('reason' in result) throw new CliError(capitalize(result.reason));
        const changed = result.outcome === 'voided';
        const month = period_start.slice(0, 7);
        return { invoice_id, number, tenant_id, month, status: 'void', changed };
      });
      print(command, done, ({ number, tenant_id, month, changed }) =>
        changed
          ? `Invoice ${number} is void. To bill the month again, run:\n` +
            `  npm run cli -- month-end force ${month} --tenant ${tenant_id} --reason '...'`
          : `Invoice ${number} was already void; nothing changed.`,
      );
    });
}

/** @throws CliError if there is no such invoice */
function describe(env: Environment, idOrNumber: string): Promise<Confirmation> {
  return withDatabase(env, async (db) => {
    const { number, tenant_id, period_start, total_cents, currency, status } = await requireInvoice(
      db,
      idOrNumber,
    );
    const month = period_start.slice(0, 7);
    return {
      consequences: [
        `Invoice ${number} of ${tenant_id} for ${month}, ${formatMoney(total_cents, currency)}, is ${status}.`,
        'It becomes void, and nothing undoes that. Its usage is no longer billed.',
        `Runs skip the month of the tenant until month-end force ${month} --tenant ${tenant_id} issues the next revision.`,
      ],
      question: `Void ${number}?`,
    };
  });
}
