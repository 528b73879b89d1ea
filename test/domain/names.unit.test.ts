import { expect, test } from 'vitest';
import { deploymentLines } from '../../src/domain/deployment-lines.ts';
import { nameMeta } from '../../src/domain/names.ts';
import { billedDeployment } from '../../src/domain/service-days.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { UTC } from '../_util/utc.ts';

const period = UTC.periodOf('2026-05');
const plan: PlanVersion = {
  id: 'studio-v1',
  version: 1,
  currency: 'AUD',
  basePriceCents: 5000,
  proration: 'daily',
  items: [
    {
      resourceKind: 'spaces_gb_month',
      includedQty: '100',
      hardCapQty: null,
      overagePriceCents: '2',
      overageUnit: 'gb_month',
      definedUnit: null,
    },
  ],
};
const named: PlanVersion = {
  ...plan,
  name: 'Studio',
  items: plan.items.map((item) => ({ ...item, name: 'Spaces storage' })),
};

/** The lines of a subscription from 20 May, with an addon. */
function linesOf(planVersion: PlanVersion, addonName?: string | null) {
  const since = { startsAt: '2026-05-20T00:00:00Z', endsAt: null };
  const planVersions = new Map([[planVersion.id, planVersion]]);
  const addon = {
    ...{ code: 'storage_50gb', resourceKind: 'spaces_gb_month', qty: '50', priceCents: 750 },
    ...since,
  };
  const billed = billedDeployment(
    {
      ...{ tenantId: 'acme', currency: 'AUD', deploymentId: 'acme-a' },
      subscriptions: [
        {
          ...{ subscriptionId: 's', planVersionId: planVersion.id, ...since },
          addons: [addonName === undefined ? addon : { ...addon, name: addonName }],
        },
      ],
    },
    { period, calendar: UTC, planVersions },
  );
  const usage = { spaces_gb_month: '100' };
  // As an invoice stores it.
  const stored = JSON.parse(JSON.stringify(billed)) as typeof billed;
  return deploymentLines(stored, { period, planVersions, usage });
}

test('lines have the names of the catalogue', () => {
  const [base, addon, overage] = linesOf(named, 'More space');
  expect(base?.meta).toMatchObject({ plan_name: 'Studio' });
  expect(addon?.meta).toMatchObject({
    addon_name: 'More space',
    resource_name: 'Spaces storage',
  });
  expect(overage?.meta).toMatchObject({
    resource_name: 'Spaces storage',
    allowance_parts: [
      { plan_version_id: 'studio-v1', plan_name: 'Studio' },
      { addon_code: 'storage_50gb', addon_name: 'More space' },
    ],
  });
});

test.each([null, undefined])('a name that is %s is no field', (name) => {
  expect(nameMeta('plan_name', name)).toEqual({});
});

test('lines without names have no field for them', () => {
  const metas = [...linesOf(plan), ...linesOf(plan, null)].map(({ meta }) => JSON.stringify(meta));
  expect(metas).toHaveLength(6);
  expect(metas.filter((meta) => meta.includes('name'))).toEqual([]);
});
