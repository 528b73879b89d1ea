import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { sql } from '../../src/db/sql.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { expectSoundBooks } from '../_util/books.ts';
import { acceptForce, buildInvoices, nextRun } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

/** Prices below a cent and units of the catalogue, from the catalogue to the proof of the month. */

let world: World;
beforeAll(async () => {
  world = await createWorld({ bounds: NO_BOUNDS });
  await seedCatalogue(world.db);
  const item = (
    resource_kind: string,
    overage_price_cents: string,
    overage_unit: string | null,
  ) => ({
    resource_kind,
    overage_price_cents,
    overage_unit,
  });
  const file = {
    units: [{ code: 'triple', factor: '3', label: 'set of 3', label_plural: 'sets of 3' }],
    plans: [
      {
        code: 'fine',
        versions: [
          {
            version: 1,
            currency: 'AUD',
            base_price_cents: 0,
            proration: 'daily',
            items: [
              item('pixels', '0.123456789012', null),
              item('sets', '1', 'triple'),
              item('llm_tokens', '0.0425', '1m_tokens'),
              item('huge', '9999999999999999.999999999999', '1k_tokens'),
            ],
          },
        ],
      },
    ],
  };
  await applyCatalogueFile(world.db, {
    name: 'catalogue.json',
    bytes: Buffer.from(JSON.stringify(file)),
  });
  await seedTenant(world.db, 'acme', [{ deploymentId: 'acme-a', planVersionId: 'fine-v1' }]);
  for (const [kind, amount] of [
    ['pixels', '999999999999.999999999999'],
    // 4 ÷ 3 = 1.33…: no decimal says it.
    ['sets', '4'],
    ['llm_tokens', '1500000000'],
    ['huge', '0.000000000001'],
  ] as const) {
    await seedUsage(world.db, { tenantId: 'acme', deploymentId: 'acme-a', kind, amount });
  }
  await buildInvoices(world, ['acme'], { run: nextRun() });
});
afterAll(() => world[Symbol.asyncDispose]());

const build = () => buildInvoices(world, ['acme'], { run: nextRun() });

const line = z.object({
  resourceKind: z.string(),
  qty: z.string(),
  unit: z.string().nullable(),
  unitPriceCents: z.string(),
  amountCents: z.number(),
  unit_words: z.string(),
});

function overageLines() {
  return world.db.any(sql.type(line)`
    SELECT resource_kind AS "resourceKind", trim_scale(qty) AS qty, unit,
      trim_scale(unit_price_cents) AS "unitPriceCents", amount_cents AS "amountCents",
      concat_ws(' ', meta ->> 'unit_factor', meta ->> 'unit_label', meta ->> 'unit_label_plural') AS unit_words
    FROM invoice_lines WHERE kind = 'overage' ORDER BY line_no
  `);
}

test('an invoice bills them exactly, and names the factors of units of the catalogue', async () => {
  expect(await overageLines()).toEqual([
    {
      resourceKind: 'pixels',
      qty: '999999999999.999999999999',
      unit: null,
      unitPriceCents: '0.123456789012',
      amountCents: 123456789012,
      unit_words: '',
    },
    {
      resourceKind: 'sets',
      qty: '4',
      unit: 'triple',
      unitPriceCents: '1',
      amountCents: 1,
      unit_words: '3 set of 3 sets of 3',
    },
    {
      resourceKind: 'llm_tokens',
      qty: '1500000000',
      unit: '1m_tokens',
      unitPriceCents: '0.0425',
      amountCents: 64,
      unit_words: '',
    },
    {
      resourceKind: 'huge',
      qty: '0.000000000001',
      unit: '1k_tokens',
      unitPriceCents: '9999999999999999.999999999999',
      amountCents: 10,
      unit_words: '',
    },
  ]);
});

test('the books, the verification and the control totals agree', async () => {
  await expectSoundBooks(world.db);
  const { ok, checks } = await verifyMonth(world.db, MONTH);
  expect(checks.filter(({ problems }) => problems > 0)).toEqual([]);
  expect(ok).toBe(true);
});

test('a rerun finds nothing to change', async () => {
  await acceptForce(world, { tenantIds: ['acme'], onlyIfChanged: true });
  expect(await build()).toMatchObject([{ outcome: 'unchanged' }]);
});

test.each([
  ['a negative price', '-0.1'],
  ['a thirteenth decimal', '0.0000000000001'],
  ['a seventeenth digit', '10000000000000000'],
  ['no number', 'NaN'],
])('the database refuses %s', async (_, price) => {
  await expect(world.db.query(sql.type(z.object({}))`SELECT ${price}::unit_price`)).rejects.toThrow(
    'check integrity constraint',
  );
});

test('the database refuses changes of units', async () => {
  const nothing = sql.type(z.object({}));
  await expect(world.db.query(nothing`UPDATE units SET factor = 4`)).rejects.toThrow();
  await expect(world.db.query(nothing`DELETE FROM units`)).rejects.toThrow();
});
