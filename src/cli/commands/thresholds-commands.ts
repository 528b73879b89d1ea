import { Command, InvalidArgumentError } from 'commander';
import { PERCENT_HINT, thresholdFields, toLimit } from '../../catalogue/threshold-fields.ts';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import type { Database } from '../../db/pool.ts';
import {
  listThresholds,
  removeThreshold,
  setThreshold,
  showThreshold,
  whyNotSet,
  type ThresholdView,
} from '../../db/usage/spend-thresholds.ts';
import { amountHint, formatMoney, parseAmount } from '../../domain/format.ts';
import { PERCENT_OF_PLAN, type ThresholdLimit } from '../../domain/spend-thresholds.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { integerArgument, parsedBy } from '../arguments.ts';
import { CliError, capitalize } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { actor, operatorAction } from '../record-action.ts';
import { renderTable } from '../render/text-table.ts';

interface SetOptions {
  readonly amount?: string;
  readonly percent?: number;
}

export function thresholdsSetCommand(): Command {
  return new Command('set')
    .description('set a spend threshold of a tenant')
    .argument('<tenant>', 'id of the tenant')
    .argument('<threshold>', 'id of the threshold, unique per tenant', parsedBy(externalId))
    .option('--amount <amount>', 'amount before tax, such as 250.00')
    .option(
      '--percent <percent>',
      'share of the recurring charges of the month, instead of an amount',
      percentArgument,
    )
    .addHelpText(
      'after',
      `
When the running invoice of a month comes to a threshold, the webhook event usage.threshold_reached is sent:
once per month and threshold, also if the month had passed it before it was set. A changed threshold counts
as another one. The Schedule of the usage sweep looks every few minutes. Nothing is blocked: the gateway
enforces limits.

Examples:
  npm run cli -- thresholds set acme warning --amount 250.00
  npm run cli -- thresholds set acme double --percent 200`,
    )
    .action(
      async (tenantId: string, thresholdId: string, options: SetOptions, command: Command) => {
        const done = await operatorAction(command, readEnvironment(process.env), async (db) => {
          const limit = await readLimit(db, tenantId, options);
          const set = { tenantId, thresholdId, limit, actor: actor() };
          const outcome = await setThreshold(db, set);
          const refusal = whyNotSet(outcome, tenantId);
          if (refusal !== null) throw new CliError(capitalize(refusal));
          const stored = await showThreshold(db, tenantId, thresholdId);
          if (stored === null) throw notAThreshold(tenantId, thresholdId);
          return { ...stored, outcome };
        });
        print(command, done, ({ outcome, ...threshold }) =>
          outcome === 'unchanged'
            ? `Threshold ${thresholdId} of ${tenantId} was already ${limitText(threshold)}; nothing changed.`
            : `Threshold ${thresholdId} of ${tenantId} is now ${limitText(threshold)}.`,
        );
      },
    );
}

function percentArgument(text: string): number {
  try {
    return integerArgument(PERCENT_OF_PLAN.min, PERCENT_OF_PLAN.max)(text);
  } catch {
    throw new InvalidArgumentError(PERCENT_HINT);
  }
}

async function readLimit(
  db: Database,
  tenantId: string,
  { amount, percent }: SetOptions,
): Promise<ThresholdLimit> {
  const currency = (await readCurrencies(db, [tenantId])).get(tenantId);
  if (currency === undefined) throw new CliError(`There is no tenant ${tenantId}`);
  if ((amount === undefined) === (percent === undefined)) {
    throw new CliError('Give either --amount or --percent');
  }
  if (amount === undefined) return toLimit({ percent_of_plan: percent });
  const cents = parseAmount(amount, currency);
  const { success, data } = thresholdFields.safeParse({ amount_cents: cents });
  if (success) return toLimit(data);
  throw new CliError(`--amount: ${amountHint(amount, currency, 'above 0')}`);
}

export function thresholdsRemoveCommand(): Command {
  return new Command('remove')
    .description('remove a spend threshold of a tenant')
    .argument('<tenant>', 'id of the tenant')
    .argument('<threshold>', 'id of the threshold')
    .addHelpText(
      'after',
      `
Setting it to the same value again in the same month does not report it a second time.

Example:
  npm run cli -- thresholds remove acme warning`,
    )
    .action(async (tenantId: string, thresholdId: string, _options, command: Command) => {
      const removed = await operatorAction(command, readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenantId);
        const former = await showThreshold(db, tenantId, thresholdId);
        const threshold = { tenantId, thresholdId, actor: actor() };
        if (former !== null && (await removeThreshold(db, threshold))) return former;
        throw notAThreshold(tenantId, thresholdId);
      });
      print(
        command,
        removed,
        (removed) => `Threshold ${removed.threshold_id} of ${removed.tenant_id} is removed.`,
      );
    });
}

function notAThreshold(tenantId: string, thresholdId: string): CliError {
  return new CliError(
    `Tenant ${tenantId} has no threshold ${thresholdId}. See \`thresholds list\`.`,
  );
}

export function thresholdsListCommand(): Command {
  return new Command('list')
    .description('list spend thresholds, and which of them the running month has reached')
    .option('--tenant <id>', 'only thresholds of this tenant')
    .option('--limit <count>', 'maximum number of thresholds', integerArgument(1, 100_000), 1000)
    .addHelpText('after', '\nExample:\n  npm run cli -- thresholds list --tenant acme')
    .action(async ({ tenant, limit }: { tenant?: string; limit: number }, command: Command) => {
      const thresholds = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        return listThresholds(db, tenant, { after: null, limit });
      });
      print(command, thresholds, renderThresholds);
      if (thresholds.length === limit) {
        note(`Showing the first ${limit} thresholds. Use --limit to see more.`);
      }
    });
}

function renderThresholds(thresholds: readonly ThresholdView[]): string {
  return renderTable<ThresholdView>(
    [
      { head: 'tenant', value: (row) => row.tenant_id },
      { head: 'threshold', value: (row) => row.threshold_id },
      { head: 'limit', align: 'right', value: limitText },
      { head: 'reached', value: ({ reached }) => reached?.reached_at ?? null },
      {
        head: 'running invoice then',
        align: 'right',
        value: ({ reached, currency }) => reached && formatMoney(reached.reached_cents, currency),
      },
    ],
    thresholds,
    'No thresholds are set.',
  );
}

function limitText({ amount_cents, percent_of_plan, currency }: ThresholdView): string {
  return amount_cents === null
    ? `${String(percent_of_plan)} % of the plan`
    : formatMoney(amount_cents, currency);
}
