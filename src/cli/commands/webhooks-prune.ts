import { Command, Option } from 'commander';
import { pruneEvents } from '../../db/webhooks/webhook-deliveries.ts';
import { durationArgument } from '../duration.ts';
import { readEnvironment } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

interface Options {
  /** Milliseconds. */
  readonly olderThan: number;
}

const DEFAULT_AGE = '90d';

export function webhooksPruneCommand(): Command {
  return new Command('prune')
    .description('delete old events that were delivered or given up, with their log')
    .addOption(
      new Option('--older-than <duration>', 'by when they happened')
        .argParser(durationArgument)
        .default(durationArgument(DEFAULT_AGE), DEFAULT_AGE),
    )
    .addHelpText('after', '\nExample:\n  npm run cli -- webhooks prune --older-than 90d')
    .action(async ({ olderThan }: Options, command: Command) => {
      const before = new Date(Date.now() - olderThan);
      const deleted = await operatorAction(command, readEnvironment(process.env), (db) =>
        pruneEvents(db, before),
      );
      print(
        command,
        { deleted, before },
        ({ deleted, before }) => `${deleted} events of before ${before.toISOString()} deleted.`,
      );
    });
}
