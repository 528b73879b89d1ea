import { describe, expect, test } from 'vitest';
import { outlooksOf } from '../../src/api/pages/month-outlook.ts';
import { usageSoFar } from '../../src/api/pages/usage-so-far.ts';
import { comparison, monthsChart } from '../../src/api/pages/views/kinds-html.ts';
import { needsSection } from '../../src/api/pages/views/needs-html.ts';
import { runningMonthPage } from '../../src/api/pages/views/running-month-html.ts';
import type { MonthTotals } from '../../src/db/invoices/month-totals.ts';
import { CLOSED, OPERATOR } from './_views.ts';

const NO_KINDS: MonthTotals['kinds'] = {
  ...{ plan_base: '0', addon: '0', overage: '0', llm_usage: '0' },
  ...{ item: '0', credit: '0', tax: '0' },
};
const totals = (month: string, kinds: Partial<MonthTotals['kinds']>): MonthTotals => ({
  month,
  currency: 'AUD',
  invoices: 2,
  kinds: { ...NO_KINDS, ...kinds },
  total_cents: String(Object.values(kinds).reduce((sum, cents) => sum + Number(cents), 0)),
});
const APRIL = totals('2026-04', { plan_base: '10000', tax: '5000' });
const MAY = totals('2026-05', { plan_base: '20000' });

describe('the comparison with the month before', () => {
  test('has bars with lengths, and the figures beside them', () => {
    const html = comparison('2026-05', [APRIL, MAY]).text;
    expect(html).toMatch(/class="bar now"[^>]* width="100.00%"/);
    expect(html).toMatch(/class="bar then"[^>]* width="50.00%"/);
    expect(html).toContain('+100.00<span class="sub">+100 %</span>');
    expect(html).toMatch(/Total<\/th>.*200\.00.*150\.00.*\+50\.00/);
  });

  test('leaves out kinds of which neither month has any, and other months', () => {
    const march = totals('2026-03', { item: '7' });
    const html = comparison('2026-05', [march, APRIL, MAY]).text;
    expect(html).not.toContain('Charges and credits');
    expect(html).toContain('>Tax</th>');
  });

  test('is left out if neither month has invoices', () => {
    expect(comparison('2026-07', [APRIL, MAY]).text).toBe('');
  });

  test('has a table for each currency', () => {
    const html = comparison('2026-05', [APRIL, { ...MAY, currency: 'JPY' }]).text;
    expect(html.match(/<table/g)).toHaveLength(2);
  });
});

describe('the chart of the last 12 months', () => {
  test('has a column for each month, those without invoices too', () => {
    const html = monthsChart('2026-05', [APRIL, MAY]).text;
    expect(html.match(/<title>/g)).toHaveLength(12);
    expect(html).toContain('<title>June 2025: no invoices</title>');
    expect(html).toContain('<title>April 2026: AUD 150.00, 2 invoices</title>');
    expect(html).toContain('>May</text>');
    // Half as high as May, which is at the top of its grid.
    expect(html).toMatch(/April 2026[^]*?class="part-1"[^>]* height="66\.00"/);
    expect(html).toMatch(/May 2026[^]*?class="part-1"[^>]* height="132\.00"/);
    expect(html).toMatch(
      /data-label="Plan base">100\.00<\/td><td class="figure" data-label="Tax">50\.00<\/td>/,
    );
  });

  test('needs two months with invoices', () => {
    expect(monthsChart('2026-05', [MAY]).text).toBe('');
    expect(monthsChart('2027-05', [APRIL, MAY]).text).toBe('');
  });
});

describe('what needs a person', () => {
  test('leads to the page on which it is done', () => {
    const [request] = CLOSED.requests;
    const html = needsSection({
      ...CLOSED,
      outcomes: { ...CLOSED.outcomes, rolled: 8, parked: 1 },
      not_looked_at: 1,
      requests: [{ ...request!, refused: [{ tenant_id: 'acme', reason: 'it is unknown' }] }],
      review: { waiting: 8, since: null, totals: [] },
      balanced: false,
      last_pass: { ...CLOSED.last_pass!, balanced: false, imbalances: ['1 <line> is wrong'] },
      quarantined: [{ held_for: 'unknown_tenant', currency: null, events: 3, charge_cents: '0' }],
    }).text;
    const hrefs = [...html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href);
    expect(hrefs).toEqual([
      '/operator/months/2026-05/books',
      '#parked',
      '/operator/months/2026-05/requests/close',
      '/operator/months/2026-05/release',
      '/operator/quarantine',
    ]);
    expect(html).toContain('1 &lt;line&gt; is wrong');
    expect(html).toContain('<code>month-end start 2026-05</code>');
  });
});

/** A third of the month has passed. */
const PROGRESS = { elapsedMs: 1, totalMs: 3 };

describe('the running month', () => {
  const llm = { source: 'llm' as const, resource_kind: 'llm_usage', currency: 'AUD' };
  const hours = { source: 'metered' as const, resource_kind: 'droplet_hours', currency: null };
  const lastPass = {
    ...CLOSED.last_pass!,
    usage: [
      { ...hours, total: '900', places: [{ class: 'billed', total: '900' }] },
      {
        ...llm,
        total: '2500',
        places: [
          { class: 'billed', total: '2000' },
          { class: 'excluded', total: '500' },
        ],
      },
    ],
  };
  const usage = usageSoFar([{ ...llm, events: 3, total: '1000.5' }], PROGRESS, lastPass);

  test('projects usage, next to what the month before had without excluded events', () => {
    expect(usage).toEqual([
      {
        ...{ resourceKind: 'llm_usage', currency: 'AUD' },
        ...{ total: '1000.5', projected: '3001.5', lastMonth: '2000' },
      },
      {
        ...{ resourceKind: 'droplet_hours', currency: null },
        ...{ total: '0', projected: '0', lastMonth: '900' },
      },
    ]);
    expect(usageSoFar([{ ...hours, events: 1, total: '5' }], PROGRESS, null)).toMatchObject([
      { total: '5', projected: '15', lastMonth: null },
    ]);
  });

  test('shows usage so far instead of a loss, and offers no rerun', () => {
    const html = runningMonthPage({
      visitor: OPERATOR,
      month: '2026-06',
      neighbours: { previous: '2026-05', next: null },
      day: 10,
      days: 30,
      endsAt: '2026-07-01T00:00:00Z',
      asOf: '2026-06-10T09:30:00Z',
      usage,
      quarantined: [],
      totals: [APRIL, MAY],
    });
    // A plan base of 200.00 as in May, and LLM charges of 30.015 so far.
    expect(html).toContain(
      '<p class="lead">Running: day 10 of 30, about AUD 230.02 before tax</p>',
    );
    expect(html).toMatch(
      /Plan base<\/th>.*AUD 200\.00.*AUD 200\.00.*LLM usage.*AUD 0\.00.*AUD 30\.02/s,
    );
    expect(html).toMatch(/Before tax<\/th>.*AUD 200\.00.*AUD 230\.02/);
    expect(html).toContain('It ends 2026-07-01 00:00 UTC.');
    expect(html).toContain('As of 2026-06-10 09:30 UTC, all tenants together');
    expect(html).toMatch(/LLM charges<\/th>.*AUD 10\.01.*AUD 30\.02.*AUD 20\.00.*\+50 %/);
    expect(html).toMatch(/Droplet hours<\/th>.*>0<.*>0<.*>900<.*><\/td>/);
    expect(html).not.toContain('−100 %');
    expect(html).toContain('rel="prev"');
    expect(html).not.toContain('re-run');
    expect(html).toContain('Last 12 months');
  });

  test('is expected to be like the last month with invoices, in each currency that has some', () => {
    const yen = { ...MAY, currency: 'JPY', kinds: { ...MAY.kinds, item: '7', overage: '3' } };
    expect(outlooksOf(usage, [yen, APRIL, MAY])).toMatchObject([
      {
        ...{ currency: 'JPY', last: '2026-05', lastTotal: '20003', expectedTotal: '20003' },
        charges: [{ kind: 'plan_base' }, { kind: 'overage', last: '3', expected: '3' }],
      },
      { currency: 'AUD', last: '2026-05', lastTotal: '20000', expectedTotal: '23001.5' },
    ]);
    expect(outlooksOf(usage, [])).toEqual([]);
    expect(outlooksOf([], [totals('2026-05', { tax: '5' })])).toEqual([]);
  });

  test('without usage says so', () => {
    const html = runningMonthPage({
      visitor: OPERATOR,
      month: '2026-06',
      neighbours: { previous: null, next: null },
      day: 1,
      days: 30,
      endsAt: '2026-07-01T00:00:00Z',
      asOf: '2026-06-10T09:30:00Z',
      usage: [],
      quarantined: [],
      totals: [],
    });
    expect(html).toContain('<p class="lead">Running: day 1 of 30</p>');
    expect(html).toContain('No usage in June 2026 yet.');
    expect(html).not.toContain('Last 12 months');
  });
});
