import { describe, expect, test } from 'vitest';
import { lineText } from '../../src/display/line-text.ts';
import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';
import { taxInAud } from '../../src/domain/aud-tax.ts';
import { composeInvoice } from '../../src/domain/compose-invoice.ts';
import {
  DEFAULT_TAX,
  DEFAULT_TREATMENT,
  invoiceTotals,
  taxLine,
} from '../../src/domain/invoice-totals.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';
import { monthOfInstant, periodOf } from '../_util/utc.ts';
import { lineToJson } from '../../src/domain/quote-json.ts';
import { quote } from '../../src/domain/quote.ts';
import type { PlanItem, PlanVersion, QuoteAddon } from '../../src/domain/types.ts';

/** The worked examples of docs/spec.md: when one changes here, it changes there. */

const storage: QuoteAddon = {
  code: 'storage_50gb',
  resourceKind: 'spaces_gb_month',
  qty: '50',
  priceCents: 750,
};

const studio: PlanVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'AUD',
  basePriceCents: 5000,
  proration: 'daily',
  items: [
    item('droplet_hours', '744', 2, 'hour'),
    item('llm_tokens', '1000000', 1, '1k_tokens'),
    item('spaces_gb_month', '100', 2, 'gb_month'),
  ],
};

test('Terms: an offset can move an event into another service month', () => {
  expect(monthOfInstant('2026-05-31T23:30:00-02:00')).toBe('2026-06');
});

test('Billing time zone: a month runs from local midnight to local midnight', () => {
  const zone = 'Australia/Sydney';
  const { periodOf, monthOf } = createBillingCalendar(zone, computeMonthStarts(zone));
  expect(periodOf('2026-05')).toMatchObject({
    startsAt: '2026-04-30T14:00:00Z',
    endsAt: '2026-05-31T14:00:00Z',
  });
  expect(monthOf('2026-04-30T14:30:00Z')).toBe('2026-05');
  const { startsAt, endsAt } = periodOf('2026-04');
  expect((Date.parse(endsAt) - Date.parse(startsAt)) / 3_600_000).toBe(721);
});

test('Money and quantities: a line is rounded once, half away from zero', () => {
  const exactCents = '0.5'; // 0.1666 + 0.1667 + 0.1667
  const usage = { requestCount: 3, exactCents, serviceMonth: '2026-05', invoiceMonth: '2026-05' };
  expect(llmUsageLine(usage).amountCents).toBe(1);
});

describe('The quote, Recurring charges, First invoice', () => {
  const quoted = quote(studio, [storage], {
    usage: { llm_tokens: '1500000', spaces_gb_month: '200', droplet_hours: '744' },
    startsOn: '2026-05-20',
  });

  test('a full month costs 57.50 recurring, 5.00 and 1.00 of overage, 63.50 all in', () => {
    expect(quoted.recurring.monthlyTotalCents).toBe(5750);
    expect(quoted.recurring.lines.map(({ amountCents }) => amountCents)).toEqual([5000, 750]);
    expect(quoted.overage.lines.map(({ amountCents }) => amountCents)).toEqual([500, 100]);
    expect(quoted.allInMonthlyCents).toBe(6350);
  });

  test('the first invoice bills 12 of 31 days: 19.35 and 2.90', () => {
    const { lines, proratedTotalCents } = quoted.firstInvoice;
    expect(lines.map(({ amountCents }) => amountCents)).toEqual([1935, 290]);
    expect(lines.map(({ meta }) => meta.proration_fraction)).toEqual(['12/31', '12/31']);
    expect(proratedTotalCents).toBe(2225);
  });
});

test('Overage: the cap limits the usage, and addons do not raise it', () => {
  const capped = { ...item('spaces_gb_month', '100', 2, 'gb_month'), hardCapQty: '180' };
  const { overage } = quote({ ...studio, items: [capped] }, [storage], {
    usage: { spaces_gb_month: '200' },
  });
  expect(overage.lines).toMatchObject([
    { qty: '30', amountCents: 60, meta: { allowance: '150', used: '200', capped: true } },
  ]);
});

test('Month end: base, LLM usage and GST add up to 68.59', () => {
  const invoice = composeInvoice({
    period: periodOf('2026-05'),
    currency: 'AUD',
    tax: DEFAULT_TAX,
    deployments: [
      {
        deploymentId: 'acme-a',
        subscriptions: [
          {
            subscriptionId: 'sub-1',
            planVersionId: studio.id,
            proration: 'daily',
            serviceFrom: '2026-05-01',
            serviceTo: '2026-05-31',
            days: 31,
            addons: [],
          },
        ],
      },
    ],
    planVersions: new Map([[studio.id, studio]]),
    meteredUsage: new Map(),
    llmUsage: [
      {
        deploymentId: 'acme-a',
        serviceMonth: '2026-05',
        requestCount: '119',
        exactCents: '1234.567',
      },
    ],
  });
  expect(
    invoice.lines.map(({ description, qty, amountCents }) => [description, qty, amountCents]),
  ).toEqual([
    ['Plan base', '1', 5000],
    ['LLM usage', '119', 1235],
    ['GST (10%)', '1', 624],
  ]);
  expect(invoice.totalCents).toBe(6859);
});

test('Tax: GST is taken once, on the subtotal', () => {
  const totals = invoiceTotals([5, 9], DEFAULT_TREATMENT);
  expect(totals).toEqual({ subtotalCents: 14, taxCents: 1, totalCents: 15 });
});

test('Tax: GST in AUD by the exchange rate, GST-free, and another rate', () => {
  const taxed = (rate: string) => {
    const treatment = { ...DEFAULT_TREATMENT, rate };
    const { taxCents } = invoiceTotals([6235], treatment);
    return { taxCents, line: taxLine(taxCents, treatment)?.description };
  };
  expect(taxed('0.10')).toEqual({ taxCents: 624, line: 'GST (10%)' });
  const rate = { rate: '1.5321', source: 'RBA' };
  expect(taxInAud(624, { month: '2026-05', currency: 'USD', rate })?.taxCents).toBe(956);
  expect(taxed('0')).toEqual({ taxCents: 0, line: undefined });
  expect(taxed('0.125')).toEqual({ taxCents: 779, line: 'GST (12.5%)' });
});

function item(
  resourceKind: string,
  includedQty: string,
  overagePriceCents: number,
  overageUnit: string,
): PlanItem {
  return { resourceKind, includedQty, overagePriceCents, overageUnit, hardCapQty: null };
}

describe('How lines are shown', () => {
  const shown = (line: Parameters<typeof lineText>[0]) => {
    const { quantity, unitPrice, amount, details } = lineText(line, 'AUD');
    const figures = [quantity.number, quantity.unit, unitPrice?.number, unitPrice?.unit, amount];
    return [...figures, ...details].join(' ').replaceAll('\u00a0', ' ');
  };

  test('500,000 tokens are 500 times what the price is for', () => {
    const usage = { llm_tokens: '1500000' };
    const [line] = quote(studio, [], { usage }).overage.lines;
    expect(line && shown(lineToJson(line))).toMatch(
      /^500 × 1,000 tokens 0\.01 per 1,000 tokens 5\.00 /,
    );
  });

  test('a base price for 19 of 31 days says so', () => {
    const [base] = quote(studio, [], { usage: null }).recurring.lines;
    const meta = {
      ...{ proration_fraction: '19/31' },
      ...{ service_from: '2026-05-01', service_to: '2026-05-19' },
    };
    expect(base && shown({ ...lineToJson(base), amount_cents: 3065, meta })).toBe(
      '19/31 month 50.00 per month 30.65 1–19 May, 19 of 31 days',
    );
  });
});
