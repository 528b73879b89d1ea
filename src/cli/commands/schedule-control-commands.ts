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
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument, reasonArgument } from '../arguments.ts';
import { requireClosable } from '../preconditions.ts';

export function schedulePauseCommand(): Command {
  return new Command('pause')
    .description('pause the Schedule')
    .requiredOption('--reason <text>', 'reason, shown in the Web UI', reasonArgument)
    .addHelpText(
      'after',
      `
Firings during the pause are skipped. Close those months afterwards with \`schedule backfill MONTH\`.

Example:
  npm run cli -- schedule pause --reason "meters are being repaired"`,
    )
    .action(async ({ reason }: { reason: string }, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => pauseSchedule(client, reason)),
      );
      print(command, { paused: true, note: reason }, () => 'The Schedule is paused.');
    });
}

export function scheduleResumeCommand(): Command {
  return new Command('resume')
    .description('resume a paused Schedule')
    .option('--reason <text>', 'reason, shown in the Web UI', reasonArgument, 'resumed by the CLI')
    .addHelpText(
      'after',
      `
Firings missed during the pause are not repeated. Use \`schedule backfill MONTH\` for each of them.

Example:
  npm run cli -- schedule resume --reason "meters are repaired"`,
    )
    .action(async ({ reason }: { reason: string }, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => resumeSchedule(client, reason)),
      );
      print(command, { paused: false, note: reason }, () => 'The Schedule is active.');
    });
}

export function scheduleTriggerCommand(): Command {
  return new Command('trigger')
    .description('run the Schedule now: it closes last month')
    .addHelpText(
      'after',
      `
To close another month, use \`month-end start MONTH\`.

Example:
  npm run cli -- schedule trigger`,
    )
    .action(async (_options, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, () =>
        withTemporal(env, ({ client }) => triggerSchedule(client)),
      );
      print(
        command,
        { triggered: true },
        () => 'The Schedule was triggered. See `month-end status MONTH`.',
      );
    });
}

export function scheduleBackfillCommand(): Command {
  return new Command('backfill')
    .description('run the Schedule for a month whose firing was missed')
    .argument('<month>', 'month to close, such as 2026-05', monthArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- schedule backfill 2026-05')
    .action(async (month: Month, _options, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, async (db) => {
        await requireClosable(db, month);
        const calendar = await loadCalendar(db);
        await withTemporal(env, ({ client }) => backfillMonth(client, calendar, month));
      });
      print(
        command,
        { month, backfilled: true },
        ({ month }) => `The Schedule was run for ${month}. See \`month-end status ${month}\`.`,
      );
    });
}
