import type { ScheduleDescription } from '@temporalio/client';
import { Command } from 'commander';
import { Temporal } from 'temporal-polyfill';
import { describeSchedule } from '../../temporal/schedule.ts';
import { readOtherSchedule, type OtherSchedule } from '../../temporal/schedule-facts.ts';
import { NOTICES_SCHEDULE_ID, SWEEP_SCHEDULE_ID } from '../../contracts/ids.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

export function scheduleDescribeCommand(): Command {
  return new Command('describe')
    .description('show when the Schedule fires next and when it fired last')
    .addHelpText('after', '\nExample:\n  npm run cli -- schedule describe')
    .action(async (_options, command: Command) => {
      const view = await withTemporal(readEnvironment(process.env), async ({ client }) =>
        toView(await describeSchedule(client), {
          daily_notices: await readOtherSchedule(client, NOTICES_SCHEDULE_ID),
          usage_sweep: await readOtherSchedule(client, SWEEP_SCHEDULE_ID),
        }),
      );
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

function toView(
  { scheduleId, spec, state, policies, info }: ScheduleDescription,
  others: Readonly<Record<'daily_notices' | 'usage_sweep', OtherSchedule | null>>,
) {
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
    daily_notices: toOtherView(others.daily_notices),
    usage_sweep: toOtherView(others.usage_sweep),
  };
}

function toOtherView(schedule: OtherSchedule | null) {
  return (
    schedule && {
      paused: schedule.isPaused,
      note: schedule.note,
      next: schedule.next?.toISOString() ?? null,
    }
  );
}

function toRows(view: ReturnType<typeof toView>): [string, string][] {
  const local = (instant: string) =>
    Temporal.Instant.from(instant)
      .toZonedDateTimeISO(view.time_zone)
      .toString({ timeZoneName: 'never' });
  return [
    ['state', stateOf(view)],
    ['time zone', view.time_zone],
    ['next', view.next.map(local).join('\n')],
    [
      'recent',
      view.recent.map((r) => `${local(r.scheduled_at)}  ${r.workflow_id}`).join('\n') || 'none',
    ],
    ['overlap', String(view.overlap)],
    ['catch-up window', `${view.catchup_window_days} days`],
    ['missed', String(view.missed)],
    ['daily notices', stateOfOther(view.daily_notices)],
    ['usage sweep', stateOfOther(view.usage_sweep)],
  ];
}

function stateOfOther(schedule: ReturnType<typeof toOtherView>): string {
  return schedule === null ? 'no Schedule: create it with `schedule apply`' : stateOf(schedule);
}

function stateOf({ paused, note }: { readonly paused: boolean; readonly note: string | null }) {
  return paused ? `paused: ${note ?? ''}` : 'on';
}
