import { Command } from 'commander';
import type { Month } from '../../domain/period.ts';
import { backfillMonth } from '../../temporal/schedule.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';
import { requireClosable } from '../require-closable.ts';

export function scheduleBackfillCommand(): Command {
  return new Command('backfill')
    .description('make up for the firing that should have closed a month')
    .argument('<month>', 'the month to close, such as 2026-05', monthArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- schedule backfill 2026-05')
    .action(async (month: Month, _options, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, async (db) => {
        await requireClosable(db, month);
        await withTemporal(env, ({ client }) => backfillMonth(client, month));
      });
      print(command, { month, backfilled: true }, ({ month }) => `Fired for ${month}.`);
    });
}
