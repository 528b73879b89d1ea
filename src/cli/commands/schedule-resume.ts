import { Command } from 'commander';
import { resumeSchedule } from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

export function scheduleResumeCommand(): Command {
  return new Command('resume')
    .description('let a paused Schedule fire again')
    .option('--note <text>', 'shown in the Web UI', 'resumed by the CLI')
    .addHelpText(
      'after',
      `
What fell into the pause is not made up for: \`schedule backfill MONTH\` does that.

Example:
  npm run cli -- schedule resume --note "meters are repaired"`,
    )
    .action(async ({ note }: { note: string }, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => resumeSchedule(client, note)),
      );
      print(command, { paused: false, note }, () => 'The Schedule is on.');
    });
}
