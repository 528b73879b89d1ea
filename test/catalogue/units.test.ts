import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { currentPlanVersion } from '../../src/db/catalogue/catalogue.ts';
import { readUnits } from '../../src/db/catalogue/units.ts';
import { findPlanVersions } from '../../src/db/catalogue/catalogue.ts';
import type { Database } from '../../src/db/pool.ts';
import { BUILT_IN_UNITS, builtInFactor } from '../../src/domain/units.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';

let opened: OpenTestDatabase;
let db: Database;
beforeAll(async () => {
  opened = await openTestDatabase('apiUrl', 4);
  ({ db } = opened);
});
afterAll(() => opened.close());

const UNIT = {
  code: 'block_of_10',
  factor: '10',
  label: 'block of 10',
  label_plural: 'blocks of 10',
};

function apply(content: object) {
  const bytes = Buffer.from(JSON.stringify(content));
  return applyCatalogueFile(db, { name: 'catalogue.json', bytes });
}

function planPricedPer(
  code: string,
  overage_unit: string,
  overage_price_cents: unknown = '0.0425',
) {
  const items = [{ resource_kind: 'gpu_blocks', overage_price_cents, overage_unit }];
  const version = { version: 1, currency: 'AUD', base_price_cents: 0, proration: 'daily', items };
  return { code, versions: [version] };
}

test('the database and the domain have the same built-in units', async () => {
  const builtIn = [...(await readUnits(db)).values()].filter(({ label }) => label === null);
  expect(builtIn.map(({ code, factor }) => [code, factor]).sort()).toEqual(
    BUILT_IN_UNITS.map((code) => [code, String(builtInFactor(code))]).sort(),
  );
});

test('a file defines units and plans that use them, and applying it again changes nothing', async () => {
  const file = { units: [UNIT], plans: [planPricedPer('blocks', 'block_of_10')] };
  expect((await apply(file)).newUnits.map(({ code }) => code)).toEqual(['block_of_10']);

  const again = await apply({ units: [{ ...UNIT, factor: 10 }], plans: file.plans });
  expect(again).toMatchObject({ newUnits: [], newVersions: [] });
  expect(again.unchangedUnits).toHaveLength(1);

  const definedUnit = { factor: '10', label: 'block of 10', labelPlural: 'blocks of 10' };
  const item = { overagePriceCents: '0.0425', overageUnit: 'block_of_10', definedUnit };
  expect(await currentPlanVersion(db, 'blocks')).toMatchObject({ items: [item] });
  expect(await findPlanVersions(db, ['blocks-v1'])).toMatchObject([{ items: [item] }]);
});

test('the factor of a built-in unit is not in the plan version', async () => {
  await apply({ plans: [planPricedPer('tokens', '1m_tokens')] });
  expect((await currentPlanVersion(db, 'tokens'))?.items[0]?.definedUnit).toBeNull();
});

describe('is refused, with everything else in the file', () => {
  const rest = { plans: [planPricedPer('never', 'hour')] };

  test.each([
    [
      { factor: '100' },
      'units[0]: unit fixed exists with factor 10 and label "block of 10", "blocks of 10"',
    ],
    [{ label: 'ten' }, 'define a unit with another code'],
    [{ label_plural: null }, 'is immutable'],
    [{ code: 'Fixed' }, 'units[0].code: unit Fixed differs from fixed only by case'],
    [{ code: 'hour' }, 'units[0].code: unit hour is built in: choose another code'],
    [{ code: '1K_tokens' }, 'units[0].code: unit 1K_tokens differs from 1k_tokens only by case'],
    [{ code: 'month' }, 'units[0].code: unit month is built in'],
  ])('a unit with %j', async (change, expected) => {
    await apply({ units: [{ ...UNIT, code: 'fixed' }] });
    await expect(
      apply({ ...rest, units: [{ ...UNIT, code: 'fixed', ...change }] }),
    ).rejects.toThrow(expected);
    expect(await currentPlanVersion(db, 'never')).toBeNull();
  });

  test('two units that differ by case', async () => {
    const units = [UNIT, { ...UNIT, code: 'crate' }, { ...UNIT, code: 'Crate' }];
    await expect(apply({ units })).rejects.toThrow(
      'units[2].code: unit Crate differs from crate only by case',
    );
  });

  test.each(['gigabyte', 'Hour', 'GB', '1K_tokens', '', '__proto__', 'month'])(
    'a plan that names the unit %j',
    async (unit) => {
      await expect(apply({ plans: [planPricedPer('odd', unit)] })).rejects.toThrow(
        `plans[0].versions[0].items[0].overage_unit: plan odd names the unit ${JSON.stringify(unit)}, ` +
          'which is not defined: expected one of 1k_tokens, 1m_tokens, gb, gb_month, hour, snapshot, zone',
      );
    },
  );
});

test('another price of a plan version is refused, the same one in another form is not', async () => {
  await apply({ plans: [planPricedPer('priced', 'hour', '2.50')] });
  const again = await apply({ plans: [planPricedPer('priced', 'hour', '2.5')] });
  expect(again.unchangedVersions).toHaveLength(1);
  await expect(
    apply({ plans: [planPricedPer('priced', 'hour', '2.500000000001')] }),
  ).rejects.toThrow('version 1 of plan priced exists with different content');
});
