import { Command } from 'commander';
import { acceptControlTotals } from '../../db/usage/accept-control-totals.ts';
import { compareControlTotals, countCompared } from '../../db/usage/compare-control-totals.ts';
import { listTotals } from '../../db/usage/control-totals.ts';
import { toComparedRows } from '../../db/usage/gateway-totals.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { inOneSnapshot } from '../../db/transactions.ts';
import { showFigures } from '../../domain/gateway-totals.ts';
import type { Month } from '../../domain/period.ts';
import { dateArgument, integerArgument, monthArgument, reasonArgument } from '../arguments.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { actor, operatorAction } from '../record-action.ts';
import { COMPARED_ROWS, STATED_TOTALS, countsText } from '../render/control-totals-text.ts';
import { renderTable } from '../render/text-table.ts';
import { counted } from '../../domain/format.ts';

interface ListOptions {
  readonly tenant?: string;
  readonly deployment?: string;
  readonly limit: number;
}

export function controlTotalsListCommand(): Command {
  return new Command('list')
    .description('list the control totals that the gateway stated, the latest of each day')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .option('--tenant <id>', 'only totals of this tenant')
    .option('--deployment <id>', 'only totals of this deployment')
    .option('--limit <count>', 'maximum number of totals', integerArgument(1, 100_000), 1000)
    .addHelpText('after', '\nExample:\n  npm run cli -- control-totals list 2026-05 --tenant acme')
    .action(async (month: Month, options: ListOptions, command: Command) => {
      const { tenant: tenantId, deployment: deploymentId, limit } = options;
      const totals = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenantId);
        await requireKnown(db, 'deployment', deploymentId);
        const period = (await loadCalendar(db)).periodOf(month);
        return listTotals(db, period, { tenantId, deploymentId }, { after: null, limit });
      });
      print(command, totals, (rows) =>
        renderTable(STATED_TOTALS, rows, `The gateway stated no control totals for ${month}.`),
      );
      if (totals.length === limit) {
        note(`Showing the first ${limit} totals. Use --limit to see more.`);
      }
    });
}

interface CompareOptions {
  readonly tenant?: string;
  readonly all?: boolean;
}

export function controlTotalsCompareCommand(): Command {
  return new Command('compare')
    .description("compare a month's control totals with the ledger")
    .argument('<month>', 'month, such as 2026-05; it need not be over', monthArgument)
    .option('--tenant <id>', 'only this tenant')
    .option('--all', 'also list deployments that are equal, and those of tenants without totals')
    .addHelpText(
      'after',
      `
Compares the sums of the month for each deployment and, if they differ, its days. States of a day:
  different  the gateway stated other figures than the ledger has
  accepted   different, and an operator accepted exactly these figures
  missing    the ledger has usage, and the gateway stated no total
Exit code 3: a day is different. Missing totals are no error.

Examples:
  npm run cli -- control-totals compare 2026-05
  npm run cli -- control-totals compare 2026-05 --tenant acme --json`,
    )
    .action(async (month: Month, { tenant, all = false }: CompareOptions, command: Command) => {
      const compared = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        const calendar = await loadCalendar(db);
        const tenantIds = tenant === undefined ? undefined : [tenant];
        return inOneSnapshot(db, async (tx) => ({
          month,
          counts: await countCompared(tx, calendar.periodOf(month), { tenantIds }),
          deployments: await compareControlTotals(tx, calendar, month, { tenantIds, isWhole: all }),
        }));
      });
      print(command, compared, ({ counts, deployments }) =>
        [
          countsText(counts),
          ...(deployments.length === 0
            ? []
            : ['', renderTable(COMPARED_ROWS, toComparedRows(deployments))]),
        ].join('\n'),
      );
      if (compared.deployments.some(({ state }) => state === 'different')) {
        process.exitCode = EXIT_WRONG;
      }
    });
}

interface AcceptOptions {
  readonly tenant: string;
  readonly deployment?: string;
  readonly day?: string;
  readonly reason: string;
}

export function controlTotalsAcceptCommand(): Command {
  return new Command('accept')
    .description('accept differences between control totals and the ledger')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .requiredOption('--tenant <id>', 'tenant whose differences are accepted')
    .option('--deployment <id>', 'only this deployment')
    .option('--day <date>', 'only this day', dateArgument)
    .requiredOption('--reason <text>', 'reason, stored with the figures', reasonArgument)
    .addHelpText(
      'after',
      `
Accepts exactly the figures that differ now, and prints them. A corrected total, or usage that arrives later,
needs another acceptance. Then run the month again: parked tenants are retried.

Example:
  npm run cli -- control-totals accept 2026-05 --tenant acme --day 2026-05-20 --reason "counted retries"`,
    )
    .action(async (month: Month, options: AcceptOptions, command: Command) => {
      const { tenant: tenantId, deployment: deploymentId, day, reason } = options;
      const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenantId);
        await requireKnown(db, 'deployment', deploymentId);
        const asked = { month, tenantId, deploymentId, day, reason, actor: actor() };
        const result = await acceptControlTotals(db, await loadCalendar(db), asked);
        if (result.outcome === 'changed') throw new CliError(result.reason);
        const { days, currency, stillDifferent } = result;
        return {
          month,
          tenant_id: tenantId,
          currency,
          accepted_days: days,
          still_different: stillDifferent,
        };
      });
      print(command, done, ({ accepted_days: accepted, still_different, currency }) =>
        [
          accepted.length === 0
            ? `No control total of ${tenantId} differs: nothing was accepted.`
            : `Accepted ${counted(accepted.length, 'day')} of ${tenantId}:`,
          ...accepted.map(
            ({ deployment_id, day: on, stated, ledger }) =>
              `  ${deployment_id} ${on}: stated ${showFigures(stated, currency)}; ledger ${showFigures(ledger, currency)}`,
          ),
          ...(still_different > 0 ? [`${counted(still_different, 'day')} still differ.`] : []),
          ...(accepted.length > 0 && still_different === 0
            ? [`If the tenant is parked, run \`month-end start ${month}\`.`]
            : []),
        ].join('\n'),
      );
    });
}
