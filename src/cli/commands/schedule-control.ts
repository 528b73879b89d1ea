import { Command } from 'commander';
import {
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
  backfillMonth,
} from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { requireClosable } from '../preconditions.ts';

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
