import { Command, Option } from 'commander';
import {
  INVOICE_STATUSES,
  listInvoices,
  type InvoiceStatus,
} from '../../db/invoices/invoice-views.ts';
import { PAYMENT_STATUSES, type PaymentStatus } from '../../db/invoices/balances.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireKnown } from '../preconditions.ts';
import { note, print } from '../output.ts';
import { renderInvoices } from '../render/invoice-text.ts';

interface Options {
  readonly tenant?: string;
  readonly month?: Month;
  readonly status?: InvoiceStatus;
  readonly includeSuperseded?: boolean;
  readonly paymentStatus?: PaymentStatus;
  readonly open?: boolean;
  readonly overdue?: boolean;
  readonly limit: number;
}

export function invoicesListCommand(): Command {
  return new Command('list')
    .description('list invoices, newest month first')
    .option('--tenant <id>', 'only invoices of this tenant')
    .option('--month <month>', 'only invoices of this month, such as 2026-05', monthArgument)
    .addOption(
      new Option(
        '--status <status>',
        'only invoices with this status; by default all except superseded',
      ).choices([...INVOICE_STATUSES]),
    )
    .option('--include-superseded', 'include superseded revisions')
    .addOption(
      new Option(
        '--payment-status <status>',
        'only issued invoices with this payment status',
      ).choices([...PAYMENT_STATUSES]),
    )
    .option('--open', 'only invoices with a balance above 0')
    .option('--overdue', 'only invoices past their due date with a balance above 0')
    .option('--limit <count>', 'maximum number of invoices', integerArgument(1, 10_000), 100)
    .addHelpText(
      'after',
      `
Examples:
  npm run cli -- invoices list --month 2026-05
  npm run cli -- invoices list --tenant acme --open
  npm run cli -- invoices list --overdue`,
    )
    .action(async (options: Options, command: Command) => {
      const { tenant, month, limit, ...filter } = options;
      const invoices = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        return listInvoices(
          db,
          { ...filter, tenantId: tenant, periodStart: month && monthStart(month) },
          { after: null, limit },
        );
      });
      print(command, invoices, (invoices) => renderInvoices(invoices));
      if (invoices.length === limit)
        note(`Showing the first ${limit} invoices. Use --limit to see more.`);
    });
}
