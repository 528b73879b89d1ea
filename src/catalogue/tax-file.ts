import { z } from 'zod';
import { month } from '../ingestion/calendar-fields.ts';
import { decimalString, text } from '../ingestion/usage-fields.ts';
import { currencyCode, id, uniqueBy } from './catalogue-fields.ts';
import { parseInputFile, type InputFile } from './input-file.ts';

/** Tax data in files and in the API (docs/spec.md#tax). */

const RATE_HINT =
  'expected a share from "0" to below "1" as a string, with at most 6 decimals, such as "0.10" for 10 %';

/** A tax rate. A percentage is a common mistake, so the error says what it would be as a share. */
export const taxRate = z
  .string({ error: RATE_HINT })
  .superRefine((rate, context) => {
    if (/^0(?:\.\d{1,6})?$/.test(rate)) return;
    const share = shareOf(rate);
    const message = share === null ? RATE_HINT : `${RATE_HINT}; did you mean "${share}"?`;
    context.addIssue({ code: 'custom', message });
  })
  .meta({ pattern: String.raw`^0(\.\d{1,6})?$`, example: '0.10' })
  .describe('The share of the taxable subtotal, as a string: "0.10" is 10 %.');

/** Returns a percentage from 1 to 99 as a share: `"10"` → `"0.10"`, `"12.5%"` → `"0.125"`; otherwise null. */
function shareOf(rate: string): string | null {
  const [, whole, fraction = ''] = /^([1-9]\d?)(?:\.(\d{1,4}))?\s?%?$/.exec(rate) ?? [];
  return whole === undefined ? null : `0.${whole.padStart(2, '0')}${fraction}`;
}

const replace = z
  .boolean()
  .optional()
  .describe(
    'True: corrects what is recorded for the same month. Without it, another value for that month is a conflict.',
  );

const treatment = z.strictObject({
  code: id('nz-export'),
  label: text(40).describe('What the tax is called on invoices.').meta({ example: 'GST' }),
  rate: taxRate,
  note: text(300)
    .nullable()
    .default(null)
    .describe('Printed on invoices, such as why a supply is free of GST.')
    .meta({ example: 'GST-free: supplied to a business outside Australia.' }),
});

/** Which treatment a tenant has from a month on. */
export const tenantTaxEntry = z.strictObject({
  treatment: id('nz-export'),
  from: month.describe('The first month that is taxed by it.'),
  replace,
});

const assignment = z.strictObject({ tenant_id: id('acme'), ...tenantTaxEntry.shape });

const registration = z.strictObject({
  from: month.describe('The first month that it holds for.'),
  registered: z.boolean().describe('Whether the seller is registered for GST.'),
  replace,
});

const exchangeRate = z.strictObject({
  from: currencyCode.meta({ example: 'USD' }),
  to: currencyCode,
  month,
  rate: decimalString
    .refine((rate) => /[1-9]/.test(rate), { error: 'expected a rate above 0' })
    .describe('How many units of `to` one unit of `from` is worth.')
    .meta({ example: '1.5321' }),
  source: text(200)
    .describe('Where the rate was published.')
    .meta({ example: 'RBA, average of the month' }),
  replace,
});

/** The content of a tax file, and the body of `PUT /api/v1/tax`. */
export const taxFile = z
  .strictObject({
    treatments: z.array(treatment).superRefine(uniqueBy('tax treatment', 'code')).default([]),
    assignments: z
      .array(assignment)
      .superRefine(
        uniqueBy('a treatment for', 'from', ({ tenant_id, from }) => `${tenant_id} from ${from}`),
      )
      .default([]),
    gst_registrations: z
      .array(registration)
      .superRefine(uniqueBy('the GST registration from', 'from'))
      .default([]),
    exchange_rates: z
      .array(exchangeRate)
      .superRefine(
        uniqueBy('an exchange rate', 'month', ({ from, to, month }) => `${from} ${to} ${month}`),
      )
      .default([]),
  })
  .meta({
    example: {
      treatments: [
        {
          code: 'nz-export',
          label: 'GST',
          rate: '0',
          note: 'GST-free: supplied to a business outside Australia.',
        },
      ],
      assignments: [{ tenant_id: 'acme', treatment: 'nz-export', from: '2026-05' }],
      gst_registrations: [{ from: '2020-07', registered: true }],
      exchange_rates: [
        {
          from: 'USD',
          to: 'AUD',
          month: '2026-05',
          rate: '1.5321',
          source: 'RBA, average of the month',
        },
      ],
    },
  });

export type TaxFile = z.infer<typeof taxFile>;
export type SentTreatment = z.infer<typeof treatment>;
export type SentAssignment = z.infer<typeof assignment>;
export type SentRegistration = z.infer<typeof registration>;
export type SentExchangeRate = z.infer<typeof exchangeRate>;

/** A tax file without content. */
export const NO_TAX: TaxFile = {
  treatments: [],
  assignments: [],
  gst_registrations: [],
  exchange_rates: [],
};

/**
 * Parses a tax file.
 * @throws ApplyError
 */
export function parseTaxFile(file: InputFile): TaxFile {
  return parseInputFile(taxFile, file);
}
