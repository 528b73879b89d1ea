import type { ScheduleDescription } from '@temporalio/client';
import { Command } from 'commander';
import { Temporal } from 'temporal-polyfill';
import { describeSchedule } from '../../temporal/schedule.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

export function scheduleDescribeCommand(): Command {
  return new Command('describe')
    .description('show when the Schedule fires next and when it fired last')
    .addHelpText('after', '\nExample:\n  npm run cli -- schedule describe')
    .action(async (_options, command: Command) => {
      const description = await withTemporal(readEnvironment(process.env), ({ client }) =>
        describeSchedule(client),
      );
      const view = toView(description);
      print(command, view, (view) =>
        renderTable(
          [
            { head: 'Schedule', value: ([name]: [string, string]) => name },
            { head: view.id, value: ([, value]: [string, string]) => value },
          ],
          toRows(view),
        ),
      );
    });
}

function toView({ scheduleId, spec, state, policies, info }: ScheduleDescription) {
  return {
    id: scheduleId,
    time_zone: spec.timezone ?? 'UTC',
    paused: state.paused,
    note: state.note ?? null,
    next: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    recent: info.recentActions.slice(-3).map(({ scheduledAt, action }) => ({
      scheduled_at: scheduledAt.toISOString(),
      workflow_id: action.workflow.workflowId,
    })),
    overlap: policies.overlap,
    catchup_window_days: policies.catchupWindow / 86_400_000,
    pause_on_failure: policies.pauseOnFailure,
    missed: info.numActionsMissedCatchupWindow,
  };
}

function toRows(view: ReturnType<typeof toView>): [string, string][] {
  const local = (instant: string) =>
    Temporal.Instant.from(instant)
      .toZonedDateTimeISO(view.time_zone)
      .toString({ timeZoneName: 'never' });
  return [
    ['state', view.paused ? `paused: ${view.note ?? ''}` : 'on'],
    ['time zone', view.time_zone],
    ['next', view.next.map(local).join('\n')],
    [
      'recent',
      view.recent.map((r) => `${local(r.scheduled_at)}  ${r.workflow_id}`).join('\n') || 'none',
    ],
    ['overlap', String(view.overlap)],
    ['catch-up window', `${view.catchup_window_days} days`],
    ['missed', String(view.missed)],
  ];
}
