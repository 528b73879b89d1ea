import { Command } from 'commander';
import {
  readBillingSettings,
  setTimeZone,
  type BillingSettings,
} from '../../db/settings/billing-settings.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { operatorAction } from '../record-action.ts';

export function settingsShowCommand(): Command {
  return new Command('show')
    .description('show the billing time zone')
    .addHelpText('after', '\nExample:\n  npm run cli -- settings show')
    .action(async (_options, command: Command) => {
      const settings = await withDatabase(readEnvironment(process.env), async (db) => {
        const { monthOf, periodOf } = await loadCalendar(db);
        const { month, startsAt, endsAt } = periodOf(monthOf(new Date()));
        return {
          ...(await readBillingSettings(db)),
          current_month: { month, starts_at: startsAt, ends_at: endsAt },
        };
      });
      print(command, settings, ({ current_month: { month, starts_at, ends_at }, ...settings }) =>
        [
          `Billing time zone: ${settings.time_zone}`,
          sayFixed(settings),
          `Current month: ${month}, from ${starts_at} to ${ends_at}`,
        ].join('\n'),
      );
    });
}

function sayFixed({ time_zone_fixed_at: fixedAt }: BillingSettings): string {
  return fixedAt === null
    ? 'It can be changed until the first usage or request for a month arrives.'
    : `Fixed since ${fixedAt}, when the first usage or request for a month arrived.`;
}

export function settingsSetCommand(): Command {
  return new Command('set')
    .description('set the billing time zone')
    .requiredOption('--time-zone <name>', 'IANA name of a time zone, such as Australia/Sydney')
    .addHelpText(
      'after',
      `
Months and days begin at midnight in this zone, and the Schedule fires in it. Set it when you install, before
plans and subscriptions: it can't be changed once there is usage, a request for a month or an invoice. Run
\`schedule apply\` afterwards. Processes that are running notice the change by themselves.

Example:
  npm run cli -- settings set --time-zone Australia/Sydney`,
    )
    .action(async ({ timeZone }: { readonly timeZone: string }, command: Command) => {
      const { isChanged, unaligned } = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => setTimeZone(db, timeZone),
      );
      const change = isChanged ? 'changed' : 'unchanged';
      print(command, { time_zone: timeZone, change }, ({ time_zone }) =>
        isChanged
          ? `The billing time zone is ${time_zone}. Now update the Schedule: npm run cli -- schedule apply`
          : `The billing time zone is already ${time_zone}; nothing changed.`,
      );
      if (unaligned > 0) {
        note(
          'Subscriptions and addons that start or end at another time than midnight in that zone: ' +
            `${unaligned}. They are billed for whole days.`,
        );
      }
    });
}
