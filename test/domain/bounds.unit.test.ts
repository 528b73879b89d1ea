import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { DEFAULT_BOUNDS, NO_BOUNDS, beyondBounds, type Bounds } from '../../src/domain/bounds.ts';

const LAST = 'acme-000007';
/** In AUD by default. */
function check(
  totalCents: number,
  lastCents: number | null,
  { currency = 'AUD', ...bounds }: Partial<Bounds> & { readonly currency?: string } = {},
) {
  const last = lastCents === null ? null : { number: LAST, totalCents: lastCents };
  return beyondBounds({ totalCents, currency }, last, { ...DEFAULT_BOUNDS, ...bounds });
}

describe('a total within bounds', () => {
  test.each([
    ['the same as before', 10_000, 10_000],
    ['exactly ten times the last one', 100_000, 10_000],
    ['exactly a tenth of the last one', 10_000, 100_000],
    ['13 cents after 1 cent', 13, 1],
    ['1 cent after 13 cents', 1, 13],
    ['nothing after the floor', 0, 5_000],
    ['the floor after 1 cent', 5_000, 1],
    ['a first one at the limit', 1_000_000, null],
    ['the limit of a first one after an invoice of 0', 1_000_000, 0],
    ['the limit of a first one after a credit', 1_000_000, -500],
    ['a first one of 0', 0, null],
    ['a first credit', -500, null],
  ])('%s', (_name, totalCents, lastCents) => {
    expect(check(totalCents, lastCents)).toBeNull();
  });

  test('any ratio if no ratio is set', () => {
    expect(check(5_000_000, 1, { ratio: null })).toBeNull();
    expect(check(0, 5_000_000, { ratio: null })).toBeNull();
  });
  test('any first total if no limit is set', () => {
    expect(check(98_765_400, null, { firstMax: null })).toBeNull();
    expect(check(98_765_400, 0, { firstMax: null })).toBeNull();
  });
  test('a fractional ratio', () => {
    expect(check(12_500, 10_000, { ratio: '1.25' })).toBeNull();
    expect(check(8_000, 10_000, { ratio: '1.25' })).toBeNull();
  });
});

describe('a total beyond bounds', () => {
  test.each([
    ['a cent more than ten times the last one', 100_001, 10_000],
    ['a cent less than a tenth of the last one', 9_999, 100_000],
    ['dollars that were sent as cents', 1_100, 110_000],
    ['nothing after something', 0, 110_000],
    ['a credit after something', -500, 110_000],
    ['a cent above the floor after 1 cent', 5_001, 1],
    ['1 cent after a cent above the floor', 1, 5_001],
    ['a first one of 987,654.00', 98_765_400, null],
    ['a cent above the limit of a first one', 1_000_001, null],
    ['the same after an invoice of 0', 1_000_001, 0],
    ['the same after a credit', 1_000_001, -500],
    ['the largest amount after 1 cent', Number.MAX_SAFE_INTEGER, 1],
  ])('%s', (_name, totalCents, lastCents) => {
    expect(check(totalCents, lastCents)).toContain('"acceptBounds": true');
  });

  test('a fractional ratio', () => {
    expect(check(12_501, 10_000, { ratio: '1.25' })).not.toBeNull();
    expect(check(7_999, 10_000, { ratio: '1.25' })).not.toBeNull();
  });

  test('the message names both totals, the invoice and the bound', () => {
    expect(check(200_050, 10_000)).toContain(
      'the total would be AUD 2,000.50, more than 10 times the AUD 100.00 of acme-000007: ',
    );
    expect(check(1_100, 110_000)).toContain(
      'the total would be AUD 11.00, less than 1/10 of the AUD 1,100.00 of acme-000007: ',
    );
    expect(check(98_765_400, null)).toContain(
      'the total would be AUD 987,654.00, more than the limit of AUD 10,000.00 for a tenant without a comparable earlier total: ',
    );
  });
});

describe.each([
  { currency: 'JPY', shown: 'JPY 1,000,000' },
  { currency: 'KWD', shown: 'KWD 1,000.000' },
  { currency: 'CLF', shown: 'CLF 100.0000' },
])('in $currency', ({ currency, shown }) => {
  const own: Bounds = {
    ratio: '10',
    floor: { byCurrency: new Map([[currency, 700]]), otherCents: 1 },
    firstMax: { byCurrency: new Map([[currency, 80_000]]), otherCents: 1 },
  };
  test('the default bounds count minor units', () => {
    expect(check(1_000_000, null, { currency })).toBeNull();
    expect(check(1_000_001, null, { currency })).toContain(`the limit of ${shown} for`);
    expect(check(5_000, 1, { currency })).toBeNull();
    expect(check(5_001, 1, { currency })).not.toBeNull();
  });
  test('only amounts set for the currency apply', () => {
    expect(check(700, 1, { currency, ...own })).toBeNull();
    expect(check(701, 1, { currency, ...own })).not.toBeNull();
    expect(check(80_000, null, { currency, ...own })).toBeNull();
    expect(check(80_001, null, { currency, ...own })).not.toBeNull();
    expect(check(2, null, { currency: 'AUD', ...own })).not.toBeNull();
  });
});

describe('the environment', () => {
  const read = (env: Readonly<Record<string, string>>) =>
    readConfig({ DATABASE_URL: 'postgres://localhost/arcadia', ...env }).worker.bounds;

  test('without variables gives the defaults', () => {
    expect(read({})).toEqual(DEFAULT_BOUNDS);
  });
  test('sets amounts by currency, in major units', () => {
    expect(
      read({
        INVOICE_BOUNDS_RATIO: '2.5',
        INVOICE_BOUNDS_FLOOR: 'AUD=20',
        INVOICE_BOUNDS_FIRST_MAX: 'AUD=25000.50, JPY=3000000,KWD=1500',
      }),
    ).toEqual({
      ratio: '2.5',
      floor: { byCurrency: new Map([['AUD', 2_000]]), otherCents: 5_000 },
      firstMax: {
        byCurrency: new Map([
          ['AUD', 2_500_050],
          ['JPY', 3_000_000],
          ['KWD', 1_500_000],
        ]),
        otherCents: 1_000_000,
      },
    });
  });
  test('0 turns a bound off', () => {
    const off = { INVOICE_BOUNDS_RATIO: '0', INVOICE_BOUNDS_FIRST_MAX: '0' };
    expect(read(off)).toEqual(NO_BOUNDS);
  });
  test.each([
    { INVOICE_BOUNDS_RATIO: '0.5' },
    { INVOICE_BOUNDS_RATIO: '-1' },
    { INVOICE_BOUNDS_FIRST_MAX: '10000' },
    { INVOICE_BOUNDS_FIRST_MAX: 'ZZZ=1' },
    { INVOICE_BOUNDS_FIRST_MAX: 'JPY=1.5' },
    { INVOICE_BOUNDS_FLOOR: 'AUD' },
    { INVOICE_BOUNDS_FLOOR: '0' },
  ])('refuses %o', (env) => {
    expect(() => read(env)).toThrow(Object.keys(env)[0]);
  });
});
