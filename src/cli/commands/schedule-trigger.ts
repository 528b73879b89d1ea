import { Command } from 'commander';
import { triggerSchedule } from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

export function scheduleTriggerCommand(): Command {
  return new Command('trigger')
    .description('fire the Schedule now: it closes the month before this one')
    .addHelpText(
      'after',
      `
To close another month: \`month-end start MONTH\`.

Example:
  npm run cli -- schedule trigger`,
    )
    .action(async (_options, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => triggerSchedule(client)),
      );
      print(command, { triggered: true }, () => 'Triggered; see `month-end status`.');
    });
}
