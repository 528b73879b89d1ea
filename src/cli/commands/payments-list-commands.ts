import { Command } from 'commander';
import { listTenantBalances, readAging } from '../../db/invoices/balances.ts';
import { listPayments } from '../../db/invoices/payment-views.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import { dateArgument, integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireInvoice, requireKnown } from '../preconditions.ts';
import { renderAging, renderBalances, renderPayments } from '../render/payments-text.ts';

interface ListOptions {
  readonly tenant?: string;
  readonly invoice?: string;
  readonly month?: Month;
  readonly receivedFrom?: string;
  readonly receivedTo?: string;
  readonly limit: number;
}

export function paymentsListCommand(): Command {
  return new Command('list')
    .description('list payments, latest recorded first')
    .option('--tenant <id>', 'only payments of this tenant')
    .option('--invoice <invoice>', 'only payments of this invoice, by number or id')
    .option(
      '--month <month>',
      'only payments for invoices of this month, such as 2026-05',
      monthArgument,
    )
    .option('--received-from <date>', 'only payments received on this date or later', dateArgument)
    .option('--received-to <date>', 'only payments received on this date or earlier', dateArgument)
    .option('--limit <count>', 'maximum number of payments', integerArgument(1, 10_000), 100)
    .addHelpText('after', '\nExample:\n  npm run cli -- payments list --tenant acme')
    .action(async (options: ListOptions, command: Command) => {
      const { tenant, invoice, month, receivedFrom, receivedTo, limit } = options;
      const payments = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        const invoiceNumber =
          invoice === undefined ? undefined : (await requireInvoice(db, invoice)).number;
        const periodStart = month && monthStart(month);
        const filter = { tenantId: tenant, invoiceNumber, periodStart, receivedFrom, receivedTo };
        return listPayments(db, filter, { after: null, limit });
      });
      print(command, payments, renderPayments);
      if (payments.length === limit) {
        note(`Showing the latest ${limit} payments. Use --limit to see more.`);
      }
    });
}

export function paymentsBalancesCommand(): Command {
  return new Command('balances')
    .description('list what tenants owe')
    .option('--tenant <id>', 'only this tenant')
    .option('--limit <count>', 'maximum number of tenants', integerArgument(1, 100_000), 1000)
    .addHelpText('after', '\nExample:\n  npm run cli -- payments balances --tenant acme')
    .action(async ({ tenant, limit }: { tenant?: string; limit: number }, command: Command) => {
      const balances = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        const tenantIds = tenant === undefined ? undefined : [tenant];
        return listTenantBalances(db, tenantIds, { after: null, limit });
      });
      print(command, balances, renderBalances);
      if (balances.length === limit) {
        note(`Showing the first ${limit} tenants. Use --limit to see more.`);
      }
    });
}

export function paymentsAgingCommand(): Command {
  return new Command('aging')
    .description('show what is owed by how long it has been overdue')
    .argument('[month]', 'month of the invoices, such as 2026-05; default all', monthArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- payments aging 2026-05')
    .action(async (month: Month | undefined, _options, command: Command) => {
      const aging = await withDatabase(readEnvironment(process.env), (db) =>
        readAging(db, month === undefined ? null : monthStart(month)),
      );
      print(command, aging, renderAging);
    });
}
