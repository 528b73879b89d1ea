import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentPlanVersion, findAddons } from '../../src/db/catalogue/catalogue.ts';
import type { Database } from '../../src/db/pool.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';

let opened: OpenTestDatabase;
let db: Database;
beforeAll(async () => {
  opened = await openTestDatabase('apiUrl', 4);
  ({ db } = opened);
});
afterAll(() => opened.close());

function file(
  code: string,
  base_price_cents = 5000,
  version = 1,
  addonPrice = 750,
  proration = 'daily',
) {
  const item = (resource_kind: string, included_qty: string) => ({
    resource_kind,
    included_qty,
    overage_price_cents: 2,
    overage_unit: 'hour',
  });
  const items = [item('droplet_hours', '744'), item('gpu_hours', '0.5')];
  return {
    name: 'catalogue.json',
    bytes: Buffer.from(
      JSON.stringify({
        plans: [
          { code, versions: [{ version, currency: 'USD', base_price_cents, proration, items }] },
        ],
        addons: [
          { code: `${code}-more`, resource_kind: 'gpu_hours', qty: '10', price_cents: addonPrice },
        ],
      }),
    ),
  };
}

test('applying a file again changes nothing', async () => {
  const first = await applyCatalogueFile(db, file('twice'));
  expect(first.newVersions.map(({ id }) => id)).toEqual(['twice-v1']);
  expect(first.newAddons).toHaveLength(1);

  const second = await applyCatalogueFile(db, file('twice'));
  expect([second.newVersions, second.newAddons, second.changedAddons]).toEqual([[], [], []]);
  expect(second.unchangedVersions).toHaveLength(1);
  expect(await currentPlanVersion(db, 'twice')).toMatchObject({
    version: 1,
    basePriceCents: 5000,
    proration: 'daily',
    items: [
      { resourceKind: 'droplet_hours', includedQty: '744' },
      { resourceKind: 'gpu_hours', includedQty: '0.5', hardCapQty: null },
    ],
  });
});

test('a plan version cannot change, but a new version can be added', async () => {
  await applyCatalogueFile(db, file('fixed'));
  await expect(applyCatalogueFile(db, file('fixed', 6000, 1, 999))).rejects.toThrow(
    /plans\[0\]\.versions\[0\]: version 1 of plan fixed .* immutable: create version 2/,
  );
  // Nothing from the rejected file was applied.
  expect((await findAddons(db, ['fixed-more'])).get('fixed-more')?.priceCents).toBe(750);

  await expect(applyCatalogueFile(db, file('fixed', 5000, 1, 750, 'none'))).rejects.toThrow(
    /version 1 of plan fixed .* immutable/,
  );

  await applyCatalogueFile(db, file('fixed', 6000, 2, 999));
  expect(await currentPlanVersion(db, 'fixed')).toMatchObject({ version: 2, basePriceCents: 6000 });
  expect((await findAddons(db, ['fixed-more'])).get('fixed-more')?.priceCents).toBe(999);
});

test('concurrent files are applied one after the other', async () => {
  const results = await Promise.all([1, 2, 3].map(() => applyCatalogueFile(db, file('race'))));
  expect(results.flatMap(({ newVersions }) => newVersions)).toHaveLength(1);
});
