import { describe, expect, test } from 'vitest';
import type { RunningMonthJson } from '../../src/audit/running-month-json.ts';
import { tenantMonthPage } from '../../src/api/pages/views/tenant-month-html.ts';
import {
  tenantNotesPage,
  tenantPaymentsPage,
} from '../../src/api/pages/views/tenant-account-html.ts';
import { thresholdsPage } from '../../src/api/pages/views/tenant-thresholds-html.ts';
import type { Visitor } from '../../src/api/pages/views/layout.ts';
import type { NoteHeader } from '../../src/db/invoices/note-views.ts';
import type { PaymentView } from '../../src/db/invoices/payment-views.ts';
import type { ThresholdView } from '../../src/db/usage/spend-thresholds.ts';
import { ATTACK, HARMLESS } from './_views.ts';

const TENANT: Visitor = { label: 'acme', scope: 'tenant', timeZone: 'UTC', formToken: 'token' };

const NOTHING: RunningMonthJson = {
  tenant_id: 'acme',
  currency: 'AUD',
  as_of: '2026-05-16T12:00:00.000Z',
  period: {
    month: '2026-05',
    period_start: '2026-05-01',
    period_end: '2026-05-31',
    starts_at: '2026-05-01T00:00:00Z',
    ends_at: '2026-06-01T00:00:00Z',
    elapsed: '0.5',
  },
  deployments: [],
  llm: { requests: 0, exact_cents: '0', by_model: [] },
  includes_earlier_months: true,
  invoice_so_far: null,
  projection: null,
  problem: null,
};

const INVOICE: NonNullable<RunningMonthJson['invoice_so_far']> = {
  ...{ subtotal_cents: 0, taxable_cents: 0, tax_cents: 0, total_cents: 0, lines: [] },
  tax: { treatment: 'gst', label: 'GST', rate: '0.1', note: null, seller_registered: true },
};

const month = (
  changes: Partial<RunningMonthJson>,
  thresholds: readonly ThresholdView[] = [],
): string =>
  tenantMonthPage({
    visitor: TENANT,
    running: { ...NOTHING, ...changes },
    thresholds,
    daily: { state: 'computing' },
  });

const model = (name: string | null, exact_cents = '1') => ({
  ...{ model: name, exact_cents, requests: 1 },
});
const llm = (models: readonly ReturnType<typeof model>[]) => ({
  ...{ requests: models.length, exact_cents: '1', by_model: [...models] },
});
const deployment = (deployment_id: string, resource_kind = 'droplet_hours', name = 'Hours') => ({
  deployment_id,
  kinds: [
    {
      ...{ resource_kind, name, used: '800', allowance: '744', hard_cap_qty: null },
      ...{ overage: '56', projected_used: '1600', projected_overage: '856' },
    },
  ],
  llm: { ...llm([]), projected_requests: '0', projected_exact_cents: '0' },
});
const threshold = (reached: ThresholdView['reached']): ThresholdView => ({
  ...{ tenant_id: 'acme', threshold_id: 'warning', currency: 'AUD', percent_of_plan: null },
  ...{ amount_cents: 10_000, set_at: '2026-05-01T00:00:00Z', reached },
});
const list = { visitor: TENANT, tenantId: 'acme', nextHref: null };

describe('what others have typed stays text', () => {
  test.each([
    ['a model', month({ llm: llm([model(ATTACK)]) })],
    ['a kind', month({ deployments: [deployment('acme-a', 'x', ATTACK)] })],
    ['a problem', month({ problem: { type: 'mixed_currencies', reason: ATTACK } })],
    [
      'a reason',
      tenantNotesPage({
        ...list,
        entries: [
          {
            reason: ATTACK,
            period_start: '2026-05-01',
            issued_on: '2026-06-01',
            total_cents: 1,
            currency: 'AUD',
          } as NoteHeader,
        ],
      }),
    ],
    [
      'a reference',
      tenantPaymentsPage({
        ...list,
        entries: [
          {
            reference: ATTACK,
            received_on: '2026-06-01',
            amount_cents: 1,
            currency: 'AUD',
          } as PaymentView,
        ],
      }),
    ],
    [
      'an amount',
      thresholdsPage({
        ...{ visitor: TENANT, tenantId: 'acme', currency: 'AUD', thresholds: [], mistakes: [] },
        form: { thresholdId: '', amount: ATTACK, percent: '' },
      }),
    ],
  ])('%s', (_what, html) => {
    expect(html).toContain(HARMLESS);
    expect(html).not.toContain(ATTACK);
  });
});

describe('the running month', () => {
  test('says why there is no invoice, and still shows usage', () => {
    const html = month({
      problem: { type: 'mixed_currencies', reason: 'plans in two currencies' },
      deployments: [deployment('acme-a')],
    });
    expect(html).toContain('can’t be computed at the moment: plans in two currencies');
    expect(html.match(/not known/g)).toHaveLength(3);
    expect(html).not.toContain('id="invoice"');
    expect(html).toMatch(/800<\/td>.*744<\/td>.*56<\/td>/);
  });

  test('says what waits for the release of the last month', () => {
    expect(month({ includes_earlier_months: false })).toContain(
      'until the invoice of April 2026 is released',
    );
    expect(month({})).not.toContain('is released');
  });

  test('names the thresholds that are reached', () => {
    const reached = {
      ...{ month: '2026-05', threshold_cents: 10_000, reached_cents: 12_000 },
      reached_at: '2026-05-10T00:00:00Z',
    };
    expect(month({}, [threshold(reached)])).toMatch(/warning<\/a>: AUD 100\.00 before tax/);
    expect(month({}, [threshold(null)])).not.toContain('warning');
    const soFar = { ...INVOICE, subtotal_cents: 2500 };
    expect(month({ invoice_so_far: soFar }, [threshold(null)])).toMatch(
      /warning<\/a>.*AUD 100\.00<\/td>.*AUD 25\.00<span class="sub">25\.00 %/,
    );
    const share = { ...threshold(null), amount_cents: null, percent_of_plan: 150 };
    expect(month({ invoice_so_far: soFar }, [share])).toContain('no plan');
  });

  test('shows the most expensive models, and the others on request', () => {
    const models = Array.from({ length: 15 }, (_, index) => model(`model-${index}`));
    expect(month({ llm: llm(models) })).toMatch(/model-11[\s\S]*3 more models[\s\S]*model-12/);
    expect(month({ llm: llm([model(null)]) })).toMatch(/All other models<svg/);
    expect(month({ llm: llm(models.slice(0, 12)) })).not.toContain('more models');
  });

  test('opens the usage of few deployments, and names those beyond what is included', () => {
    const some = ['a', 'b', 'c', 'd'].map((id) => deployment(id));
    expect(month({ deployments: some.slice(0, 3) }).match(/<details open>/g)).toHaveLength(3);
    const all = month({ deployments: some });
    expect(all).not.toContain('<details open>');
    expect(all.match(/1 beyond what is included/g)).toHaveLength(4);
  });
});

test('usage beyond a cap is shown, and not as billed', () => {
  const [kind] = deployment('acme-a').kinds;
  const capped = { ...kind!, hard_cap_qty: '780', overage: '36' };
  const html = month({ deployments: [{ ...deployment('acme-a'), kinds: [capped] }] });
  expect(html).toContain('36<span class="sub">capped at 780</span>');
  // 744, 36 and 20 of 800.
  expect(html).toMatch(/part-2" x="0%" width="93\.00%".*part-3" x="93\.00%" width="4\.50%"/);
  expect(html).toMatch(/part-rest" x="97\.50%" width="2\.50%"/);
});

test('a threshold says whether this month has reached it', () => {
  const page = (thresholds: readonly ThresholdView[]) =>
    thresholdsPage({
      ...{ visitor: TENANT, tenantId: 'acme', currency: 'AUD', thresholds, mistakes: [] },
      form: { thresholdId: '', amount: '', percent: '' },
    });
  expect(page([threshold(null)])).toContain('not reached');
  const reached = {
    ...{ month: '2026-05', threshold_cents: 10_000, reached_cents: 12_000 },
    reached_at: '2026-05-10T00:00:00Z',
  };
  expect(page([threshold(reached)])).toContain('AUD 120.00 on 2026-05-10 00:00 UTC');
  const full = Array.from({ length: 20 }, () => threshold(null));
  expect(page(full)).not.toContain('Set threshold</button>');
});
