import { Readable } from 'node:stream';
import { Command, InvalidArgumentError } from 'commander';
import { breakdownCsv, streamUsageCsv } from '../../audit/usage-csv.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  sumByAttribute,
  toValueSum,
  type AttributeSum,
  type ModelSum,
} from '../../db/usage/usage-breakdown.ts';
import {
  listEventsBehind,
  readLineUsage,
  type EventBehindLine,
  type LineUsage,
} from '../../db/usage/provenance.ts';
import { attributeOf } from '../../ingestion/attributes.ts';
import { pipeOut } from '../../lib/terminal.ts';
import { integerArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { requireInvoice } from '../preconditions.ts';
import { print } from '../output.ts';
import { usageLineName } from '../../display/line-text.ts';
import { counted, formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { renderTable, type Column } from '../render/text-table.ts';

interface Options {
  readonly line: number;
  readonly limit: number;
  readonly csv?: boolean;
  readonly by?: string;
}

export function invoicesUsageCommand(): Command {
  return new Command('usage')
    .description(
      'show the usage events behind an invoice line, with their exact sum, by model too, and digest',
    )
    .argument('<invoice>', 'number or id of the invoice')
    .requiredOption(
      '--line <number>',
      'number of an LLM usage or overage line, as in `invoices show`',
      integerArgument(1, 999_999_999),
    )
    .option('--limit <count>', 'maximum number of events', integerArgument(1, 10_000), 20)
    .option(
      '--by <what>',
      'sum LLM usage by "model", or by an attribute: "attribute:team"',
      byArgument,
    )
    .option('--csv', 'write all events, or the sums of --by, as CSV to standard output')
    .addHelpText(
      'after',
      `
The digest is the SHA-256 over the events' content hashes in the order of their ids. The same events
always have the same digest.

Examples:
  npm run cli -- invoices usage acme-000001 --line 3
  npm run cli -- invoices usage acme-000001 --line 3 --by attribute:team
  npm run cli -- invoices usage acme-000001 --line 3 --csv > events.csv`,
    )
    .action((idOrNumber: string, { line, limit, csv, by }: Options, command: Command) =>
      withDatabase(readEnvironment(process.env), async (db) => {
        const { invoice_id: invoiceId, number } = await requireInvoice(db, idOrNumber);
        const usage = await readLineUsage(db, invoiceId, line);
        if (usage === null) {
          throw new CliError(
            `Invoice ${number} has no LLM usage or overage line ${line}. See \`invoices show ${number}\`.`,
          );
        }
        if (by !== undefined) {
          if (usage.by_model === null) {
            throw new CliError(
              `Line ${line} of ${number} is metered usage, which has no models or attributes.`,
            );
          }
          const sums = await sumsBy(db, by, { invoiceId, line, byModel: usage.by_model });
          if (csv) await pipeOut(Readable.from([breakdownCsv(usage.currency, by, sums)]));
          else
            print(command, { line: usage, by, sums }, ({ line, by, sums }) =>
              renderSums(line, by, sums),
            );
          return;
        }
        if (csv) {
          await pipeOut(streamUsageCsv(db, invoiceId, line));
          return;
        }
        const events = await listEventsBehind(db, invoiceId, line, { after: null, limit });
        print(command, { line: usage, events }, ({ line, events }) =>
          renderLineUsage(line, events, limit),
        );
      }),
    );
}

/** @throws InvalidArgumentError */
function byArgument(text: string): string {
  if (text === 'model' || attributeOf(text) !== null) return text;
  throw new InvalidArgumentError(
    'Expected "model", or "attribute:" and a name, such as "attribute:team".',
  );
}

async function sumsBy(
  db: Queryable,
  by: string,
  {
    invoiceId,
    line,
    byModel,
  }: { readonly invoiceId: string; readonly line: number; readonly byModel: readonly ModelSum[] },
): Promise<readonly AttributeSum[]> {
  const name = attributeOf(by);
  return name === null ? byModel.map(toValueSum) : sumByAttribute(db, invoiceId, line, name);
}

function renderSums(line: LineUsage, by: string, sums: readonly AttributeSum[]): string {
  const nothing = by === 'model' ? '' : '(none)';
  return [
    headOf(line),
    '',
    renderTable<AttributeSum>(
      [
        {
          head: attributeOf(by) ?? by,
          value: ({ value, is_rest: isRest }) => value ?? (isRest ? 'all others' : nothing),
        },
        ...sumColumns(line.currency),
      ],
      sums,
    ),
  ].join('\n');
}

function sumColumns(
  currency: string,
): readonly Column<{ readonly requests: number; readonly exact_cents: string }>[] {
  return [
    { head: 'requests', align: 'right', value: ({ requests }) => groupDigits(requests) },
    { head: currency, align: 'right', value: (sum) => formatAmount(sum.exact_cents, currency) },
  ];
}

/**
 * The usage behind an invoice line: its exact sum and its events.
 * @param limit maximum number of events that were read
 */
export function renderLineUsage(
  usage: LineUsage,
  events: readonly EventBehindLine[],
  limit: number,
): string {
  return [
    headOf(usage),
    `${counted(usage.events, 'event')}, exactly ${exactSumOf(usage)}` + excludedOf(usage),
    usage.expired_at === null
      ? `digest ${usage.digest}`
      : `The events expired on ${usage.expired_at.slice(0, 10)} and can't be shown.`,
    '',
    ...(usage.by_model === null ? [] : [renderTable(modelColumns(usage), usage.by_model), '']),
    renderTable(columnsOf(usage), events),
    ...(events.length === limit
      ? ['', `Showing the first ${limit} events. Use --csv to get all of them.`]
      : []),
  ].join('\n');
}

function headOf(line: LineUsage): string {
  const { number, line_no, amount_cents, currency } = line;
  return `${number}, line ${line_no}: ${usageLineName(line)}, ${formatMoney(amount_cents, currency)}`;
}

function modelColumns({ currency }: LineUsage): readonly Column<ModelSum>[] {
  return [{ head: 'model', value: ({ model }) => model ?? 'all others' }, ...sumColumns(currency)];
}

function exactSumOf({ source, currency, exact_sum, unit }: LineUsage): string {
  return source === 'llm' ? formatMoney(exact_sum, currency) : `${groupDigits(exact_sum)} ${unit}`;
}

/** Excluded LLM events are not in the count of events; excluded metered records are. */
function excludedOf({ source, excluded_events: excluded }: LineUsage): string {
  if (excluded === 0) return '';
  const which = source === 'llm' ? 'more' : 'of them';
  return `; ${groupDigits(excluded)} ${which} ${excluded === 1 ? 'is' : 'are'} excluded`;
}

function columnsOf({ source, currency }: LineUsage): readonly Column<EventBehindLine>[] {
  return [
    { head: 'event', value: (event) => event.event_id },
    { head: 'occurred at', value: (event) => event.occurred_at },
    {
      head: source === 'llm' ? currency : 'amount',
      align: 'right',
      value: ({ amount }) =>
        source === 'llm' ? formatAmount(amount, currency) : groupDigits(amount),
    },
    {
      head: '',
      value: ({ is_excluded: isExcluded, model, replaces }) =>
        [isExcluded ? 'excluded' : '', model, replaces && `replaces ${replaces}`]
          .filter(Boolean)
          .join(', '),
    },
  ];
}
