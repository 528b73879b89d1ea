import { z } from 'zod';
import { BUILT_IN_UNITS } from '../domain/units.ts';
import {
  currencyCode,
  catalogueName,
  id,
  priceCents,
  quantity,
  resourceKind,
  unitFactor,
  unitLabel,
  unitPrice,
  versionNumber,
  uniqueBy,
} from './catalogue-fields.ts';
import { parseInputFile, type InputFile } from './input-file.ts';

const overageUnit = z
  .string()
  .max(64)
  .nullable()
  .optional()
  .describe(
    `The unit of the overage price: ${BUILT_IN_UNITS.join(', ')}, or a unit of the catalogue. ` +
      'Null: one base unit. Required with a price.',
  )
  .meta({ example: 'gb_month' });

const planItem = z
  .strictObject({
    resource_kind: resourceKind,
    name: catalogueName,
    included_qty: quantity.nullable().default(null),
    overage_price_cents: unitPrice.nullable().default(null).describe('Null: never billed.'),
    overage_unit: overageUnit,
    hard_cap_qty: quantity
      .nullable()
      .default(null)
      .describe('Caps the usage that is billed, not the overage. Null: no cap.'),
  })
  // Without this check, a price for 1,000 tokens whose unit was forgotten would be billed per token.
  .refine((item) => item.overage_price_cents === null || item.overage_unit !== undefined, {
    path: ['overage_unit'],
    error: 'an overage price needs its unit, or null for one base unit',
  })
  .transform((item) => ({ ...item, overage_unit: item.overage_unit ?? null }));

const PLAN_TERMS_EXAMPLE = {
  name: 'Studio',
  currency: 'AUD',
  base_price_cents: 5000,
  proration: 'daily',
  items: [
    {
      resource_kind: 'spaces_gb_month',
      name: 'Spaces storage',
      included_qty: '100',
      overage_price_cents: '0.0425',
      overage_unit: 'gb_month',
      hard_cap_qty: null,
    },
  ],
};
const ADDON_TERMS_EXAMPLE = {
  name: 'Extra storage',
  resource_kind: 'spaces_gb_month',
  qty: '50',
  price_cents: 750,
};

/** A plan version's fields except its code and version. */
export const planTerms = z
  .strictObject({
    name: catalogueName,
    currency: currencyCode,
    base_price_cents: priceCents.describe('A month.'),
    proration: z
      .enum(['daily', 'none'], { error: 'expected the policy "daily" or "none"' })
      .describe('What a part of a month costs: `daily` by days, `none` a full month or nothing.'),
    items: z
      .array(planItem)
      .superRefine(uniqueBy('resource kind', 'resource_kind'))
      .describe('In the order of invoice lines; one for each resource kind.'),
  })
  .meta({ example: PLAN_TERMS_EXAMPLE });

const planVersion = z.strictObject({ version: versionNumber, ...planTerms.shape });

const planCode = id('studio');

const plan = z
  .strictObject({
    code: planCode,
    versions: z.array(planVersion).superRefine(uniqueBy('version', 'version')),
  })
  // In a long file, `plans[12]` doesn't say which plan lacks its policy. `when` also runs it on errors.
  .superRefine(
    ({ code }, { issues }) => {
      issues.forEach((issue, index) => {
        if (issue.path?.at(-1) !== 'proration') return;
        const message = `plan ${code} needs a proration policy, "daily" or "none"`;
        issues[index] = { ...issue, message };
      });
    },
    { when: ({ value }) => z.object({ code: planCode }).safeParse(value).success },
  );

/** An addon's fields except its code. */
export const addonTerms = z
  .strictObject({
    name: catalogueName,
    resource_kind: resourceKind,
    qty: quantity.describe('Raises the allowance of that kind, in base units.'),
    price_cents: priceCents.describe(
      "A month, in the minor unit of the subscription's currency: 750 is AUD 7.50, or JPY 750.",
    ),
  })
  .meta({ example: ADDON_TERMS_EXAMPLE });

const addon = z.strictObject({ code: id('storage_50gb'), ...addonTerms.shape });

const UNIT_EXAMPLE = {
  code: 'block_of_10',
  factor: '10',
  label: 'block of 10',
  label_plural: 'blocks of 10',
};

const unit = z
  .strictObject({
    code: id('block_of_10'),
    factor: unitFactor.describe('Base units per unit: a price per unit is for that many of them.'),
    label: unitLabel.describe('What documents call one of it: 3.50 per block of 10.'),
    label_plural: unitLabel
      .nullable()
      .default(null)
      .describe('What documents call several of it. Null: 3 × LABEL.'),
  })
  .meta({ example: UNIT_EXAMPLE });

/** The content of a catalogue file, and the body of `PUT /api/v1/catalogue`. */
export const catalogueFile = z
  .strictObject({
    units: z
      .array(unit)
      .superRefine(uniqueBy('unit', 'code'))
      .default([])
      .describe('Units of overage prices beside the built-in ones. They never change.'),
    plans: z.array(plan).superRefine(uniqueBy('plan', 'code')).default([]),
    addons: z.array(addon).superRefine(uniqueBy('addon', 'code')).default([]),
  })
  .meta({
    example: {
      units: [UNIT_EXAMPLE],
      plans: [{ code: 'studio', versions: [{ version: 1, ...PLAN_TERMS_EXAMPLE }] }],
      addons: [{ code: 'storage_50gb', ...ADDON_TERMS_EXAMPLE }],
    },
  });

/** Plans with their versions, and addons, as a catalogue file lists them. */
export type CatalogueFile = z.infer<typeof catalogueFile>;
export type CatalogueVersion = z.infer<typeof planVersion>;
export type CatalogueAddon = z.infer<typeof addon>;

/**
 * Parses a catalogue file.
 * @throws ApplyError
 */
export function parseCatalogueFile(file: InputFile): CatalogueFile {
  return parseInputFile(catalogueFile, file);
}
