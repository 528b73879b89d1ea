import { z } from 'zod';
import { OVERAGE_UNITS, isOverageUnit } from '../domain/overage-unit.ts';
import { currencyCode, id, priceCents, quantity, resourceKind } from './fields.ts';
import { parseFeed, type FeedFile } from './parse-feed.ts';
import { uniqueBy } from './unique.ts';

const overageUnit = z.string().refine(isOverageUnit, {
  error: `expected one of ${OVERAGE_UNITS.join(', ')}`,
});

const planItem = z
  .strictObject({
    resource_kind: resourceKind,
    included_qty: quantity.nullable().default(null),
    overage_price_cents: priceCents.nullable().default(null),
    overage_unit: overageUnit.nullable().default(null),
    hard_cap_qty: quantity.nullable().default(null),
  })
  .refine((item) => item.overage_price_cents === null || item.overage_unit !== null, {
    path: ['overage_unit'],
    error: 'an overage price needs the unit that it is for',
  });

const VERSION_HINT = 'expected a whole number from 1 to 2147483647';
const planVersion = z.strictObject({
  version: z.int({ error: VERSION_HINT }).min(1, VERSION_HINT).max(2_147_483_647, VERSION_HINT),
  currency: currencyCode,
  base_price_cents: priceCents,
  items: z.array(planItem).superRefine(uniqueBy('resource kind', 'resource_kind')),
});

const plan = z.strictObject({
  code: id,
  versions: z.array(planVersion).superRefine(uniqueBy('version', 'version')),
});

const addon = z.strictObject({
  code: id,
  resource_kind: resourceKind,
  qty: quantity,
  price_cents: priceCents,
});

const catalogueFile = z.strictObject({
  plans: z.array(plan).superRefine(uniqueBy('plan', 'code')).default([]),
  addons: z.array(addon).superRefine(uniqueBy('addon', 'code')).default([]),
});

/** Plans with their versions, and addons, as a catalogue file lists them. */
export type CatalogueFile = z.infer<typeof catalogueFile>;
export type CatalogueVersion = z.infer<typeof planVersion>;
export type CatalogueAddon = z.infer<typeof addon>;

/** @throws FeedError */
export function parseCatalogueFile(file: FeedFile): CatalogueFile {
  return parseFeed(catalogueFile, file);
}
