import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeInvoice } from '../../src/domain/compose-invoice.ts';
import { Decimal } from '../../src/domain/decimal.ts';
import type { FreeItem } from '../../src/domain/invoice-items.ts';
import { DEFAULT_TAX } from '../../src/domain/invoice-totals.ts';
import {
  monthSoFar,
  recurringCentsOf,
  type RunningInputs,
} from '../../src/domain/running-month.ts';
import { billedDeployment, type DeploymentToBill } from '../../src/domain/service-days.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { UTC } from '../_util/utc.ts';
import { anyPriceCents, anyQty, domainError } from './_arbitraries.ts';
import { anyLives, anyPlans, anyRandomMonth, calendarOf } from './_lives.ts';

const MONTH = '2026-05';
const PLAN: PlanVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'AUD',
  basePriceCents: 5000,
  proration: 'daily',
  items: [
    item('hours', { name: 'Droplet hours', includedQty: '700' }),
    item('gb', { includedQty: '100', hardCapQty: '180' }),
    item('snapshots', { includedQty: null, overagePriceCents: null }),
  ],
};

function item(resourceKind: string, more: object) {
  const item = { resourceKind, includedQty: '0', hardCapQty: null, overagePriceCents: 2 };
  return { ...item, overageUnit: 'hour', definedUnit: null, ...more };
}

function deployment(
  deploymentId = 'web',
  life: { startsAt?: string; endsAt?: string | null; planVersionId?: string | null } = {},
): DeploymentToBill {
  const { startsAt = '2025-01-01T00:00:00Z', endsAt = null, planVersionId = PLAN.id } = life;
  const subscription = { subscriptionId: `sub-${deploymentId}`, planVersionId, startsAt, endsAt };
  return {
    tenantId: 'acme',
    currency: 'AUD',
    deploymentId,
    subscriptions: [{ ...subscription, addons: [] }],
  };
}

/** Usage of a kind, or of a model, as a bucket has it. */
interface Used {
  readonly deploymentId: string;
  readonly kind: string;
  readonly model: string | null;
  readonly month: string;
  readonly requestCount: number;
  readonly total: string;
}

function metered(kind: string, total: string, deploymentId = 'web'): Used {
  return { deploymentId, kind, model: null, month: MONTH, requestCount: 1, total };
}

function llm(model: string, requestCount: number, total: string, more: Partial<Used> = {}): Used {
  const own = { deploymentId: 'web', kind: 'llm_usage', month: MONTH };
  return { ...own, model, requestCount, total, ...more };
}

/** Usage as it is read from the buckets. */
function held(usage: readonly Used[]): Pick<RunningInputs, 'meteredUsage' | 'llmUsage'> {
  const byDeployment = Map.groupBy(
    usage.filter(({ model }) => model === null),
    ({ deploymentId }) => deploymentId,
  );
  const llm = Map.groupBy(
    usage.filter(({ model, requestCount }) => model !== null && requestCount > 0),
    ({ deploymentId, month }) => `${deploymentId} ${month}`,
  );
  return {
    meteredUsage: new Map(
      [...byDeployment].map(([id, kinds]) => [
        id,
        Object.fromEntries(kinds.map(({ kind, total }) => [kind, total])),
      ]),
    ),
    llmUsage: [...llm.values()].map((models) => ({
      deploymentId: models[0]!.deploymentId,
      serviceMonth: models[0]!.month,
      requestCount: String(models.reduce((sum, each) => sum + each.requestCount, 0)),
      exactCents: models.reduce((sum, { total }) => sum.plus(total), new Decimal(0)).toFixed(),
      byModel: models.map(({ model, requestCount, total }) => ({
        ...{ model: model!, requestCount: String(requestCount) },
        exactCents: total,
      })),
    })),
  };
}

function inputs({
  usage = [],
  ...more
}: Partial<RunningInputs> & { readonly usage?: readonly Used[] } = {}): RunningInputs {
  return {
    ...held(usage),
    period: UTC.periodOf(MONTH),
    calendar: UTC,
    currency: 'AUD',
    tax: DEFAULT_TAX,
    planVersions: new Map([[PLAN.id, PLAN]]),
    items: [],
    deployments: [deployment()],
    now: new Date('2026-05-17T00:00:00Z'),
    ...more,
  };
}

describe('usage by kind', () => {
  test('shows what is used, included and beyond, now and projected', () => {
    const usage = [metered('hours', '500.000'), metered('gb', '200')];
    const [web] = monthSoFar(inputs({ usage })).deployments;
    expect(web?.kinds).toEqual([
      {
        resourceKind: 'hours',
        name: 'Droplet hours',
        used: '500',
        projectedUsed: '968.75',
        allowance: '700',
        hardCapQty: null,
        overage: '0',
        projectedOverage: '268.75',
      },
      {
        resourceKind: 'gb',
        name: null,
        used: '200',
        projectedUsed: '387.5',
        allowance: '100',
        hardCapQty: '180',
        overage: '80',
        projectedOverage: '80',
      },
      {
        resourceKind: 'snapshots',
        name: null,
        used: '0',
        projectedUsed: '0',
        allowance: '0',
        hardCapQty: null,
        overage: '0',
        projectedOverage: '0',
      },
    ]);
  });

  test('lists kinds that the plan lacks last, as not billed', () => {
    const usage = [metered('__proto__', '3'), metered('coffee', '5')];
    const [web] = monthSoFar(inputs({ usage })).deployments;
    expect(web?.kinds.slice(3)).toMatchObject([
      { resourceKind: '__proto__', used: '3', allowance: null, overage: null },
      { resourceKind: 'coffee', used: '5', allowance: null, overage: null },
    ]);
  });

  test('lists kinds that the plan does not have last, by name', () => {
    const usage = [metered('z', '1'), metered('b', '1'), metered('gb', '1')];
    const [web] = monthSoFar(inputs({ usage })).deployments;
    expect(web?.kinds.map(({ resourceKind }) => resourceKind)).toEqual([
      ...['hours', 'gb', 'snapshots', 'b', 'z'],
    ]);
  });

  test('of a deployment without a subscription is shown, and projected by the month', () => {
    const usage = [metered('hours', '16', 'old'), llm('m', 16, '32', { deploymentId: 'old' })];
    const { deployments } = monthSoFar(inputs({ usage }));
    expect(deployments).toMatchObject([
      {
        deploymentId: 'old',
        kinds: [{ used: '16', projectedUsed: '31', allowance: null }],
        llm: { requests: 16, projectedRequests: '31', projectedExactCents: '62' },
      },
      { deploymentId: 'web' },
    ]);
  });
});

describe('LLM usage', () => {
  const usage = [
    llm('', 5, '0.25'),
    llm('large', 1, '7.5'),
    llm('small', 100, '0.000000000001'),
    llm('excluded', 0, '0'),
    llm('large', 2, '0.5', { deploymentId: 'worker' }),
    llm('large', 9, '1000', { deploymentId: 'worker', month: '2026-04' }),
  ].toSorted((a, b) => a.deploymentId.localeCompare(b.deploymentId));

  test('adds up by model over all deployments, without late usage', () => {
    const { llm, deployments } = monthSoFar(inputs({ usage }));
    expect(deployments.map((each) => [each.deploymentId, each.llm.requests])).toEqual([
      ['web', 106],
      ['worker', 2],
    ]);
    expect(llm).toEqual({
      requests: 108,
      exactCents: '8.250000000001',
      byModel: [
        { model: 'large', requests: 3, exactCents: '8' },
        { model: 'small', requests: 100, exactCents: '0.000000000001' },
        { model: null, requests: 5, exactCents: '0.25' },
      ],
    });
  });

  test('is one line per deployment and service month, and only the month is projected', () => {
    const { invoice, projection } = monthSoFar(inputs({ usage }));
    const linesOf = (found: typeof invoice) =>
      amountsOf({ lines: found!.lines.filter(({ kind }) => kind === 'llm_usage') });
    const late = ['worker', 'LLM usage, late for 2026-04', '9', 1000];
    expect(linesOf(invoice)).toEqual([
      ['web', 'LLM usage', '106', 8],
      ['worker', 'LLM usage', '2', 1],
      late,
    ]);
    // 106 × 31 ÷ 16 = 205.375, and 2 × 31 ÷ 16 = 3.875.
    expect(linesOf(projection)).toEqual([
      ['web', 'LLM usage', '205', 15],
      ['worker', 'LLM usage', '4', 1],
      late,
    ]);
  });
});

describe('the invoice', () => {
  test('has recurring charges of the whole month from the first instant on', () => {
    const now = new Date('2026-05-01T00:00:00Z');
    const { invoice, projection, elapsed } = monthSoFar(inputs({ now }));
    expect(elapsed).toBe('0');
    expect(invoice).toMatchObject({ subtotalCents: 5000, taxCents: 500, totalCents: 5500 });
    expect(projection).toEqual(invoice);
    expect(recurringCentsOf(invoice!)).toBe(5000);
  });

  test('has the base prices and addons as its recurring part', () => {
    const of = (kind: PlacedLine['kind'], amountCents: number) => ({ kind, amountCents });
    const lines = [of('plan_base', 1), of('addon', 2), of('overage', 4), of('tax', 8)];
    expect(recurringCentsOf({ lines })).toBe(3);
  });

  test('is not replaced by a problem that is a fault of the program', () => {
    const planVersions = new Map();
    planVersions.get = () => {
      throw new TypeError('a fault');
    };
    expect(() => monthSoFar(inputs({ planVersions }))).toThrow(new TypeError('a fault'));
  });

  test('and its projection know subscriptions that start or end later in the month', () => {
    const deployments = [
      deployment('leaving', { endsAt: '2026-05-21T00:00:00Z' }),
      deployment('new', { startsAt: '2026-05-20T00:00:00Z' }),
    ];
    const usage = [metered('hours', '1600', 'leaving')];
    const { invoice, projection } = monthSoFar(inputs({ deployments, usage }));
    // 5000 × 20 ÷ 31 and × 12 ÷ 31.
    expect(recurringCentsOf(invoice!)).toBe(3226 + 1935);
    expect(recurringCentsOf(projection!)).toBe(3226 + 1935);
    const overage = projection?.lines.find(({ kind }) => kind === 'overage');
    expect(overage?.meta.used).toBe('2000');
  });

  test('applies credits to the projected charges', () => {
    const credit: FreeItem = {
      ...{ itemId: 'c', month: MONTH, description: 'Credit', taxable: true },
      ...{ amountCents: -6000, freeCents: -6000 },
    };
    const usage = [metered('hours', '1200')];
    const { invoice, projection } = monthSoFar(inputs({ items: [credit], usage }));
    // 500 hours beyond: 10.00; projected 2325: 32.50.
    expect(invoice?.subtotalCents).toBe(0);
    expect(projection?.subtotalCents).toBe(5000 + 3250 - 6000);
  });

  test('needs no exchange rate yet', () => {
    const planVersions = new Map([[PLAN.id, { ...PLAN, currency: 'USD' }]]);
    const deployments = [{ ...deployment(), currency: 'USD' }];
    const { invoice } = monthSoFar(inputs({ planVersions, deployments, currency: 'USD' }));
    expect(invoice).toMatchObject({ taxCents: 500, tax: { aud: null } });
  });
});

describe('what can not be composed', () => {
  test('is a problem, and usage is still shown', () => {
    const deployments = [deployment('broken', { planVersionId: null }), deployment()];
    const usage = [metered('hours', '5', 'broken'), metered('hours', '720')];
    const running = monthSoFar(inputs({ deployments, usage }));
    expect(running).toMatchObject({ invoice: null, projection: null });
    expect(running.problem).toMatchObject(domainError('missing_plan_version'));
    expect(running.deployments).toMatchObject([
      { deploymentId: 'broken', kinds: [{ used: '5', allowance: null }] },
      { deploymentId: 'web', kinds: [{ used: '720', overage: '20' }, {}, {}] },
    ]);
  });

  test('because it would be out of range only at the end has no projection', () => {
    const usage = [metered('hours', '450000000000000')];
    const running = monthSoFar(inputs({ usage, now: new Date('2026-05-01T00:00:01Z') }));
    expect(running.invoice).not.toBeNull();
    expect(running).toMatchObject({ projection: null, problem: null });
  });
});

/** A month of one deployment, with usage split at random into buckets. */
const anyInputs = fc
  .tuple(anyRandomMonth, anyPlans)
  .chain(([month, plans]) =>
    fc.record({
      month: fc.constant(month),
      lives: anyLives(month, plans),
      kinds: fc.dictionary(
        fc.constantFrom('llm_tokens', 'egress_gb', 'snapshot', 'coffee'),
        anyQty,
      ),
      models: fc.uniqueArray(
        fc.record({
          model: fc.constantFrom('', 'a', 'b', 'c'),
          requestCount: fc.nat({ max: 1_000_000 }),
          total: anyQty,
        }),
        { selector: ({ model }) => model },
      ),
      items: fc.array(
        fc.record({
          cents: anyPriceCents.map((cents) => cents - 500_000).filter((cents) => cents !== 0),
          taxable: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
      elapsed: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  )
  .map(({ month: { timeZone, month }, lives, kinds, models, items, elapsed }) => {
    const calendar = calendarOf(timeZone);
    const period = calendar.periodOf(month);
    const [start, end] = [Date.parse(period.startsAt), Date.parse(period.endsAt)];
    return {
      elapsed: new Date(start + Math.floor((end - start) * elapsed)),
      last: new Date(end - 1),
      end: new Date(end),
      inputs: {
        ...{ period, calendar, currency: 'USD', now: new Date(start) },
        tax: { ...DEFAULT_TAX, audRate: { rate: '1.5', source: 'RBA' } },
        planVersions: new Map(lives.map(({ plan }) => [plan.id, plan])),
        deployments: [
          {
            ...{ tenantId: 'acme', currency: 'USD', deploymentId: 'web' },
            subscriptions: lives.map(({ plan, ...life }) => ({ ...life, planVersionId: plan.id })),
          },
        ],
        ...held([
          ...Object.entries(kinds).map(([kind, total]) => ({ ...metered(kind, total), month })),
          ...models.map(({ model, requestCount, total }) =>
            llm(model, requestCount, total, { month }),
          ),
        ]),
        items: items.map(({ cents, taxable }, index): FreeItem => ({
          ...{ itemId: `item-${index}`, month, description: 'x', taxable },
          ...{ amountCents: cents, freeCents: cents },
        })),
      } satisfies RunningInputs,
    };
  });

const amountsOf = ({ lines }: { readonly lines: readonly PlacedLine[] }) =>
  lines.map(({ deploymentId, description, qty, amountCents }) => [
    ...[deploymentId, description, qty, amountCents],
  ]);

describe('for any subscriptions, usage and items', () => {
  test('the last answer is the invoice, to the line', () => {
    fc.assert(
      fc.property(anyInputs, ({ inputs, last, end }) => {
        const { period, calendar, planVersions } = inputs;
        const invoice = composeInvoice({
          ...inputs,
          deployments: inputs.deployments.map((each) =>
            billedDeployment(each, { period, calendar, planVersions }),
          ),
        });
        expect(monthSoFar({ ...inputs, now: last }).invoice).toEqual(invoice);
        const { projection } = monthSoFar({ ...inputs, now: end });
        expect(amountsOf(projection!)).toEqual(amountsOf(invoice));
      }),
    );
  });

  test('the overage by kind is that of the lines, and models add up to the line', () => {
    fc.assert(
      fc.property(anyInputs, ({ inputs, elapsed }) => {
        const { deployments, invoice, projection, llm } = monthSoFar({ ...inputs, now: elapsed });
        // A moment after a service has started, usage is scaled by millions, and can be out of range.
        fc.pre(projection !== null);
        const [web] = deployments;
        for (const [found, of] of [
          [invoice, 'overage'],
          [projection, 'projectedOverage'],
        ] as const) {
          for (const line of found!.lines.filter(({ kind }) => kind === 'overage')) {
            const kind = web?.kinds.find((each) => each.resourceKind === line.resourceKind);
            expect(kind?.[of]).toBe(line.qty);
            expect(kind?.allowance).toBe(line.meta.allowance);
          }
        }
        const line = invoice!.lines.find(({ kind }) => kind === 'llm_usage');
        const models = web?.llm.byModel ?? [];
        expect(llm.byModel).toEqual(models);
        expect(String(models.reduce((sum, { requests }) => sum + requests, 0))).toBe(
          line?.qty ?? '0',
        );
        expect(
          models.reduce((sum, { exactCents }) => sum.plus(exactCents), new Decimal(0)).toFixed(),
        ).toBe(line?.meta.exact_cents ?? '0');
        const projected = projection.lines.find(({ kind }) => kind === 'llm_usage');
        expect(web?.llm.projectedExactCents).toBe(projected?.meta.exact_cents ?? '0');
        expect(web?.llm.projectedRequests).toBe(projected?.qty ?? '0');
      }),
    );
  });

  test('no line of the projection is below that of the invoice, and recurring charges are the same', () => {
    fc.assert(
      fc.property(anyInputs, ({ inputs, elapsed }) => {
        const { invoice, projection } = monthSoFar({ ...inputs, items: [], now: elapsed });
        // Out of range, as above.
        fc.pre(projection !== null);
        const key = (line: { kind: string; resourceKind: string | null }) =>
          `${line.kind} ${line.resourceKind}`;
        const amounts = new Map(projection.lines.map((line) => [key(line), line.amountCents]));
        for (const line of invoice!.lines) {
          if (line.kind === 'overage' || line.kind === 'llm_usage' || line.kind === 'tax')
            expect(amounts.get(key(line))).toBeGreaterThanOrEqual(line.amountCents);
        }
        expect(recurringCentsOf(projection)).toBe(recurringCentsOf(invoice!));
      }),
    );
  });
});
