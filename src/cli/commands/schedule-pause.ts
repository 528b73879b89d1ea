import { Command } from 'commander';
import { pauseSchedule } from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

export function schedulePauseCommand(): Command {
  return new Command('pause')
    .description('keep the Schedule from firing')
    .requiredOption('--note <text>', 'why; shown in the Web UI')
    .addHelpText(
      'after',
      `
Firings that fall into the pause are skipped: \`schedule backfill MONTH\` makes up for them.

Example:
  npm run cli -- schedule pause --note "meters are being repaired"`,
    )
    .action(async ({ note }: { note: string }, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => pauseSchedule(client, note)),
      );
      print(command, { paused: true, note }, () => 'The Schedule is paused.');
    });
}
