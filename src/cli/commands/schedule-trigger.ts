import { Command } from 'commander';
import { triggerSchedule } from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { print } from '../output.ts';

export function scheduleTriggerCommand(): Command {
  return new Command('trigger')
    .description('fire the Schedule now: it closes the month before this one')
    .addHelpText('after', '\nTo close another month: `month-end start MONTH`.')
    .action(async (_options, command: Command) => {
      await withTemporal(readEnvironment(process.env), ({ client }) => triggerSchedule(client));
      print(command, { triggered: true }, () => 'Triggered; see `month-end status`.');
    });
}
