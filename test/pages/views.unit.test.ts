import { describe, expect, test } from 'vitest';
import { keptFormPage } from '../../src/api/pages/views/kept-form-html.ts';
import { invoicesPage } from '../../src/api/pages/views/month-invoices-html.ts';
import { monthLive, progressOf } from '../../src/api/pages/views/month-live-html.ts';
import { monthPage } from '../../src/api/pages/views/month-html.ts';
import { monthsPage } from '../../src/api/pages/views/months-html.ts';
import { problemPage } from '../../src/api/pages/problem-page.ts';
import { HttpProblem } from '../../src/api/http/problems.ts';
import { quotePage } from '../../src/api/pages/views/quote-html.ts';
import { reRunView } from '../../src/api/pages/views/re-run-html.ts';
import { actionPage, type ActionPage } from '../../src/api/pages/views/action-form.ts';
import type { Standing } from '../../src/db/invoices/month-invoices.ts';
import { requestLive } from '../../src/api/pages/views/request-html.ts';
import { signInPage } from '../../src/api/pages/views/sign-in-html.ts';
import { createTemporalLinks } from '../../src/temporal/temporal-links.ts';
import { ATTACK, CLOSED, CLOSING, HARMLESS, OPERATOR, standing } from './_views.ts';

const PARKED = {
  tenant_id: 'acme',
  reason_type: 'mixed_currencies',
  reason: ATTACK,
  recorded_at: '2026-06-01T06:01:00Z',
  last_invoice: {
    number: 'acme-000001',
    month: '2026-04',
    currency: 'AUD',
    total_cents: 123_400,
  },
};
const month = (changes: Partial<Parameters<typeof monthPage>[0]> = {}) =>
  monthPage({
    visitor: OPERATOR,
    overview: CLOSED,
    neighbours: { previous: null, next: null },
    totals: [],
    parked: [],
    moreParkedHref: null,
    lost: [],
    temporal: null,
    ...changes,
  });
const reRun = ({
  tenants = [],
  acceptBounds = false,
  ...changes
}: Partial<ActionPage> & {
  readonly tenants?: readonly Standing[];
  readonly acceptBounds?: boolean;
} = {}) =>
  actionPage({
    visitor: OPERATOR,
    view: reRunView('2026-05', tenants, {
      ...{ requestId: 'r-1', tenantIds: ['acme'], onlyIfChanged: true, acceptBounds },
    }),
    path: '/operator/months/2026-05/re-run',
    reason: ATTACK,
    consequences: [],
    mistakes: [],
    isChanged: false,
    ...changes,
  });

describe('what others have typed stays text', () => {
  test.each([
    ["an operator's label", month({ visitor: { ...OPERATOR, label: ATTACK } })],
    ['a lost request', month({ lost: [ATTACK] })],
    ["a parked tenant's reason", month({ parked: [PARKED] })],
    [
      "a request's reason",
      month({ overview: { ...CLOSED, requests: [{ ...CLOSED.requests[0]!, reason: ATTACK }] } }),
    ],
    ['the reason of a form', reRun()],
    ['a mistake', reRun({ mistakes: [{ field: 'reason', detail: ATTACK }] })],
    ['what will happen', reRun({ reason: '', consequences: [`acme: ${ATTACK}`] })],
    [
      'the path to continue to',
      signInPage({ then: ATTACK, kept: '', notice: null, mistake: null, isTooOpen: false }),
    ],
    [
      'a kept form',
      keptFormPage({ visitor: OPERATOR, action: ATTACK, fields: [[ATTACK, ATTACK]] }),
    ],
    [
      'a problem',
      problemPage(new HttpProblem('not-found', ATTACK), {
        ...{ visitor: null, isForm: false, requestId: 'x', retryAfterSeconds: null },
      }),
    ],
    [
      'a search',
      invoicesPage({
        visitor: OPERATOR,
        month: '2026-05',
        filter: { search: ATTACK, order: 'change' },
        invoices: [],
        nextHref: null,
      }),
    ],
    [
      'a quantity',
      quotePage({
        visitor: OPERATOR,
        plans: [
          {
            code: 'studio',
            version: 1,
            name: null,
            currency: 'AUD',
            base_price_cents: 1,
            proration: 'daily',
            items: [
              {
                resource_kind: 'gb',
                name: null,
                included_qty: null,
                overage_price_cents: null,
                overage_unit: null,
                hard_cap_qty: null,
              },
            ],
          },
        ],
        addons: [],
        units: [],
        form: { planCode: 'studio', addons: [], usage: new Map([['gb', ATTACK]]), startsOn: '' },
        quote: null,
        mistakes: [],
      }),
    ],
  ])('%s', (_what, html) => {
    expect(html).toContain(HARMLESS);
    expect(html).not.toContain(ATTACK);
  });
});

test('the quote page says what a price is for', () => {
  const item = { name: null, included_qty: '5', hard_cap_qty: null };
  const html = quotePage({
    visitor: OPERATOR,
    plans: [
      {
        ...{ code: 'studio', version: 1, name: null, currency: 'AUD', base_price_cents: 1 },
        proration: 'daily',
        items: [
          {
            ...item,
            resource_kind: 'a',
            overage_price_cents: '0.0425',
            overage_unit: 'block_of_10',
          },
          { ...item, resource_kind: 'b', overage_price_cents: '250', overage_unit: '1m_tokens' },
          { ...item, resource_kind: 'c', overage_price_cents: '7', overage_unit: null },
        ],
      },
    ],
    addons: [],
    units: [
      { code: '1m_tokens', factor: '1000000', label: null, label_plural: null },
      { code: 'block_of_10', factor: '10', label: 'block of 10', label_plural: null },
    ],
    form: { planCode: 'studio', addons: [], usage: new Map(), startsOn: '' },
    quote: null,
    mistakes: [],
  }).replaceAll('\u00a0', ' ');
  expect(html).toContain('5 included, then AUD 0.000425 per block of 10');
  expect(html).toContain('5 tokens included, then AUD 2.50 per 1,000,000 tokens');
  expect(html).toContain('5 included, then AUD 0.07 each');
});

describe('every form that changes something has its token', () => {
  test.each([
    ['signing out', month()],
    ['rerunning', reRun()],
    [
      'sending a kept form',
      keptFormPage({ visitor: OPERATOR, action: '/operator/items/new', fields: [] }),
    ],
  ])('%s', (_what, html) => {
    const forms = html.match(/<form[^>]*method="post".*?<\/form>/gs) ?? [];
    expect(forms).not.toEqual([]);
    for (const form of forms) expect(form).toContain('name="form_token" value="the-token"');
  });
});

describe('the progress of a pass', () => {
  test('is told with its rate and the time that is left', () => {
    expect(progressOf(CLOSING)).toEqual({ done: 4, due: 10, perSecond: 0.2, secondsLeft: 30 });
    const html = monthLive(CLOSING).text;
    expect(html).toContain('4 of 10 tenants · 40 % · 0.2 tenants per second · about 30 s left');
    expect(html).toContain('<progress id="progress" max="10" value="4">');
    expect(html).not.toContain('data-ended');
  });

  test('has no rate before a tenant is done, and never divides by zero tenants', () => {
    const pace = { ...CLOSING.pace, served: 0, recent: 0 };
    expect(progressOf({ due_tenants: 0, pace })).toMatchObject({ done: 0, perSecond: null });
    expect(monthLive({ ...CLOSING, due_tenants: 0, pace }).text).toContain('100 %');
  });

  test('is over when every request is served, and then the page stands still', () => {
    expect(monthLive(CLOSED).text).toContain('data-ended');
    expect(month()).not.toContain('data-live');
    expect(month({ overview: CLOSING })).toContain('data-live="/operator/months/2026-05/live"');
  });
});

describe('nothing to show', () => {
  test('is said', () => {
    expect(
      monthsPage({
        visitor: OPERATOR,
        months: [],
        running: '2026-06',
        notAskedFor: '2026-05',
        nextHref: null,
      }),
    ).toMatch(/May 2026<\/a> is over[^]*No month end has been requested yet/);
    expect(month()).not.toContain('id="parked"');
    expect(month()).not.toContain('id="needs"');
    expect(requestLive(null, 'UTC').text).toContain('store it within seconds');
  });
});

describe('parked tenants', () => {
  test('come with what to do, and where to look', () => {
    const temporal = createTemporalLinks('http://localhost:8233/', 'my space');
    const html = month({ parked: [PARKED], temporal });
    expect(html).toContain('start one on a plan in the tenant&#39;s currency');
    expect(html).toContain('AUD 1,234.00<span class="sub">April 2026</span>');
    expect(html).toContain('href="/operator/tenants/acme"');
    expect(html).toContain('select the tenants and rerun them');
    expect(html).toContain(
      'http://localhost:8233/namespaces/my%20space/workflows?query=BillingPeriod%3D%222026-05%22%20AND%20TenantId%3D%22acme%22',
    );
    expect(html).toContain('/namespaces/my%20space/workflows/month-end-2026-05"');
  });

  test('for a reason of a later version, with advice all the same', () => {
    const html = month({ parked: [{ ...PARKED, reason_type: 'constructor' }] });
    expect(html).toContain('Correct what the reason names.');
  });
});

test('accepting what is beyond the bounds is offered where that is the reason, and not elsewhere', () => {
  const tenant = standing({ outcome: 'parked', reason_type: 'out_of_bounds', reason: 'too much' });
  const offered = reRun({ tenants: [tenant] });
  expect(offered).toContain('name="accept_bounds"');
  expect(offered).not.toContain('name="confirmed"');
  expect(reRun({ tenants: [{ ...tenant, reason_type: 'failed' }] })).not.toContain('accept_bounds');
  const accepting = { tenants: [tenant], acceptBounds: true };
  expect(reRun({ ...accepting, consequences: ['x'] })).toContain('name="confirmed"');
  expect(month({ parked: [{ ...PARKED, reason_type: 'out_of_bounds' }] })).toContain(
    'href="/operator/months/2026-05/re-run?tenant_id=acme&amp;accept_bounds=true"',
  );
});

test('no page has a style or a script of its own, which its policy would refuse', () => {
  for (const html of [month({ overview: CLOSING }), reRun()]) {
    expect(html).not.toMatch(/ style=|<style|<script>|\son\w+=/);
  }
});
