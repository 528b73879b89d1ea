import { expect, test } from 'vitest';
import { taxInAud } from '../../src/domain/aud-tax.ts';
import { composeInvoice } from '../../src/domain/compose-invoice.ts';
import { DEFAULT_TAX, DEFAULT_TREATMENT } from '../../src/domain/invoice-totals.ts';
import { taxToJson } from '../../src/domain/tax-json.ts';
import { domainError } from './_arbitraries.ts';
import { periodOf } from '../_util/utc.ts';

const SOURCE = { rate: '1.5321', source: 'RBA' };
const in2605 = (currency: string, rate: string) => ({
  ...{ month: '2026-05', currency, rate: { ...SOURCE, rate } },
});

test.each([
  ['USD', 624, '1.5321', 956],
  // Half away from zero, credits too.
  ['USD', 1, '1.5', 2],
  ['USD', -1, '1.5', -2],
  // Currencies with other decimals: 635 yen, 635 fils.
  ['JPY', 635, '0.0103', 654],
  ['KWD', 635, '4.95', 314],
])('%s %d at %s is %d cents of AUD', (currency, tax, rate, taxCents) => {
  expect(taxInAud(tax, in2605(currency, rate))).toEqual({ ...SOURCE, rate, taxCents });
});

test('an invoice in AUD, or without tax, shows no tax in AUD and needs no rate', () => {
  expect(taxInAud(635, { month: '2026-05', currency: 'AUD', rate: null })).toBeNull();
  expect(taxInAud(0, { month: '2026-05', currency: 'USD', rate: null })).toBeNull();
  expect(taxInAud(0, in2605('USD', '1.5'))).toBeNull();
});

test('a missing rate is an error with the command that records it', () => {
  const convert = () => taxInAud(635, { month: '2026-05', currency: 'USD', rate: null });
  expect(convert).toThrow(expect.objectContaining(domainError('missing_exchange_rate')));
  expect(convert).toThrow(
    'a tax invoice in USD shows its tax in AUD too, and no exchange rate is recorded for 2026-05: record it with ' +
      '`exchange-rates add USD AUD 2026-05 RATE --source SOURCE`',
  );
});

test('an amount in AUD beyond 2^53 − 1 cents is an error', () => {
  const convert = () => taxInAud(Number.MAX_SAFE_INTEGER, in2605('USD', '1.5'));
  expect(convert).toThrow('The tax in AUD');
});

test('an invoice keeps its treatment, the registration and the rate', () => {
  const llmUsage = [
    { deploymentId: 'web', requestCount: '1', exactCents: '6235', serviceMonth: '2026-05' },
  ];
  const base = {
    ...{ period: periodOf('2026-05'), currency: 'USD', llmUsage, deployments: [] },
    ...{ planVersions: new Map(), meteredUsage: new Map(), items: [] },
  };
  const taxed = composeInvoice({ ...base, tax: { ...DEFAULT_TAX, audRate: SOURCE } });
  expect(taxed).toMatchObject({ taxCents: 624, totalCents: 6859 });
  expect(taxed.tax).toEqual({
    treatment: DEFAULT_TREATMENT,
    sellerRegistered: true,
    aud: { ...SOURCE, taxCents: 956 },
  });
  const untaxed = composeInvoice({ ...base, tax: { ...DEFAULT_TAX, sellerRegistered: false } });
  expect(untaxed).toMatchObject({ taxCents: 0, totalCents: 6235 });
  expect(untaxed.lines.map(({ kind }) => kind)).toEqual(['llm_usage']);
  expect(untaxed.tax).toEqual({ treatment: DEFAULT_TREATMENT, sellerRegistered: false, aud: null });
});

test('the API serves how an invoice is taxed, with the tax in AUD if there is one', () => {
  const tax = { treatment: DEFAULT_TREATMENT, sellerRegistered: true };
  const served = {
    treatment: 'gst',
    label: 'GST',
    rate: '0.10',
    note: null,
    seller_registered: true,
  };
  expect(taxToJson({ ...tax, aud: null })).toEqual({ ...served, aud: null });
  expect(taxToJson({ ...tax, aud: { ...SOURCE, taxCents: 956 } })).toEqual({
    ...served,
    aud: { ...SOURCE, tax_cents: 956 },
  });
});
