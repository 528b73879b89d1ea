import { describe, expect, test } from 'vitest';
import { judgeMonths } from '../../src/audit/watchdog-months.ts';
import type { MonthFacts } from '../../src/db/month-end/watchdog-facts.ts';
import { UTC } from '../_util/utc.ts';

const LIMITS = { closeWithinHours: 8, stalledAfterMinutes: 15, reviewReminderDays: 3 };

/** A month without requests, with the given fields replaced. */
function facts(other: Partial<MonthFacts> = {}): MonthFacts {
  return {
    month: '2026-05',
    dueTenants: 3,
    withoutOutcome: 3,
    rolled: 0,
    adjusted: 0,
    skipped: 0,
    unchanged: 0,
    nothing_to_bill: 0,
    parked: 0,
    openRequests: 0,
    finishedRequests: 0,
    waitingSince: null,
    lastMovedAt: null,
    unreleased: 0,
    unreleasedSince: null,
    isOutOfBalance: false,
    ...other,
  };
}

const judge = (month: MonthFacts, at: string) => judgeMonths([month], new Date(at), LIMITS, UTC);
const codes = (month: MonthFacts, at: string) => judge(month, at).map(({ code }) => code);

describe('month_not_closed', () => {
  const LATE = '2026-06-01T08:00:00Z';
  const closed = { finishedRequests: 1, withoutOutcome: 0 };
  test.each([
    ['the last minute of grace', facts(), '2026-06-01T07:59:59Z', []],
    ['the grace over', facts(), LATE, ['month_not_closed']],
    ['nobody due', facts({ dueTenants: 0, withoutOutcome: 0 }), LATE, []],
    ['closed', facts(closed), LATE, []],
    ['closed, a tenant parked', facts({ ...closed, parked: 1 }), LATE, []],
    ['a tenant due since', facts({ ...closed, withoutOutcome: 1 }), LATE, ['tenants_to_invoice']],
    [
      'still running',
      facts({ openRequests: 1, waitingSince: '2026-06-01T07:59:00Z' }),
      LATE,
      ['month_not_closed'],
    ],
    ['months later', facts(), '2026-09-20T00:00:00Z', ['month_not_closed']],
    ['not over yet', facts({ month: '2026-06' }), LATE, []],
  ])('%s', (_name, month, at, expected) => {
    expect(codes(month, at)).toEqual(expected);
  });

  test('says when the month should have been closed and how far it is', () => {
    expect(judge(facts(), LATE)).toEqual([
      {
        code: 'month_not_closed',
        month: '2026-05',
        detail: '2026-05 was to be closed by 2026-06-01T08:00:00Z: no run has been requested',
      },
    ]);
    const running = { openRequests: 1, waitingSince: '2026-06-01T07:59:00Z', withoutOutcome: 1 };
    expect(judge(facts(running), LATE)[0]?.detail).toContain(
      'due tenants without an outcome: 1 of 3',
    );
  });
});

describe('tenants_to_invoice', () => {
  const closed = { finishedRequests: 1, withoutOutcome: 2 };
  const EARLY = '2026-06-01T06:10:00Z';
  test.each([
    ['as soon as the month is closed', facts(closed), ['tenants_to_invoice']],
    [
      'not while a run may invoice them',
      facts({ ...closed, openRequests: 1, waitingSince: EARLY }),
      [],
    ],
    ['not before the month was ever closed', facts(), []],
  ])('%s', (_name, month, expected) => {
    expect(codes(month, EARLY)).toEqual(expected);
  });

  test('says how many tenants', () => {
    expect(judge(facts(closed), EARLY)).toEqual([
      {
        code: 'tenants_to_invoice',
        month: '2026-05',
        detail: '2026-05 is closed, and due tenants have no invoice yet: 2 of 3',
      },
    ]);
  });
});

describe('run_stalled', () => {
  const waiting = { openRequests: 1, waitingSince: '2026-06-01T06:00:00Z' };
  const at = (minute: string) => `2026-06-01T06:${minute}Z`;
  test.each([
    ['just asked for', facts(waiting), at('14:59'), []],
    ['nothing ever moved', facts(waiting), at('15:00'), ['run_stalled']],
    ['it moves', facts({ ...waiting, lastMovedAt: at('05:00') }), at('19:59'), []],
    ['it moved', facts({ ...waiting, lastMovedAt: at('05:00') }), at('20:00'), ['run_stalled']],
    [
      'what moved was an earlier run',
      facts({ ...waiting, lastMovedAt: '2026-06-01T01:00:00Z' }),
      at('14:59'),
      [],
    ],
    ['nobody waits', facts({ lastMovedAt: '2026-06-01T01:00:00Z' }), at('30:00'), []],
  ])('%s', (_name, month, now, expected) => {
    expect(codes(month, now)).toEqual(expected);
  });

  test('says since when the run is stalled', () => {
    const [finding] = judge(facts({ ...waiting, lastMovedAt: at('05:00.123456') }), at('30:00'));
    expect(finding?.detail).toBe(
      'requests for 2026-05 wait (1), and nothing has moved since 2026-06-01T06:05:00Z',
    );
  });
});

test('books_do_not_add_up is found in a closed month', () => {
  const month = facts({ finishedRequests: 1, withoutOutcome: 0, isOutOfBalance: true });
  expect(codes(month, '2026-06-01T08:00:00Z')).toEqual(['books_do_not_add_up']);
});

describe('review_waiting', () => {
  const closed = { finishedRequests: 1, withoutOutcome: 0 };
  const since = '2026-06-01T06:00:00Z';
  test.each([
    [
      'within three days',
      facts({ ...closed, unreleased: 2, unreleasedSince: since }),
      '2026-06-04T05:59:59Z',
      [],
    ],
    [
      'for three days',
      facts({ ...closed, unreleased: 2, unreleasedSince: since }),
      '2026-06-04T06:00:00Z',
      ['review_waiting'],
    ],
    ['all released', facts(closed), '2026-06-14T06:00:00Z', []],
  ])('%s', (_, month, at, expected) => {
    expect(codes(month, at)).toEqual(expected);
  });

  test('says how many invoices wait, and since when', () => {
    const [finding] = judge(
      facts({ ...closed, unreleased: 2, unreleasedSince: since }),
      '2026-06-05T06:00:00Z',
    );
    expect(finding).toEqual({
      code: 'review_waiting',
      month: '2026-05',
      detail: 'invoices of 2026-05 wait for release (2), the first since 2026-06-01T06:00:00Z',
    });
  });
});
