import { Command } from 'commander';
import {
  listAssignments,
  listExchangeRates,
  listRegistrations,
  listTreatments,
  type AssignmentView,
  type ExchangeRateView,
} from '../../db/tax/tax-views.ts';
import type { Page } from '../../db/sql.ts';
import { formatPercent } from '../../domain/invoice-totals.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { renderTable } from '../render/text-table.ts';

const LIMIT = 1000;
const FIRST_PAGE: Page<never> = { after: null, limit: LIMIT };

export function taxListCommand(): Command {
  return new Command('list')
    .description("list tax treatments and the seller's GST registrations")
    .addHelpText('after', '\nExample:\n  npm run cli -- tax list')
    .action(async (_options, command: Command) => {
      const data = await withDatabase(readEnvironment(process.env), async (db) => ({
        treatments: await listTreatments(db, FIRST_PAGE),
        gst_registrations: await listRegistrations(db),
      }));
      print(command, data, ({ treatments, gst_registrations }) =>
        [
          renderTable(
            [
              { head: 'code', value: ({ code }) => code },
              { head: 'label', value: ({ label }) => label },
              { head: 'rate', align: 'right', value: ({ rate }) => formatPercent(rate) },
              { head: 'note', wrap: true, value: ({ note }) => note },
            ],
            treatments,
          ),
          '',
          ...sayRegistrations(gst_registrations),
        ].join('\n'),
      );
      sayIfCut(data.treatments, 'treatments');
    });
}

function sayRegistrations(
  registrations: Awaited<ReturnType<typeof listRegistrations>>,
): readonly string[] {
  if (registrations.length === 0) return ['The seller is registered for GST.'];
  return registrations.map(
    ({ from, registered }) =>
      `The seller is ${registered ? '' : 'not '}registered for GST from ${from} on.`,
  );
}

export function taxAssignmentsCommand(): Command {
  return new Command('assignments')
    .description('list the tax treatments of tenants, with their first month')
    .option('--tenant <id>', 'only this tenant')
    .addHelpText(
      'after',
      `
Tenants that are not listed have the treatment gst.

Example:
  npm run cli -- tax assignments --tenant acme`,
    )
    .action(async ({ tenant }: { tenant?: string }, command: Command) => {
      const assignments = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        return listAssignments(db, tenant, FIRST_PAGE);
      });
      print(command, assignments, (assignments) =>
        renderTable<AssignmentView>(
          [
            { head: 'tenant', value: ({ tenant_id }) => tenant_id },
            { head: 'from', value: ({ from }) => from },
            { head: 'treatment', value: ({ treatment }) => treatment },
          ],
          assignments,
          'No treatment is assigned, so the treatment gst applies.',
        ),
      );
      sayIfCut(assignments, 'assignments');
    });
}

export function exchangeRatesListCommand(): Command {
  return new Command('list')
    .description('list exchange rates, newest month first')
    .option('--month <month>', 'only this month, such as 2026-05', monthArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- exchange-rates list --month 2026-05')
    .action(async ({ month }: { month?: Month }, command: Command) => {
      const rates = await withDatabase(readEnvironment(process.env), (db) =>
        listExchangeRates(db, month, FIRST_PAGE),
      );
      print(command, rates, (rates) =>
        renderTable<ExchangeRateView>(
          [
            { head: 'month', value: ({ month }) => month },
            { head: 'from', value: ({ from }) => from },
            { head: 'to', value: ({ to }) => to },
            { head: 'rate', align: 'right', value: ({ rate }) => rate },
            { head: 'source', wrap: true, value: ({ source }) => source },
          ],
          rates,
          'No exchange rates are recorded.',
        ),
      );
      sayIfCut(rates, 'exchange rates');
    });
}

function sayIfCut(shown: readonly unknown[], what: string): void {
  if (shown.length === LIMIT) note(`Showing only the first ${LIMIT} ${what}.`);
}
