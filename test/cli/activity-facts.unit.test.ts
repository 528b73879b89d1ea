import { expect, test } from 'vitest';
import { activityFacts, tenantOutcomes } from '../../src/observability/activity-facts.ts';

test('month, tenants and request ids, from what was given and what came out', () => {
  expect(
    activityFacts(
      { month: '2026-05', payload: { requestId: 'ticket-1', tenantIds: ['acme'] } },
      { accepted: true, requestId: 'ticket-1' },
    ),
  ).toEqual({ month: '2026-05', request_ids: ['ticket-1'] });
  expect(activityFacts({ month: '2026-05' }, { requestIds: ['a', 'b'] })).toEqual({
    month: '2026-05',
    request_ids: ['a', 'b'],
  });
  const tenantIds = Array.from({ length: 25 }, (_, index) => `t-${index}`);
  expect(activityFacts({ month: '2026-05', tenantIds }, null)).toEqual({
    month: '2026-05',
    tenants: 25,
    tenant_ids: tenantIds.slice(0, 10),
  });
});

test('what a signal has sent instead is no fact', () => {
  expect(activityFacts({ month: '2026-05', payload: 'garbage' }, null)).toEqual({
    month: '2026-05',
  });
  expect(activityFacts(null, undefined)).toEqual({});
  expect(activityFacts({ payload: { requestId: 7 } }, [])).toEqual({});
});

test('counts each tenant once, however it reached its outcome', () => {
  const results = [{ outcome: 'rolled' }, { outcome: 'rolled' }, { outcome: 'parked' }];
  expect([...tenantOutcomes('persistInvoices', { results, lines: 9 })]).toEqual([['rolled', 2]]);
  const settled = [{ outcome: 'skipped' }, { outcome: 'parked' }];
  expect([...tenantOutcomes('openDrafts', { drafts: [], settled })]).toEqual([['skipped', 1]]);
  expect([...tenantOutcomes('recordParked', { outcome: 'parked' })]).toEqual([['parked', 1]]);
  expect([...tenantOutcomes('planPage', { tenantIds: [], skipped: 3, last: null })]).toEqual([
    ['skipped', 3],
  ]);
  expect([...tenantOutcomes('planPage', { tenantIds: [], skipped: 0, last: null })]).toEqual([]);
  expect([...tenantOutcomes('finishPass', { totals: { rolled: 9 } })]).toEqual([]);
});
