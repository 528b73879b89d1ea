import { Command, Option } from 'commander';
import { isReRunBeyondBounds } from '../../audit/preview.ts';
import type { UsageSource } from '../../db/usage/usage-ledger.ts';
import { excludeEvent } from '../../ingestion/exclude-event.ts';
import { actor } from '../actor.ts';
import { reasonArgument } from '../arguments.ts';
import { readEnvironment } from '../environment.ts';
import { CliError } from '../errors.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';
import { renderExclusion } from '../render/exclusion.ts';

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
