import { Command } from 'commander';
import { listLateUsage, MAX_LATE_ENTRIES } from '../../audit/late-usage.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note } from '../note.ts';
import { print } from '../output.ts';
import { renderLateUsage } from '../render/late-usage.ts';

export function monthEndLateUsageCommand(): Command {
  return new Command('late-usage')
    .description('list the usage of a month that no ordinary run bills, and what does')
    .argument('<month>', 'such as 2026-05', monthArgument)
    .addHelpText(
      'after',
      `
By tenant and reason, with the amount and the command that bills it: late usage that takes a re-run,
usage of tenants that are not due, of deployments without a subscription, of kinds that no plan prices;
and events that were excluded since the invoice was issued, which still bills them. Where the invoice is
paid or void it is never rebuilt: the amount is to be settled by hand. Late LLM usage of a tenant that
gets a later invoice is listed too; that invoice bills it by itself.

Example:
  npm run cli -- month-end late-usage 2026-05`,
    )
    .action(async (month: Month, _options, command: Command) => {
      const entries = await withDatabase(readEnvironment(process.env), (db, { worker }) =>
        listLateUsage(db, month, { bounds: worker.bounds }),
      );
      print(command, entries, (entries) => renderLateUsage(month, entries));
      if (entries.length === MAX_LATE_ENTRIES) note(`These are the first ${MAX_LATE_ENTRIES}.`);
    });
}
