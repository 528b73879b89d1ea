import { beforeEach, describe, expect, test } from 'vitest';
import type { BeginPassResult } from '../../src/contracts/activity-types.ts';
import { MonthState } from '../../src/workflows/month-state.ts';

const BEGUN: BeginPassResult = {
  requestIds: ['r1'],
  requestCount: 1,
  upToSeq: 7,
  startedAt: '2026-06-01T06:00:00Z',
  dueTenants: 3,
};
const TOTALS = { rolled: 2, adjusted: 0, skipped: 1, unchanged: 0, nothing_to_bill: 0, parked: 0 };
const FINISHED = { totals: TOTALS, unreleased: 0, imbalances: [] };
const NONE = { rolled: 0, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 0 };

let changes = 0;
let state: MonthState;
beforeEach(() => {
  changes = 0;
  state = new MonthState('2026-05', undefined, () => (changes += 1));
});

function beginPass() {
  state.passRequested();
  state.passBegun(BEGUN);
}
function acceptRequest(urgentTenantIds: readonly string[] = []) {
  const accepted = { accepted: true, requestId: 'r2', waiting: true, refusals: [] } as const;
  state.requestAccepted({ ...accepted, urgentTenantIds });
}

describe('a pass', () => {
  test('is closing from its request to its end, then the month is open', () => {
    expect(state.progress(false)).toEqual({
      month: '2026-05',
      state: 'open',
      pass: null,
      totals: null,
      unreleased: 0,
      imbalances: [],
      openUntil: null,
      refusals: [],
      served: [],
    });

    expect(state.progress(true).state).toBe('closing');
    acceptRequest();
    expect(state.progress(false).state).toBe('closing');
    state.passRequested();
    expect(state.progress(false).state).toBe('closing');
    state.passBegun(BEGUN);
    expect(state.progress(false)).toMatchObject({ state: 'closing', pass: { counts: NONE } });
    state.passFinished({ totals: TOTALS, unreleased: 2, imbalances: ['8 is not 9'] });
    expect(state.progress(false)).toMatchObject({
      state: 'open',
      pass: null,
      totals: TOTALS,
      unreleased: 2,
      imbalances: ['8 is not 9'],
    });
  });

  test('counts the outcomes of pages and children, and lists the tenants being served', () => {
    beginPass();
    state.pagePlanned({ tenantIds: ['acme', 'globex'], skipped: 4, last: 'globex' });
    state.tenantsStarted(['acme', 'globex']);
    expect(state.progress(false).pass).toMatchObject({
      after: 'globex',
      isWalked: false,
      counts: { ...NONE, skipped: 4 },
      running: ['acme', 'globex'],
    });

    state.tenantsServed(['acme', 'globex'], ['rolled', 'parked']);
    state.pagePlanned({ tenantIds: [], skipped: 0, last: null });

    expect(state.progress(false).pass).toMatchObject({
      after: 'globex',
      isWalked: true,
      counts: { rolled: 1, adjusted: 0, skipped: 4, unchanged: 0, nothing_to_bill: 0, parked: 1 },
      running: [],
    });
  });

  test('does not begin if no request waits', () => {
    state.passRequested();
    state.passBegun(null);
    expect(state.pass).toBeNull();
    expect(state.progress(false).state).toBe('open');
  });

  test('serves requests accepted before it begins; a later one wants another pass', () => {
    acceptRequest();
    beginPass();
    expect(state.passWanted).toBe(false);
    acceptRequest();
    expect(state.passWanted).toBe(true);
    state.passFinished(FINISHED);
    expect(state.passWanted).toBe(true);
  });

  test('a repeated request that was served before wants no pass', () => {
    state.requestAccepted({
      accepted: true,
      requestId: 'r1',
      waiting: false,
      urgentTenantIds: [],
      refusals: [],
    });
    expect(state.passWanted).toBe(false);
  });
});

describe('urgent tenants', () => {
  test('start once, and their page leaves them out', () => {
    beginPass();
    acceptRequest(['acme', 'globex', 'initech']);
    expect(state.nextUrgent(2)).toEqual(['acme', 'globex']);
    state.tenantsStarted(['acme', 'globex']);
    expect(state.nextUrgent(2)).toEqual(['initech']);
    expect(state.notStarted(['acme', 'hooli', 'globex'])).toEqual(['hooli']);
  });

  test('wait while they are being served', () => {
    beginPass();
    state.tenantsStarted(['acme']);
    acceptRequest(['acme']);
    expect(state.hasUrgent()).toBe(false);
    state.tenantsServed(['acme'], ['rolled']);
    expect(state.nextUrgent(1)).toEqual(['acme']);
  });

  test('include those that the end of a pass finds unserved', () => {
    beginPass();
    state.unservedFound(['acme']);
    expect(state.nextUrgent(10)).toEqual(['acme']);
  });

  test('of an earlier pass are on the pages of the next', () => {
    beginPass();
    state.tenantsStarted(['acme']);
    state.tenantsServed(['acme'], ['rolled']);
    state.passFinished(FINISHED);
    beginPass();
    expect(state.notStarted(['acme'])).toEqual(['acme']);
  });

  test('beyond 2,000 are left to the pages', () => {
    const ids = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
    acceptRequest(ids('first', 2000));
    acceptRequest(['late']);
    expect(state.nextUrgent(3000)).toHaveLength(2000);
    expect(state.nextUrgent(3000)).not.toContain('late');
  });
});

describe('the time for corrections', () => {
  test('keeps its end until a pass begins', () => {
    expect(state.opened('2026-07-16T00:00:00Z')).toBe('2026-07-16T00:00:00Z');
    expect(state.opened('2026-08-01T00:00:00Z')).toBe('2026-07-16T00:00:00Z');
    state.passRequested();
    state.passBegun(null);
    expect(state.openUntil).toBe('2026-07-16T00:00:00Z');
    beginPass();
    expect(state.progress(false).openUntil).toBeNull();
  });
});

test('keeps the last 20 refusals', () => {
  for (let n = 1; n <= 21; n += 1) state.refused('typo'.repeat(50), `reason ${n}`, '2026-06-02');
  const { refusals } = state.progress(false);
  expect(refusals).toHaveLength(20);
  expect(refusals[0]).toEqual({
    at: '2026-06-02',
    signal: 'typo'.repeat(25),
    reason: 'reason 2',
  });
});

test('shows what waits for release after a pass and after each release', () => {
  state.passBegun(BEGUN);
  state.passFinished({ ...FINISHED, unreleased: 12 });
  expect(state.progress(false).unreleased).toBe(12);
  acceptRequest();
  expect(state.progress(false).unreleased).toBe(12);
  state.requestAccepted({
    ...{ accepted: true, requestId: 'r3', waiting: false, refusals: [], urgentTenantIds: [] },
    unreleased: 2,
  });
  expect(state.progress(false).unreleased).toBe(2);
});

test('remembers the last 20 requests that its passes served', () => {
  expect(state.progress(false).served).toEqual([]);
  for (let n = 1; n <= 21; n += 1) {
    state.passBegun({ ...BEGUN, requestIds: [`r${n}`] });
    if (n === 21) expect(state.progress(false).served.at(-1)).toBe('r20');
    state.passFinished(FINISHED);
  }
  const { served } = state.progress(false);
  expect([served.length, served[0], served.at(-1)]).toEqual([20, 'r2', 'r21']);
});

describe('continue-as-new', () => {
  test('carries everything but the tenants in memory', () => {
    beginPass();
    state.pagePlanned({ tenantIds: ['acme'], skipped: 2, last: 'acme' });
    acceptRequest(['globex']);
    state.refused('typo', 'unknown signal', '2026-06-02');
    const carried = state.carry({ run: 1, forceReRun: 1, release: 1 });

    const next = new MonthState('2026-05', structuredClone(carried));

    expect(next.progress(false)).toEqual(state.progress(false));
    expect(next.passWanted).toBe(true);
    expect(next.hasUrgent()).toBe(false);
    expect(next.carry(carried.received)).toEqual(carried);
  });

  test.each([
    ['a planned page', () => state.pagePlanned({ tenantIds: [], skipped: 0, last: null })],
    ['a started child', () => state.tenantsStarted(['acme'])],
    ['a handled signal', () => state.signalHandled()],
    ['a finished pass', () => state.passFinished(FINISHED)],
  ])('may follow %s', (_, transition) => {
    beginPass();
    expect(state.hasProgressed).toBe(false);
    transition();
    expect(state.hasProgressed).toBe(true);
  });

  test('does not follow waiting alone', () => {
    state.opened('2026-07-16T00:00:00Z');
    expect(state.hasProgressed).toBe(false);
  });
});

test('each transition is announced, so that the details follow', () => {
  beginPass();
  expect(changes).toBe(2);
  state.tenantsStarted(['acme']);
  state.tenantsServed(['acme'], ['rolled']);
  expect(changes).toBe(4);
});
