import { expect, test } from 'vitest';
import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';
import { judgeSchedule } from '../../src/audit/watchdog-temporal.ts';
import type { ScheduleFacts } from '../../src/temporal/schedule-facts.ts';
import { UTC } from '../_util/utc.ts';

const firsts = (...times: string[]) => times.map((time) => new Date(`${time}:00Z`));
const FIRED = firsts('2026-06-01T06:00');

/** A Schedule that fired on 1 June and is due in July, with the given fields replaced. */
function schedule(other: Partial<ScheduleFacts> = {}): ScheduleFacts {
  return {
    isPaused: false,
    note: null,
    workflowType: 'scheduledMonthEnd',
    taskQueue: 'arcadia-invoicing',
    nextActionTimes: firsts('2026-07-01T06:00', '2026-08-01T06:00', '2026-09-01T06:00'),
    recentActionTimes: FIRED,
    definedAt: new Date('2026-01-15T00:00:00Z'),
    ...other,
  };
}

const NOW = '2026-06-20T00:00:00Z';
const judge = (facts: ScheduleFacts | null, at = NOW) => judgeSchedule(facts, new Date(at), UTC);

const dead = { recentActionTimes: firsts('2026-05-01T06:00') };
const during = {
  nextActionTimes: firsts('2026-06-01T06:00', '2026-07-01T06:00'),
  recentActionTimes: firsts('2026-05-01T06:00'),
};
test.each<[string, ScheduleFacts | null, string, string[]]>([
  ['as it should be', schedule(), NOW, []],
  ['none', null, NOW, ['schedule_missing']],
  ['paused', schedule({ isPaused: true, note: 'ask Anna' }), NOW, ['schedule_paused']],
  ['paused, so it did not fire', schedule({ ...dead, isPaused: true }), NOW, ['schedule_paused']],

  ['another workflow', schedule({ workflowType: 'x' }), NOW, ['schedule_points_elsewhere']],
  ['another task queue', schedule({ taskQueue: 'x' }), NOW, ['schedule_points_elsewhere']],
  [
    'both, and paused',
    schedule({ workflowType: 'x', taskQueue: 'x', isPaused: true }),
    NOW,
    ['schedule_points_elsewhere', 'schedule_points_elsewhere', 'schedule_paused'],
  ],
  [
    'on the second',
    schedule({ nextActionTimes: firsts('2026-07-02T06:00', '2026-08-02T06:00') }),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'on the first of another time zone',
    schedule({ nextActionTimes: firsts('2026-06-30T20:00', '2026-07-31T20:00') }),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'every day',
    schedule({ nextActionTimes: firsts('2026-07-01T06:00', '2026-07-02T06:00') }),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'every quarter',
    schedule({ nextActionTimes: firsts('2026-07-01T06:00', '2026-10-01T06:00') }),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'once a year',
    schedule({ nextActionTimes: firsts('2027-01-01T06:00') }),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'over the turn of the year',
    schedule({
      nextActionTimes: firsts('2027-01-01T06:00', '2027-02-01T06:00'),
      recentActionTimes: firsts('2026-12-01T06:00'),
    }),
    '2026-12-20T00:00:00Z',
    [],
  ],

  ['never again', schedule({ nextActionTimes: [] }), NOW, ['schedule_silent']],
  ['silent, with a normal next time', schedule(dead), NOW, ['schedule_silent']],
  ['it has never fired', schedule({ recentActionTimes: [] }), NOW, ['schedule_silent']],
  [
    'January, and silent since December',
    schedule({
      nextActionTimes: firsts('2027-02-01T06:00'),
      recentActionTimes: firsts('2026-12-01T06:00'),
    }),
    '2027-01-01T06:16:00Z',
    ['schedule_silent'],
  ],
  ['new, so it could not fire', schedule({ ...dead, definedAt: new Date(NOW) }), NOW, []],
  [
    'triggered by hand afterwards',
    schedule({ recentActionTimes: firsts('2026-06-03T10:00') }),
    NOW,
    [],
  ],
  ['about to fire', schedule(during), '2026-06-01T05:59:00Z', []],
  ['a little late', schedule(during), '2026-06-01T06:15:00Z', []],
  ['late, its next time past', schedule(during), '2026-06-01T06:16:00Z', ['schedule_silent']],
])('%s', (_name, facts, at, expected) => {
  expect(judge(facts, at).map(({ code }) => code)).toEqual(expected);
});

test('details contain no text written by an operator', () => {
  const details = [
    ...judge(schedule({ workflowType: 'secret', taskQueue: 'secret' })),
    ...judge(schedule({ isPaused: true, note: 'secret' })),
    ...judge(schedule(dead)),
  ].map(({ detail }) => detail);
  expect(details).toEqual([
    'the Schedule is not ours: it does not start scheduledMonthEnd',
    'the Schedule is not ours: its task queue is not arcadia-invoicing',
    'the Schedule is paused: it will not fire',
    'the Schedule was to fire at 2026-06-01T06:00:00.000Z and has not',
  ]);
});

test.each<[string, string, ScheduleFacts, string, string[]]>([
  [
    'Sydney, over the start of daylight saving',
    'Australia/Sydney',
    schedule({
      nextActionTimes: firsts('2026-09-30T20:00', '2026-10-31T19:00', '2026-11-30T19:00'),
      recentActionTimes: firsts('2026-08-31T20:00'),
    }),
    '2026-09-20T00:00:00Z',
    [],
  ],
  [
    'Sydney, but by a Schedule that fires at 06:00 in UTC',
    'Australia/Sydney',
    schedule({ nextActionTimes: firsts('2026-10-01T06:00', '2026-11-01T06:00') }),
    '2026-09-20T00:00:00Z',
    ['schedule_points_elsewhere'],
  ],
  [
    'Honolulu, where the first in UTC is still the last day of the month',
    'Pacific/Honolulu',
    schedule(),
    NOW,
    ['schedule_points_elsewhere'],
  ],
  [
    'New York, silent since before daylight saving ended',
    'America/New_York',
    schedule({
      nextActionTimes: firsts('2026-12-01T11:00', '2027-01-01T11:00'),
      recentActionTimes: firsts('2026-10-01T10:00'),
    }),
    '2026-11-01T10:16:00Z',
    [],
  ],
  [
    'New York, late on the day on which daylight saving ends',
    'America/New_York',
    schedule({
      nextActionTimes: firsts('2026-12-01T11:00', '2027-01-01T11:00'),
      recentActionTimes: firsts('2026-10-01T10:00'),
    }),
    '2026-11-01T11:16:00Z',
    ['schedule_silent'],
  ],
])('%s', (_name, zone, facts, at, expected) => {
  const calendar = createBillingCalendar(zone, computeMonthStarts(zone));
  const findings = judgeSchedule(facts, new Date(at), calendar);
  expect(findings.map(({ code }) => code)).toEqual(expected);
});
