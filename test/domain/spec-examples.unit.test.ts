import { describe, expect, test } from 'vitest';
import { lineText } from '../../src/display/line-text.ts';
import { noteLineText } from '../../src/display/note-text.ts';
import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';
import { taxInAud } from '../../src/domain/aud-tax.ts';
import { foldDays } from '../../src/domain/daily-figures.ts';
import { DEFAULT_BOUNDS, beyondBounds } from '../../src/domain/bounds.ts';
import { adjustmentLines, assembleNote, linesInEffect } from '../../src/domain/adjustment.ts';
import { assembleInvoice, composeInvoice } from '../../src/domain/compose-invoice.ts';
import { compareMonths } from '../../src/domain/month-comparison.ts';
import {
  creditsGiven,
  findCredited,
  leftToCredit,
  lineOfCredit,
  type GivenCredit,
} from '../../src/domain/credit.ts';
import {
  DEFAULT_TAX,
  DEFAULT_TREATMENT,
  invoiceTotals,
  taxLine,
} from '../../src/domain/invoice-totals.ts';
import { judgeDay, judgeDeployment, mismatchReason } from '../../src/domain/gateway-totals.ts';
import { deploymentLines } from '../../src/domain/deployment-lines.ts';
import { monthSoFar } from '../../src/domain/running-month.ts';
import { billedDeployment } from '../../src/domain/service-days.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';
import { UTC, monthOfInstant, periodOf } from '../_util/utc.ts';
import { lineToJson, quoteToJson } from '../../src/domain/quote-json.ts';
import { withTax } from '../../src/domain/quote-tax.ts';
import { quote } from '../../src/domain/quote.ts';
import { reachedCents, thresholdCents } from '../../src/domain/spend-thresholds.ts';
import { EventScanner } from '../../src/ingestion/litellm/event-scanner.ts';
import { LITELLM_FIELDS } from '../../src/ingestion/litellm/litellm-request.ts';
import { toLlmEvent } from '../../src/ingestion/litellm/to-llm-event.ts';
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

test('LiteLLM: the cost of a streamed request loses the noise of its binary float', () => {
  const scanner = new EventScanner(LITELLM_FIELDS);
  const [scanned] = scanner.push(
    Buffer.from(
      '{"litellm_call_id":"e35011f0","id":"chatcmpl-6212e1b9","startTime":1795959617.846618,' +
        '"response_cost":1.4999999999999999e-05,"model_group":"small","metadata":{' +
        '"user_api_key_team_id":"harbour-studio","user_api_key_alias":"harbour-studio-web"}}',
    ),
  );
  expect(toLlmEvent(scanned!, 'USD')).toMatchObject({
    event: {
      gateway_request_id: 'litellm:e35011f0:chatcmpl-6212e1b9',
      occurred_at: '2026-11-29T13:40:17.846618Z',
      charge_cents: '0.0015',
      attributes: { cost: '1.4999999999999999e-05' },
    },
  });
});

test('Units: a price is for as many base units as its unit says', () => {
  const blocks = {
    ...item('gpu_blocks', '0', '0.393702', 'block_of_10'),
    definedUnit: { factor: '10', label: 'block', labelPlural: null },
  };
  const { overage } = quote({ ...studio, items: [blocks] }, [], {
    usage: { gpu_blocks: '610.153656' },
  });
  expect(overage.lines[0]).toMatchObject({ amountCents: 24, meta: { unit_factor: '10' } });
});

test('Void: the next revision bills what the void one held, and what has arrived since', () => {
  const total = (...llmCents: readonly string[]) => {
    const exactCents = llmCents.reduce((sum, cents) => sum + Number(cents), 0).toString();
    const usage = {
      deploymentId: 'acme-a',
      requestCount: String(llmCents.length),
      exactCents,
      serviceMonth: '2026-05',
      invoiceMonth: '2026-05',
    };
    return invoiceTotals([5000, llmUsageLine(usage).amountCents], DEFAULT_TREATMENT).totalCents;
  };
  expect(total('7')).toBe(5508);
  expect(total('7', '1')).toBe(5509);
});

test('Quarantine: released usage is billed like other usage, late if its month was invoiced', () => {
  const exactCents = '120.6'; // 120.4 + 0.2
  const line = (invoiceMonth: string) => {
    const usage = { requestCount: 2, exactCents, serviceMonth: '2026-05', invoiceMonth };
    const { qty, amountCents, description } = llmUsageLine({ deploymentId: 'newco-a', ...usage });
    return { qty, amountCents, description };
  };
  expect(line('2026-05')).toEqual({ qty: '2', amountCents: 121, description: 'LLM usage' });
  expect(line('2026-06')).toEqual({
    ...{ qty: '2', amountCents: 121 },
    description: 'LLM usage, late for 2026-05',
  });
});

test('Control totals: a wrong total differs, a missing one does not park', () => {
  const figures = (requests: number, charge_cents: string) => ({
    ...{ requests: String(requests), charge_cents },
  });
  const judge = (ofThe21st: ReturnType<typeof figures>) => [
    judgeDay(figures(2, '10.75'), figures(2, '10.75'), false),
    judgeDay(figures(2, '5'), ofThe21st, false),
    judgeDay(null, figures(1, '1'), false),
  ];
  const before = judge(figures(1, '3'));
  expect(before).toEqual(['equal', 'different', 'missing']);
  expect(judgeDeployment(before)).toBe('different');
  const after = judge(figures(2, '5'));
  expect(after).toEqual(['equal', 'equal', 'missing']);
  expect(judgeDeployment(after)).toBe('missing');
  const different = {
    ...{ deployment_id: 'acme-a', day: '2026-05-21' },
    ...{ stated: figures(2, '5'), ledger: figures(1, '3'), held: figures(0, '0') },
  };
  expect(mismatchReason([different], 'AUD')).toContain(
    'acme-a on 2026-05-21: the gateway stated 2 requests, AUD 0.05, the ledger has 1 request, AUD 0.03',
  );
});

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

test('Usage by day: an event counts on its local day, and a correction on its own', () => {
  const zone = 'Australia/Sydney';
  const { dateOf } = createBillingCalendar(zone, computeMonthStarts(zone));
  const of = (instant: string, amount: string, model: string | null) => ({
    day: Number(dateOf(instant).slice('2026-05-'.length)),
    resourceKind: model === null ? 'droplet_hours' : 'llm_usage',
    ...{ model, amount, currency: model && 'AUD', events: 1 },
  });
  const { llm, kinds } = foldDays(
    [
      of('2026-05-10T13:59:59Z', '1.25', 'large'),
      of('2026-05-10T14:00:00Z', '0.5', 'large'),
      of('2026-05-10T02:00:00Z', '10.5', null),
      of('2026-05-12T02:00:00Z', '-6', null),
    ],
    31,
  );
  expect(llm?.days.slice(9, 12).map(({ exactCents }) => exactCents)).toEqual(['1.25', '0.5', '0']);
  expect(kinds[0]?.days.slice(9, 12)).toEqual(['10.5', '0', '-6']);
  expect(kinds[0]?.total).toBe('4.5');
});

test('Money and quantities: a line is rounded once, half away from zero', () => {
  const exactCents = '0.5'; // 0.1666 + 0.1667 + 0.1667
  const usage = { requestCount: 3, exactCents, serviceMonth: '2026-05', invoiceMonth: '2026-05' };
  expect(llmUsageLine(usage).amountCents).toBe(1);
});

describe('The quote, Recurring charges, First invoice', () => {
  function quoted() {
    return quote(studio, [storage], {
      usage: { llm_tokens: '1500000', spaces_gb_month: '200', droplet_hours: '744' },
      startsOn: '2026-05-20',
    });
  }

  test('a full month costs 57.50 recurring, 5.00 and 1.00 of overage, 63.50 all in', () => {
    expect(quoted().recurring.monthlyTotalCents).toBe(5750);
    expect(quoted().recurring.lines.map(({ amountCents }) => amountCents)).toEqual([5000, 750]);
    expect(quoted().overage.lines.map(({ amountCents }) => amountCents)).toEqual([500, 100]);
    expect(quoted().allInMonthlyCents).toBe(6350);
    expect(withTax(quoteToJson(quoted()), DEFAULT_TAX)).toMatchObject({
      tax_cents: 635,
      total_cents: 6985,
      tax: { treatment: 'gst', label: 'GST', rate: '0.10', note: null, seller_registered: true },
    });
  });

  test('the first invoice bills 12 of 31 days: 19.35 and 2.90', () => {
    const { lines, proratedTotalCents } = quoted().firstInvoice;
    expect(lines.map(({ amountCents }) => amountCents)).toEqual([1935, 290]);
    expect(lines.map(({ meta }) => meta.proration_fraction)).toEqual(['12/31', '12/31']);
    expect(proratedTotalCents).toBe(2225);
    expect(withTax(quoteToJson(quoted()), DEFAULT_TAX).first_invoice).toMatchObject({
      tax_cents: 223,
      total_cents: 2448,
    });
    expect(quoted().firstInvoice.allowances.at(-1)?.allowance).toBe('58.064516129032');
  });

  test('the first invoice of a plan with policy none is the full month', () => {
    const options = { usage: null, startsOn: '2026-05-20' };
    const { firstInvoice } = quote({ ...studio, proration: 'none' }, [storage], options);
    expect(firstInvoice.proratedTotalCents).toBe(5750);
    expect(firstInvoice.allowances.at(-1)?.allowance).toBe('150');
  });
});

describe('Days billed, A real month', () => {
  const large: PlanVersion = {
    ...studio,
    id: 'studio_large-v1',
    basePriceCents: 8000,
    items: [item('spaces_gb_month', '310', 1, 'gb_month')],
  };

  function billed(plans: readonly PlanVersion[], lives: readonly (readonly [string, string])[]) {
    const calendar = createBillingCalendar(
      'Australia/Sydney',
      computeMonthStarts('Australia/Sydney'),
    );
    const month = {
      period: calendar.periodOf('2026-05'),
      calendar,
      planVersions: new Map(plans.map((plan) => [plan.id, plan])),
    };
    const deployment = billedDeployment(
      {
        tenantId: 'acme',
        currency: 'AUD',
        deploymentId: 'acme-a',
        subscriptions: lives.map(([startsAt, endsAt], index) => ({
          subscriptionId: `sub-${index}`,
          planVersionId: plans[index]?.id ?? null,
          startsAt,
          endsAt,
          addons: [],
        })),
      },
      month,
    );
    const usage = { spaces_gb_month: '500' };
    return { deployment, lines: deploymentLines(deployment, { ...month, usage }) };
  }

  test.each([
    ['2026-05-20T12:00:00+10:00', 15, '2026-05-19'],
    ['2026-05-21T00:00:00+10:00', 16, '2026-05-20'],
  ])('from 5 May at 16:00 to %s is %d days', (endsAt, days, serviceTo) => {
    const { deployment } = billed([studio], [['2026-05-05T16:00:00+10:00', endsAt]]);
    expect(deployment.subscriptions).toMatchObject([
      { days, serviceFrom: '2026-05-05', serviceTo },
    ]);
  });

  const change = [
    ['2026-01-01T00:00:00+11:00', '2026-05-20T00:00:00+10:00'],
    ['2026-05-20T00:00:00+10:00', '2027-01-01T00:00:00+11:00'],
  ] as const;

  test('a change from studio to studio_large by days: 30.65, 30.97 and 3.19', () => {
    const { lines } = billed([studio, large], change);
    expect(lines.map(({ amountCents }) => amountCents)).toEqual([3065, 3097, 319]);
    expect(lines.at(-1)).toMatchObject({
      qty: '318.709677419355',
      meta: { allowance: '181.290322580645' },
    });
  });

  test('the same with policy none: 80.00 and 1.90', () => {
    const plans = [studio, large].map((plan): PlanVersion => ({ ...plan, proration: 'none' }));
    const { lines } = billed(plans, change);
    expect(lines.map(({ amountCents }) => amountCents)).toEqual([8000, 190]);
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
    items: [],
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

test('Adjustment notes: a late request makes a note of 0.11, and its exclusion one of −0.11', () => {
  const month = '2026-05';
  const terms = { month, currency: 'AUD', tax: DEFAULT_TAX, items: [] };
  const [plan] = quote(studio, [], { usage: null }).recurring.lines;
  const base = { ...plan!, deploymentId: 'web', subscriptionId: 'sub' };
  const fresh = (requestCount: number, exactCents: string) => [
    base,
    {
      ...llmUsageLine({ requestCount, exactCents, serviceMonth: month, invoiceMonth: month }),
      ...{ deploymentId: 'web', subscriptionId: null },
    },
  ];
  const documents = [assembleInvoice(fresh(119, '1234.567'), terms)];
  const adjust = (lines: ReturnType<typeof fresh>) => {
    const differences = adjustmentLines(linesInEffect(documents.map(({ lines }) => lines)), lines);
    const sum = (of: (document: (typeof documents)[number]) => number) =>
      documents.reduce((total, document) => total + of(document), 0);
    const soFar = {
      ...{
        taxableCents: sum((each) => each.subtotalCents),
        taxCents: sum((each) => each.taxCents),
      },
      audRate: null,
    };
    const note = assembleNote(differences, soFar, terms);
    documents.push(note);
    return [note.totalCents, ...note.lines.map(({ qty, amountCents }) => [qty, amountCents])];
  };
  expect(documents[0]).toMatchObject({ taxCents: 624, totalCents: 6859 });
  expect(adjust(fresh(120, '1244.567'))).toEqual([11, ['1', 10], ['1', 1]]);
  expect(adjust(fresh(119, '1234.567'))).toEqual([-11, ['-1', -10], ['1', -1]]);
});

test('Credits: 5.00 of LLM usage has −0.50 of GST and leaves 7.35', () => {
  const month = '2026-05';
  const terms = { month, currency: 'AUD', tax: DEFAULT_TAX, items: [] };
  const [plan] = quote(studio, [], { usage: null }).recurring.lines;
  const llm = llmUsageLine({
    ...{ requestCount: 119, exactCents: '1234.567', serviceMonth: month, invoiceMonth: month },
  });
  const invoice = assembleInvoice(
    [
      { ...plan!, deploymentId: 'web', subscriptionId: 'sub' },
      { ...llm, deploymentId: 'web', subscriptionId: null },
    ],
    terms,
  );
  const number = 'acme-000001';
  const charged = invoice.lines.map((line) => ({ ...line, number }));
  const line = findCredited(charged, { number, lineNo: 2 })!;
  let soFar = { taxableCents: 6235, taxCents: invoice.taxCents, audRate: null };
  const given: GivenCredit[] = [];
  const credit = (amountCents: number) => {
    const left = leftToCredit(line, charged, given);
    if (amountCents > left) return `only ${left} is left`;
    const note = assembleNote([lineOfCredit(line, amountCents)], soFar, terms);
    given.push(...creditsGiven(note.lines));
    const { taxableCents, taxCents } = soFar;
    soFar = {
      ...soFar,
      taxableCents: taxableCents + note.subtotalCents,
      taxCents: taxCents + note.taxCents,
    };
    return [note.lines[0]!.description, note.subtotalCents, note.taxCents, note.totalCents];
  };
  expect(soFar.taxCents).toBe(624);
  expect(credit(500)).toEqual(['Credit: LLM usage', -500, -50, -550]);
  expect(credit(736)).toBe('only 735 is left');
  expect(credit(735)).toEqual(['Credit: LLM usage', -735, -74, -809]);
});

test('Tax: GST is taken once, on the subtotal', () => {
  const totals = invoiceTotals([5, 9], DEFAULT_TREATMENT);
  expect(totals).toEqual({ subtotalCents: 14, taxableCents: 14, taxCents: 1, totalCents: 15 });
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

test('Safety bounds: totals that park after others, and in partial months', () => {
  const parks = (totalCents: number, lastCents: number | null, partial: object = {}) => {
    const last =
      lastCents === null ? null : { number: 'acme-1', totalCents: lastCents, ...partial };
    return beyondBounds({ totalCents, currency: 'AUD' }, last, DEFAULT_BOUNDS) !== null;
  };
  expect([parks(1_100, 110_000), parks(0, 110_000), parks(13, 1)]).toEqual([true, true, false]);
  expect(parks(98_765_400, null)).toBe(true);
  const leaves = { isMonthPartial: true };
  expect(parks(1_225_800, 2_000_000, leaves)).toBe(false);
  expect(parks(1_100, 2_000_000, leaves)).toBe(false);
  expect(parks(300_000, 3_000, leaves)).toBe(true);
  const joined = { isLastMonthPartial: true };
  expect(parks(1_000_000, 10_000, joined)).toBe(false);
  expect(parks(1_000_001, 10_000, joined)).toBe(true);
  expect(parks(999, 10_000, joined)).toBe(true);
  expect(parks(999, 10_000, { ...joined, ...leaves })).toBe(false);
});

function item(
  resourceKind: string,
  includedQty: string,
  overagePriceCents: number | string,
  overageUnit: string,
): PlanItem {
  return {
    resourceKind,
    includedQty,
    overagePriceCents,
    overageUnit,
    definedUnit: null,
    hardCapQty: null,
  };
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

  test('a note for 2 more hours shows the amounts before and after', () => {
    const line = {
      ...{ kind: 'overage', resource_kind: 'droplet_hours', description: 'droplet_hours overage' },
      ...{ qty: '2', unit: 'hour', unit_price_cents: '5', amount_cents: 10 },
      meta: { before_cents: 50, after_cents: 60 },
    };
    const { details, before, after, difference } = noteLineText(line, 'AUD');
    expect([...details, before, after, difference].join(' ').replaceAll('\u00a0', ' ')).toBe(
      'Quantity +2 hours 0.50 0.60 +0.10',
    );
  });
});

test('Comparing months: May is 39.24 higher than April, which had 11 days', () => {
  const charged = (month: string, requestCount: number, exactCents: string) => {
    const startsOn = month === '2026-04' ? '2026-04-20' : null;
    const [plan] = quote(studio, [], { usage: null, startsOn }).firstInvoice.lines;
    const usage = { requestCount, exactCents, serviceMonth: month, invoiceMonth: month };
    const { lines, totalCents } = assembleInvoice(
      [
        { ...plan!, deploymentId: 'web', subscriptionId: 'sub' },
        { ...llmUsageLine(usage), deploymentId: 'web', subscriptionId: null },
      ],
      { month, currency: 'AUD', tax: DEFAULT_TAX, items: [] },
    );
    return { month, documents: [lines], totalCents };
  };
  const [april, may] = [charged('2026-04', 100, '500'), charged('2026-05', 150, '900')];
  expect([april.totalCents, may.totalCents]).toEqual([2566, 6490]);
  const { differenceCents, changes } = compareMonths(april, may);
  expect(differenceCents).toBe(3924);
  expect(
    changes.map(({ differenceCents, causes }) => [
      differenceCents,
      ...causes.map(({ cause, before, after }) => `${cause} ${after}, ${before}`),
    ]),
  ).toEqual([
    [3167, 'days 31/31, 11/30'],
    [400, 'requests 150, 100', 'average_charge 6, 5'],
    [357],
  ]);
});

test('Invoice items: a credit reduces its own kind of charges to 0, and the rest the next invoice', () => {
  const line = (amountCents: number) => ({
    ...{ deploymentId: 'acme-a', subscriptionId: null, resourceKind: null, meta: {} },
    ...{ kind: 'plan_base' as const, description: 'Plan base', qty: '1', unit: 'month' },
    ...{ unitPriceCents: null, amountCents },
  });
  const item = (itemId: string, freeCents: number, taxable: boolean, amountCents = freeCents) => ({
    ...{ itemId, month: '2026-05', description: itemId, amountCents, taxable, freeCents },
  });
  const terms = { currency: 'AUD', tax: DEFAULT_TAX };
  const may = assembleInvoice([line(5000), line(1235)], {
    ...{ ...terms, month: '2026-05' },
    items: [item('charge', 2000, false), item('free', -500, false), item('credit', -10_000, true)],
  });
  expect(may.lines.slice(2).map(({ amountCents }) => amountCents)).toEqual([2000, -500, -6235]);
  expect(may).toMatchObject({ subtotalCents: 1500, taxCents: 0, totalCents: 1500 });
  const june = assembleInvoice([line(5000)], {
    ...{ ...terms, month: '2026-06', items: [item('credit', -3765, true, -10_000)] },
  });
  expect(june).toMatchObject({ subtotalCents: 1235, taxCents: 124, totalCents: 1359 });
});

test('Models and attributes: the models of a line add up to it', () => {
  const line = llmUsageLine({
    ...{ requestCount: 3, exactCents: '11.75', serviceMonth: '2026-05', invoiceMonth: '2026-05' },
    byModel: [
      { model: 'large-2', requestCount: 2, exactCents: '10.75' },
      { model: 'small-1', requestCount: 1, exactCents: '1' },
    ],
  });
  expect(line).toMatchObject({ description: 'LLM usage', qty: '3', amountCents: 12 });
  expect(line.meta).toEqual({
    exact_cents: '11.75',
    by_model: [
      { model: 'large-2', requests: '2', exact_cents: '10.75' },
      { model: 'small-1', requests: '1', exact_cents: '1' },
    ],
  });
});

test('The running month: the invoice so far, and its linear projection', () => {
  const life = { startsAt: '2025-01-01T00:00:00Z', endsAt: null, addons: [] };
  const { invoice, projection } = monthSoFar({
    ...{ period: periodOf('2026-05'), calendar: UTC, now: new Date('2026-05-17T00:00:00Z') },
    ...{
      currency: 'AUD',
      tax: DEFAULT_TAX,
      items: [],
      planVersions: new Map([[studio.id, studio]]),
    },
    deployments: [
      {
        ...{ tenantId: 'acme', currency: 'AUD', deploymentId: 'acme-a' },
        subscriptions: [{ ...life, subscriptionId: 'sub', planVersionId: studio.id }],
      },
    ],
    meteredUsage: new Map([['acme-a', { droplet_hours: '500' }]]),
    llmUsage: [
      {
        ...{ deploymentId: 'acme-a', serviceMonth: '2026-05' },
        ...{ requestCount: '3', exactCents: '13.5' },
      },
    ],
  });
  const amounts = (found: typeof invoice) => found?.lines.map(({ amountCents }) => amountCents);
  expect(amounts(invoice)).toEqual([5000, 14, 501]);
  expect(invoice?.totalCents).toBe(5515);
  expect(amounts(projection)).toEqual([5000, 450, 26, 548]);
  expect(projection?.lines[1]).toMatchObject({ qty: '224.75', meta: { used: '968.75' } });
  expect(projection?.totalCents).toBe(6024);
});

test('Spend thresholds: 150 % of 57.50 is 86.25, which 28.75 of LLM usage reaches', () => {
  const amount = { amountCents: 8000, percentOfPlan: null };
  const share = { amountCents: null, percentOfPlan: 150 };
  const recurringCents = quote(studio, [storage], { usage: null }).recurring.monthlyTotalCents;
  expect([amount, share].map((limit) => thresholdCents(limit, recurringCents))).toEqual([
    8000, 8625,
  ]);
  const reached = (llmCents: number) =>
    [amount, share].map((limit) =>
      reachedCents(limit, { subtotalCents: recurringCents + llmCents, recurringCents }),
    );
  expect(reached(2249)).toEqual([null, null]);
  expect(reached(2250)).toEqual([8000, null]);
  expect(reached(2875)).toEqual([8000, 8625]);
  expect(thresholdCents({ amountCents: null, percentOfPlan: 101 }, 5750)).toBe(5808);
});
