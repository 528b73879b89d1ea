import { expect, test } from 'vitest';
import { renderStatus, type StatusWithProgress } from '../../src/cli/render/month-status-text.ts';
import { CLOSED as CLOSED_OVERVIEW } from '../pages/_views.ts';

const CLOSED: StatusWithProgress = {
  month: '2026-05',
  due_tenants: 3,
  outcomes: { rolled: 2, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0, parked: 1 },
  not_looked_at: 0,
  at_stake: [{ currency: 'AUD', tenants: 1, total_cents: '7000' }],
  parked: [
    {
      tenant_id: 'acme',
      reason_type: 'missing_plan_version',
      reason: 'no plan is known',
      recorded_at: '2026-06-01T06:01:00Z',
      last_invoice: {
        number: 'acme-000001',
        month: '2026-04',
        currency: 'AUD',
        total_cents: 7000,
      },
    },
  ],
  requests: CLOSED_OVERVIEW.requests,
  totals: [],
  review: { waiting: 2, since: '2026-06-01T06:00:00Z', totals: [] },
  reconciliation: [],
  control_totals: {
    tenants: {
      ...{ due: 3, rolled: 2, adjusted: 0, skipped: 0, unchanged: 0, nothing_to_bill: 0 },
      ...{ parked: 1, without_invoice: 0, without_outcome: 0, with_several: 0 },
    },
    usage: [],
    lines: [],
    invoices: [],
  },
  quarantined: [],
  gateway_totals: null,
  balanced: true,
  imbalances: [],
  to_do: [],
  to_invoice: [],
  progress: null,
  lost: [],
  is_over: true,
};

test('leads with how the month stands and what needs a person', () => {
  const lines = renderStatus(CLOSED).split('\n');
  expect(lines.slice(0, 7)).toEqual([
    '2026-05: 2 of 3 invoiced, 2 need you',
    'To do: 1 tenant is parked (last invoice AUD 70.00). Fix what the reasons below name, then run `month-end start 2026-05`.',
    'To do: 2 invoices wait for release. Review, then run `month-end release 2026-05 --all --reason …`.',
    '',
    'Parked',
    'tenant  type                  last invoice  reason',
    'acme    missing_plan_version     AUD 70.00  no plan is known',
  ]);
  expect(lines).toContain('The books add up.');
  expect(lines.at(-1)).toMatch(/^close +run +done +schedule/);
});

test('names books that do not add up, and lost requests, before everything else', () => {
  const lines = renderStatus({
    ...CLOSED,
    balanced: false,
    imbalances: ['1 overage line in AUD differs from its usage'],
    lost: ['requests for 2026-05 wait (1), and no run is serving them (close).'],
  }).split('\n');
  expect(lines.slice(0, 4)).toEqual([
    '2026-05: 2 of 3 invoiced, 4 need you',
    'LOST: requests for 2026-05 wait (1), and no run is serving them (close).',
    "THE BOOKS DON'T ADD UP. Run `month-end verify 2026-05` for details:",
    '  1 overage line in AUD differs from its usage',
  ]);
});

test('a month that is not over has nothing to do yet', () => {
  const running = {
    ...CLOSED,
    ...{ requests: [], parked: [], at_stake: [], is_over: false, balanced: null },
    review: { ...CLOSED.review, waiting: 0 },
    outcomes: { ...CLOSED.outcomes, rolled: 0, parked: 0 },
    not_looked_at: 3,
  };
  const text = renderStatus(running);
  expect(text).toMatch(/^2026-05: Not over yet: 3 tenants are due\n\n3 tenants due: /);
  expect(text).not.toContain('To do');
});
