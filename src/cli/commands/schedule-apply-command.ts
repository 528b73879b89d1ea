import { Command } from 'commander';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import {
  NOTICES_HOUR,
  SWEEP_MINUTES,
  applyNoticesSchedule,
  applySchedule,
  applySweepSchedule,
} from '../../temporal/schedule.ts';
import { registerSearchAttributes } from '../../temporal/search-attributes.ts';
import { integerArgument, tenantsPerChildOption, toMonthEndOptions } from '../arguments.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../record-action.ts';
import { print, snakeCaseKeys } from '../output.ts';

interface Options {
  readonly hour: number;
  readonly minute: number;
  readonly sweepMinutes: number;
  readonly tenantsPerChild?: number;
}

export function scheduleApplyCommand(): Command {
  return new Command('apply')
    .description('create or update the Schedules: month end, daily notices, usage sweep')
    .option(
      '--hour <hour>',
      'hour on the first of the month, in the billing time zone',
      integerArgument(0, 23),
      6,
    )
    .option('--minute <minute>', 'minute of that hour', integerArgument(0, 59), 0)
    .option(
      '--sweep-minutes <minutes>',
      'minutes between two usage sweeps',
      integerArgument(SWEEP_MINUTES.min, SWEEP_MINUTES.max),
      SWEEP_MINUTES.byDefault,
    )
    .addOption(tenantsPerChildOption())
    .addHelpText(
      'after',
      `
The daily notices report overdue invoices to webhooks, at 08:00 in the billing time zone. The usage sweep
reports spend thresholds that the running month has reached, and releases held usage whose cause was fixed.
Also registers the search attributes that the workflows set. A paused Schedule stays paused.

Examples:
  npm run cli -- schedule apply --hour 6
  npm run cli -- schedule apply --tenants-per-child 25`,
    )
    .action(async (given: Options, command: Command) => {
      const { hour, minute, sweepMinutes, tenantsPerChild } = given;
      const env = readEnvironment(process.env);
      const options = toMonthEndOptions(tenantsPerChild);
      const done = await operatorAction(command, env, async (db) => {
        const { timeZone } = await loadCalendar(db);
        return withTemporal(env, async ({ client, connection, namespace }) => ({
          searchAttributes: await registerSearchAttributes(connection, namespace),
          schedule: await applySchedule(client, timeZone, {
            hour,
            minute,
            ...(options && { options }),
          }),
          notices: await applyNoticesSchedule(client, timeZone),
          sweep: await applySweepSchedule(client, sweepMinutes),
          timeZone,
        }));
      });
      print(
        command,
        done,
        (done) =>
          [
            ...done.searchAttributes.map((name) => `Registered search attribute ${name}.`),
            `Schedule ${done.schedule}: it fires at ${pad(hour)}:${pad(minute)} ${done.timeZone} on the first of each month.`,
            `Schedule of daily notices ${done.notices}: it fires at ${pad(NOTICES_HOUR)}:00 ${done.timeZone} every day.`,
            `Schedule of the usage sweep ${done.sweep}: it fires every ${sweepMinutes} minutes.`,
          ].join('\n'),
        snakeCaseKeys,
      );
    });
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
