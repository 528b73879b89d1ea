import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runningMonthToJson } from '../../src/audit/running-month-json.ts';
import { renderRunningMonth } from '../../src/cli/render/running-month-text.ts';
import type { Database } from '../../src/db/pool.ts';
import { DEFAULT_TAX } from '../../src/domain/invoice-totals.ts';
import { monthSoFar, type RunningInputs } from '../../src/domain/running-month.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { UTC, monthOfInstant } from '../_util/utc.ts';
import { runCli } from './_run-cli.ts';

describe('the command', () => {
  let testDatabase: TestDatabase;
  let db: Database;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
    await seedCatalogue(db);
    await seedTenant(db, 'acme');
  });
  afterAll(() => close());
  const cli = (...args: string[]) => runCli(args, { DATABASE_URL: testDatabase.appUrl });

  test('shows the month that is running now, as text and as the API returns it', async () => {
    // A month may end while the test runs.
    const months = [0, 60_000].map((ms) => monthOfInstant(new Date(Date.now() + ms)));
    for (const month of new Set(months)) {
      const own = { tenantId: 'acme', deploymentId: 'acme-a', month };
      await seedUsage(db, { ...own, kind: 'droplet_hours', amount: '800' });
    }
    const { code, stdout } = await cli('usage', 'current', 'acme');
    expect(code).toBe(0);
    expect(stdout).toMatch(/acme-a +Droplet hours +800 +744 +56 /);
    const { stdout: json } = await cli('--json', 'usage', 'current', 'acme');
    const answer = JSON.parse(json) as { period: { month: string } };
    expect(months).toContain(answer.period.month);
    expect(answer).toMatchObject({
      tenant_id: 'acme',
      invoice_so_far: { total_cents: 5623, lines: [{}, { amount_cents: 112 }, {}] },
      projection: { method: 'linear' },
    });
  });

  test('fails for a tenant that does not exist', async () => {
    const { code, stderr } = await cli('usage', 'current', 'nobody');
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is no tenant nobody')]);
  });
});

const PLAN: PlanVersion = {
  ...{ id: 'studio-v1', version: 1, currency: 'AUD', basePriceCents: 5000, proration: 'daily' },
  items: [
    {
      ...{ resourceKind: 'droplet_hours', includedQty: '744', hardCapQty: null },
      ...{ overagePriceCents: 2, overageUnit: 'hour', definedUnit: null },
    },
  ],
};

function textOf(more: Partial<RunningInputs> = {}, includesEarlierMonths = true): string {
  const life = { startsAt: '2025-01-01T00:00:00Z', endsAt: null, addons: [] };
  const subscription = { ...life, subscriptionId: 'sub', planVersionId: PLAN.id };
  const inputs: RunningInputs = {
    ...{ period: UTC.periodOf('2026-05'), calendar: UTC, now: new Date('2026-05-17T00:00:00Z') },
    ...{ currency: 'AUD', tax: DEFAULT_TAX, items: [], planVersions: new Map([[PLAN.id, PLAN]]) },
    deployments: [
      {
        ...{ tenantId: 'acme', currency: 'AUD', deploymentId: 'acme-a' },
        subscriptions: [subscription],
      },
    ],
    meteredUsage: new Map([['acme-a', { droplet_hours: '500' }]]),
    llmUsage: [],
    ...more,
  };
  const tenant = { tenantId: 'acme', currency: 'AUD', includesEarlierMonths };
  return renderRunningMonth(runningMonthToJson({ ...tenant, ...monthSoFar(inputs) }));
}

describe('the text', () => {
  const models = ['large-2', ''].map((model) => ({ model, requestCount: '2', exactCents: '6.75' }));
  const llmUsage = [
    {
      ...{ deploymentId: 'acme-a', serviceMonth: '2026-05' },
      ...{ requestCount: '4', exactCents: '13.5', byModel: models },
    },
  ];

  test('shows usage, models, the invoice so far and the projection', () => {
    const text = textOf({ llmUsage });
    for (const line of [
      /^As of 2026-05-17T00:00:00\.000Z: 51\.61% of the month has passed\.$/m,
      /^ +acme-a +Droplet hours +500 +744 +0 +968\.75 +224\.75$/m,
      /^4 LLM requests for AUD 0\.135$/m,
      /^ +large-2 +2 +0\.0675$/m,
      /^ +all others +2 +0\.0675$/m,
      /^ +acme-a +LLM usage +0\.14$/m,
      /^ +Total AUD, including GST +55\.15$/m,
      /^If usage continues at this rate, the invoice will be AUD 60\.24 \(linear projection\)\.$/m,
    ]) {
      expect(text).toMatch(line);
    }
    expect(text).not.toContain('earlier months');
  });

  test('says that nothing was used', () => {
    const text = textOf({ deployments: [], meteredUsage: new Map() });
    expect(text).toContain('No metered usage.');
    expect(text).toContain('Nothing to bill.');
  });

  test('says what is missing until the last month is released', () => {
    expect(textOf({}, false)).toContain('are not included: last month');
  });

  test('says why there is no invoice, or no projection', () => {
    expect(textOf({ planVersions: new Map() })).toMatch(
      /^No invoice can be composed: subscription sub of tenant acme has no plan version/m,
    );
    const huge = new Map([['acme-a', { droplet_hours: '450000000000000' }]]);
    const now = new Date('2026-05-01T00:00:01Z');
    expect(textOf({ meteredUsage: huge, now })).toContain('There is no projection');
  });
});
