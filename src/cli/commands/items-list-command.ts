import { Command, Option } from 'commander';
import { listItems, toItemView, type ListedItem } from '../../db/invoices/item-views.ts';
import { formatMoney } from '../../domain/format.ts';
import { ITEM_FILTERS, waitsFor } from '../../domain/item-state.ts';
import type { Month } from '../../domain/period.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { renderTable } from '../render/text-table.ts';

interface Options {
  readonly tenant?: string;
  readonly month?: Month;
  readonly state?: (typeof ITEM_FILTERS)[number];
  readonly limit: number;
}

export function itemsListCommand(): Command {
  return new Command('list')
    .description('list one-off charges and credits, and the invoices that take them')
    .option('--tenant <id>', 'only items of this tenant')
    .option('--month <month>', 'only items of this month, such as 2026-05', monthArgument)
    .addOption(
      new Option(
        '--state <state>',
        'only items in this state; waiting: all that no invoice has taken in full, and those that a void invoice holds',
      ).choices([...ITEM_FILTERS]),
    )
    .option('--limit <count>', 'maximum number of items', integerArgument(1, 10_000), 100)
    .addHelpText('after', '\nExample:\n  npm run cli -- items list --state waiting')
    .action(async ({ tenant, month, state, limit }: Options, command: Command) => {
      const items = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        return listItems(db, { tenantId: tenant, month, state }, { after: null, limit });
      });
      print(command, items, renderItems, (items) =>
        items.map((item) => ({ ...toItemView(item), waits_for: waitsFor(item) })),
      );
      if (items.length === limit)
        note(`Showing the latest ${limit} items. Use --limit to see more.`);
    });
}

function renderItems(items: readonly ListedItem[]): string {
  return renderTable<ListedItem>(
    [
      { head: 'item', value: (row) => row.item_id },
      { head: 'tenant', value: (row) => row.tenant_id },
      { head: 'month', value: (row) => row.month },
      { head: 'description', wrap: true, value: (row) => row.description },
      {
        head: 'amount',
        align: 'right',
        value: (row) => formatMoney(row.amount_cents, row.currency),
      },
      { head: 'tax', value: ({ taxable }) => (taxable ? '' : 'not taxable') },
      {
        head: 'state',
        value: ({ state }) => state.replaceAll('_', ' '),
        format: ({ state }) => (state === 'voided' ? 'yellow' : null),
      },
      { head: 'invoices', value: (row) => row.invoices.map(({ number }) => number).join('\n') },
      {
        head: 'waits for',
        wrap: true,
        value: (row) => waitsFor(row) ?? (row.withdrawal ? row.withdrawal.reason : null),
      },
    ],
    items,
    'No items match.',
  );
}
