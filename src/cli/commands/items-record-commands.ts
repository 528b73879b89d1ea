import { Command } from 'commander';
import { recordItems, withdrawItem, type ItemResult } from '../../catalogue/record-items.ts';
import { MAX_BATCH, countByStatus } from '../../contracts/batch.ts';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import { toItemView } from '../../db/invoices/item-views.ts';
import type { Database } from '../../db/pool.ts';
import { amountHint, formatMoney, parseSignedAmount } from '../../domain/format.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument, reasonArgument } from '../arguments.ts';
import { capitalize, CliError, EXIT_WRONG } from '../cli-error.ts';
import { readEnvironment } from '../environment.ts';
import { readItemsFile, type FiledItem } from '../items-file.ts';
import { print } from '../output.ts';
import { describeInputFile, readInputFile } from '../read-input-file.ts';
import { actor, operatorAction } from '../record-action.ts';

interface AddOptions {
  readonly tenant: string;
  readonly month: Month;
  readonly amount: string;
  readonly description: string;
  readonly taxable: boolean;
}

export function itemsAddCommand(): Command {
  return new Command('add')
    .description('record a one-off charge or credit for the next invoice of a tenant')
    .argument('<item>', 'id of the item; the same one again changes nothing')
    .requiredOption('--tenant <id>', 'tenant that is invoiced')
    .requiredOption('--month <month>', 'first month whose invoice can take it', monthArgument)
    .requiredOption('--amount <amount>', 'amount before tax, such as 250.00; a credit is negative')
    .requiredOption('--description <text>', 'text of the line on the invoice')
    .option('--no-taxable', 'charge no tax on it')
    .addHelpText(
      'after',
      `
The first invoice of the month or a later one takes it. A taxable credit reduces only taxable
charges, a credit that isn't taxable only charges that aren't, and neither below 0; the rest waits for later
invoices. \`items withdraw\` takes it back until then.

Examples:
  npm run cli -- items add workshop-7 --tenant acme --month 2026-05 --amount 250.00 --description "Workshop"
  npm run cli -- items add outage-12 --tenant acme --month 2026-05 --amount -40.00 --description "Outage"`,
    )
    .action(async (itemId: string, options: AddOptions, command: Command) => {
      const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
        const { tenant, month, description, taxable } = options;
        const { cents, currency } = await readAmount(db, options);
        const item = {
          ...{ item_id: itemId, tenant_id: tenant, month, description, taxable },
          amount_cents: cents,
        };
        const [result] = await recordItems(db, [item], actor());
        if (result === undefined || 'reason' in result) throw new CliError(result?.reason ?? '');
        return { item_id: itemId, status: result.status, amount_cents: cents, currency, month };
      });
      print(command, done, ({ status, amount_cents, currency, month }) =>
        status === 'duplicate'
          ? `Item ${itemId} was already recorded; nothing changed.`
          : `Item ${itemId} of ${formatMoney(amount_cents, currency)} waits for the next invoice of ${month} or a later month.`,
      );
    });
}

async function readAmount(
  db: Database,
  { tenant, amount }: AddOptions,
): Promise<{ readonly cents: number; readonly currency: string }> {
  const currency = (await readCurrencies(db, [tenant])).get(tenant);
  if (currency === undefined) throw new CliError(`There is no tenant ${tenant}`);
  const cents = parseSignedAmount(amount, currency);
  if (cents === null || cents === 0) {
    throw new CliError(`--amount: ${amountHint(amount, currency, 'other than 0')}`);
  }
  return { cents, currency };
}

export function itemsImportCommand(): Command {
  return new Command('import')
    .description('record one-off charges and credits from a JSON or CSV file')
    .argument('<file>', 'JSON file, or CSV file whose name ends in .csv')
    .addHelpText(
      'after',
      `
JSON: a list of items as the API takes them, or {"items": […]}. CSV: the columns item_id, tenant_id, month,
description, amount_cents and, if needed, taxable (true or false) and currency. Each item is recorded by
itself: those that can't be are listed (exit code 3). Importing the file again changes nothing.

Example:
  npm run cli -- items import credits-2026-05.csv`,
    )
    .action(async (path: string, _options, command: Command) => {
      const file = await readInputFile(path);
      const items = readItemsFile(file);
      const results = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => recordAll(db, items),
        describeInputFile(file),
      );
      const summary = summarize(items, results);
      print(command, summary, ({ counts, refused }) =>
        [
          `Recorded ${counts.recorded}, unchanged ${counts.duplicate}, conflicts ${counts.conflict}, rejected ${counts.rejected}.`,
          ...refused.map(({ place, status, reason }) => `  ${place}: ${status}: ${reason}`),
        ].join('\n'),
      );
      if (summary.refused.length > 0) process.exitCode = EXIT_WRONG;
    });
}

async function recordAll(
  db: Database,
  items: readonly FiledItem[],
): Promise<readonly ItemResult[]> {
  const results: ItemResult[] = [];
  for (let from = 0; from < items.length; from += MAX_BATCH) {
    const some = items.slice(from, from + MAX_BATCH).map(({ item }) => item);
    results.push(...(await recordItems(db, some, actor())));
  }
  return results;
}

function summarize(items: readonly FiledItem[], results: readonly ItemResult[]) {
  const refused = results.flatMap((result, index) =>
    'reason' in result
      ? { place: items[index]?.place ?? '', status: result.status, reason: result.reason }
      : [],
  );
  return { counts: countByStatus(results), refused };
}

export function itemsWithdrawCommand(): Command {
  return new Command('withdraw')
    .description('withdraw a charge or credit that no invoice takes, permanently')
    .argument('<item>', 'id of the item')
    .requiredOption('--reason <text>', 'reason, stored with the item', reasonArgument)
    .addHelpText(
      'after',
      `
The item stays visible with the reason. Once an invoice takes it, if only in part, it can't be withdrawn:
record another one with the opposite amount.

Example:
  npm run cli -- items withdraw workshop-7 --reason "workshop was cancelled"`,
    )
    .action(async (itemId: string, { reason }: { reason: string }, command: Command) => {
      const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
        const result = await withdrawItem(db, itemId, { actor: actor(), reason });
        if (result.outcome === 'unknown') throw new CliError(`There is no invoice item ${itemId}`);
        if (result.outcome === 'refused') throw new CliError(capitalize(result.reason));
        return { ...toItemView(result.item), is_new: result.isNew };
      });
      print(command, done, ({ item_id, withdrawal, is_new }) =>
        is_new
          ? `Item ${item_id} is withdrawn.`
          : `Item ${item_id} was already withdrawn by ${withdrawal?.actor ?? ''}; the first reason stays: ${withdrawal?.reason ?? ''}`,
      );
    });
}
