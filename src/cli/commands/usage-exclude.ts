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
import { posixQuote } from '../../lib/posix-quote.ts';

interface Options {
  readonly source: UsageSource;
  readonly reason: string;
}

export function usageExcludeCommand(): Command {
  return new Command('exclude')
    .description('take an accepted event out of billing, for good; it stays visible')
    .argument('<event>', 'its gateway_request_id or record_id')
    .addOption(
      new Option('--source <source>', 'which kind of usage it is')
        .choices(['llm', 'metered'])
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'why; it stays with the event', reasonArgument)
    .addHelpText(
      'after',
      `
An invoice that bills the event already goes on doing so until it is re-run: the answer says which,
and how to re-run it. To undo an exclusion, have the event sent again under a new id.

Example:
  npm run cli -- usage exclude req-4711 --source llm --reason "priced in dollars by mistake"`,
    )
    .action(async (eventId: string, { source, reason }: Options, command: Command) => {
      const env = readEnvironment(process.env);
      const result = await operatorAction(command, env, async (db, { worker }) => {
        const found = await excludeEvent(db, { source, eventId, actor: actor(), reason });
        if (found.outcome === 'unknown') {
          throw new CliError(`No ${source} event ${eventId} was accepted`);
        }
        if (found.outcome === 'refused') throw new CliError(found.reason);
        const { tenant_id, still_billed_in: month, still_billed_status } = found.exclusion;
        const isBeyondBounds =
          month !== null &&
          still_billed_status === 'issued' &&
          (await isReRunBeyondBounds(db, month, tenant_id, worker.bounds));
        return { ...found, isBeyondBounds };
      });
      print(command, result.exclusion, (exclusion) => renderExclusion(exclusion, result));
    });
}

/**
 * What became of an event that was to be excluded, and what is left to do.
 * @param isNew false: it had been excluded before, and that exclusion stays
 * @param isBeyondBounds whether a re-run has to accept a total beyond the safety bounds
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
    `What no longer counts: ${amountOf(exclusion)}.`,
    ...whatToDo(exclusion, isBeyondBounds),
  ].join('\n');
}

function amountOf({ amount, currency, resource_kind }: Exclusion): string {
  return formatUsage(amount, currency) + (currency === null ? ` ${resource_kind}` : '');
}

/** By the invoice's own month: late LLM usage is billed in a later one. */
function whatToDo(exclusion: Exclusion, isBeyondBounds: boolean): string[] {
  const { still_billed_on, still_billed_in, still_billed_status, tenant_id, reason } = exclusion;
  if (still_billed_on === null || still_billed_in === null) return ['No invoice bills it.'];
  if (still_billed_status === 'paid') {
    return [
      `Invoice ${still_billed_on} still bills it. It is paid and never rebuilt: settle it by hand.`,
    ];
  }
  const bounds = isBeyondBounds ? ' --accept-bounds' : '';
  return [
    `Invoice ${still_billed_on} still bills it, until it is re-run:`,
    ...(isBeyondBounds
      ? ['(The total is then beyond the safety bounds, which this accepts.)']
      : []),
    `  npm run cli -- month-end force ${still_billed_in} --tenant ${tenant_id}${bounds} --reason ${posixQuote(reason)}`,
  ];
}
