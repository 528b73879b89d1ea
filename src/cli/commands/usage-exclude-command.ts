import { Command, Option } from 'commander';
import { isReRunBeyondBounds } from '../../audit/preview.ts';
import type { UsageSource } from '../../db/usage/usage-ledger.ts';
import { excludeEvent } from '../../ingestion/exclude-event.ts';
import { actor, operatorAction } from '../record-action.ts';
import { reasonArgument } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { print } from '../output.ts';
import type { Exclusion } from '../../db/usage/usage-exclusions.ts';
import { formatUsage } from '../../domain/format.ts';

interface Options {
  readonly source: UsageSource;
  readonly reason: string;
}

export function usageExcludeCommand(): Command {
  return new Command('exclude')
    .description('exclude an accepted event from billing, permanently; it stays visible')
    .argument('<event>', 'gateway_request_id or record_id of the event')
    .addOption(
      new Option('--source <source>', 'kind of usage')
        .choices(['llm', 'metered'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'reason, stored with the event', reasonArgument)
    .addHelpText(
      'after',
      `
An invoice that already bills the event keeps billing it until it is rebuilt: the output shows the
invoice and the command. To undo an exclusion, send the event again with a new id.

Example:
  npm run cli -- usage exclude req-4711 --source llm --reason "priced in dollars by mistake"`,
    )
    .action(async (eventId: string, { source, reason }: Options, command: Command) => {
      const env = readEnvironment(process.env);
      const result = await operatorAction(command, env, async (db, { worker }) => {
        const found = await excludeEvent(db, { source, eventId, actor: actor(), reason });
        if (found.outcome === 'unknown') {
          throw new CliError(`There is no accepted ${source} event ${eventId}`);
        }
        if (found.outcome === 'refused') throw new CliError(found.reason);
        const { tenant_id, still_billed_in: month } = found.exclusion;
        const isBeyondBounds =
          month !== null && (await isReRunBeyondBounds(db, month, tenant_id, worker.bounds));
        return { ...found, isBeyondBounds };
      });
      print(command, result.exclusion, (exclusion) => renderExclusion(exclusion, result));
    });
}

/**
 * The result of an exclusion, and what is left to do.
 * @param isNew false if the event had been excluded before; the earlier exclusion stays
 * @param isBeyondBounds whether a rerun has to accept a total beyond the safety bounds
 */
export function renderExclusion(
  exclusion: Exclusion,
  { isNew, isBeyondBounds }: { readonly isNew: boolean; readonly isBeyondBounds: boolean },
): string {
  const { source, event_id, tenant_id, actor, reason, excluded_at } = exclusion;
  const event = `${source} event ${event_id} of ${tenant_id}`;
  return [
    isNew
      ? `${event} is excluded.`
      : `${event} was already excluded, at ${excluded_at} by ${actor}; the first reason stays: ${reason}`,
    `Excluded from billing: ${amountOf(exclusion)}.`,
    ...whatToDo(exclusion, isBeyondBounds),
  ].join('\n');
}

function amountOf({ amount, currency, resource_kind }: Exclusion): string {
  return formatUsage(amount, currency) + (currency === null ? ` ${resource_kind}` : '');
}

/** Names the month of the invoice, not of the event: late LLM usage is billed in a later month. */
function whatToDo(exclusion: Exclusion, isBeyondBounds: boolean): string[] {
  const { still_billed_on, still_billed_in, tenant_id, reason } = exclusion;
  if (still_billed_on === null || still_billed_in === null) return ['No invoice bills this event.'];
  const bounds = isBeyondBounds ? ' --accept-bounds' : '';
  return [
    `Invoice ${still_billed_on} still bills it. To correct that, run:`,
    ...(isBeyondBounds
      ? ['(The new total is beyond the safety bounds; --accept-bounds accepts it.)']
      : []),
    `  npm run cli -- month-end force ${still_billed_in} --tenant ${tenant_id}${bounds} --reason ${posixQuote(reason)}`,
  ];
}

/** Returns the text as one word of a POSIX shell, in single quotes. */
function posixQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
