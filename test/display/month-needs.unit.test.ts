import { describe, expect, test } from 'vitest';
import {
  headlineOf,
  needsOf,
  requestStateText,
  type MonthFacts,
} from '../../src/display/month-needs.ts';

const DONE: MonthFacts['requests'][number] = { state: 'finished', refused: [] };
const NONE = { rolled: 0, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 0 };
/** All 280 tenants are invoiced, and nothing is left to do. */
const SOUND: MonthFacts = {
  due_tenants: 280,
  outcomes: { ...NONE, rolled: 270, adjusted: 2, skipped: 5, unchanged: 3 },
  not_looked_at: 0,
  requests: [DONE],
  at_stake: [],
  review: { waiting: 0 },
  is_over: true,
  balanced: true,
  quarantined: [],
  lost: [],
};
const month = (changes: Partial<MonthFacts>): MonthFacts => ({ ...SOUND, ...changes });
const PARKED = month({
  outcomes: { ...NONE, rolled: 279, parked: 1 },
  at_stake: [{ currency: 'AUD', total_cents: '7000' }],
});

describe('the line that leads', () => {
  test.each([
    ['a month with nothing left to do', SOUND, 'All 280 invoiced'],
    ['a parked tenant', PARKED, '279 of 280 invoiced, 1 needs you'],
    [
      'tenants with nothing to bill',
      month({ outcomes: { ...NONE, rolled: 278, nothing_to_bill: 2 } }),
      '278 of 280 invoiced, 2 with nothing to bill',
    ],
    [
      'a running request',
      month({ requests: [{ ...DONE, state: 'running' }, DONE], outcomes: { ...NONE, rolled: 4 } }),
      'Closing: 4 of 280 invoiced',
    ],
    [
      'a month without requests',
      month({ requests: [], outcomes: NONE, not_looked_at: 280, balanced: null }),
      '280 tenants are due, 1 needs you',
    ],
    [
      'a month that is not over',
      month({ requests: [], outcomes: NONE, not_looked_at: 280, is_over: false }),
      'Not over yet: 280 tenants are due',
    ],
    ['no due tenants', month({ due_tenants: 0, outcomes: NONE }), 'No tenant is due'],
    ['one tenant', month({ due_tenants: 1, outcomes: { ...NONE, rolled: 1 } }), '1 of 1 invoiced'],
    [
      'a size with thousands',
      month({ due_tenants: 10_000, outcomes: { ...NONE, rolled: 8000, parked: 2000 } }),
      '8,000 of 10,000 invoiced, 2,000 need you',
    ],
  ])('of %s', (_what, facts, line) => {
    expect(headlineOf(facts)).toBe(line);
  });
});

describe('what needs a person', () => {
  const texts = (changes: Partial<MonthFacts>) => needsOf(month(changes)).map(({ text }) => text);

  test('is nothing if all tenants are invoiced', () => {
    expect(needsOf(SOUND)).toEqual([]);
  });

  test('names parked tenants with the money at stake', () => {
    expect(needsOf(PARKED)).toEqual([
      { kind: 'parked', count: 1, text: '1 tenant is parked (last invoice AUD 70.00)' },
    ]);
    const at_stake = [...PARKED.at_stake, { currency: 'JPY', total_cents: '1200000' }];
    expect(texts({ outcomes: { ...NONE, parked: 3 }, at_stake })).toEqual([
      '3 tenants are parked (last invoices AUD 70.00 and JPY 1,200,000)',
    ]);
    expect(texts({ outcomes: { ...NONE, parked: 1 } })).toEqual(['1 tenant is parked']);
  });

  test('lists everything else, lost requests and books first', () => {
    const facts = month({
      lost: ['requests for 2026-05 wait (1), and no run is serving them (close).'],
      balanced: false,
      outcomes: { ...NONE, rolled: 277, parked: 1 },
      not_looked_at: 2,
      requests: [
        { ...DONE, refused: [{}, {}] },
        { ...DONE, refused: [{}] },
      ],
      review: { waiting: 1 },
      quarantined: [{ events: 2 }, { events: 1 }],
    });
    expect(needsOf(facts).map(({ kind, count }) => [kind, count])).toEqual([
      ['lost', 1],
      ['books', 1],
      ['parked', 1],
      ['not_processed', 2],
      ['refused', 2],
      ['release', 1],
      ['held', 1],
    ]);
    expect(headlineOf(facts)).toBe('277 of 280 invoiced, 9 need you');
    expect(needsOf(facts).map(({ text }) => text)).toContain(
      'The last request was refused for 2 tenants',
    );
  });

  test('waits for the end of a pass before it counts tenants without an outcome', () => {
    expect(texts({ not_looked_at: 5, requests: [{ ...DONE, state: 'queued' }] })).toEqual([]);
    expect(texts({ not_looked_at: 1 })).toEqual(['1 due tenant has no outcome yet']);
  });

  test('says that nothing has requested a month', () => {
    expect(texts({ requests: [], balanced: null, outcomes: NONE, not_looked_at: 280 })).toEqual([
      'Nothing has requested the month end',
    ]);
  });
});

test('a request is waiting, running or done', () => {
  expect((['queued', 'running', 'finished'] as const).map(requestStateText)).toEqual([
    'waiting',
    'running',
    'done',
  ]);
});
