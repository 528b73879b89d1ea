import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import {
  DEFAULT_BOUNDS,
  NO_BOUNDS,
  beyondBounds,
  type Bounds,
  type LastInvoice,
} from '../../src/domain/bounds.ts';

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
    expect(check(totalCents, lastCents)).toContain('accept it with a rerun');
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
      'the total would be AUD 987,654.00, more than the limit of AUD 10,000.00 for a tenant without an earlier total above 0: ',
    );
  });
});

describe('if the tenant joined or left', () => {
  const THIS = { isMonthPartial: true };
  const LAST_ONE = { isLastMonthPartial: true };
  const BOTH = { ...THIS, ...LAST_ONE };
  const parks = (
    totalCents: number,
    lastCents: number,
    partial: Partial<LastInvoice>,
    bounds: Partial<Bounds> = {},
  ) => {
    const last = { number: LAST, totalCents: lastCents, ...partial };
    const all = { ...DEFAULT_BOUNDS, ...bounds };
    return beyondBounds({ totalCents, currency: 'AUD' }, last, all) !== null;
  };

  test.each([
    // In this month: any low total passes, a high one parks as ever.
    ['closing invoice above the limit of first ones', 1_225_800, 2_000_000, THIS, false],
    ['closing invoice of 0', 0, 2_000_000, THIS, false],
    ['closing credit', -500, 2_000_000, THIS, false],
    ['closing invoice of exactly ten times the last one', 30_000, 3_000, THIS, false],
    ['closing invoice a cent above that', 30_001, 3_000, THIS, true],
    ['closing invoice of dollars counted as cents', 300_000, 3_000, THIS, true],
    ['closing invoice at the limit after an invoice of 0', 1_000_000, 0, THIS, false],
    ['closing invoice above the limit after an invoice of 0', 1_000_001, 0, THIS, true],
    // In the last month: a high total passes up to the higher limit, a low one parks as ever.
    ['first full month at the limit of first ones', 1_000_000, 10_000, LAST_ONE, false],
    ['first full month a cent above that', 1_000_001, 10_000, LAST_ONE, true],
    ['first full month above that, below ten times', 2_000_000, 774_200, LAST_ONE, false],
    ['first full month at ten times', 7_742_000, 774_200, LAST_ONE, false],
    ['first full month a cent above ten times', 7_742_001, 774_200, LAST_ONE, true],
    ['first full month of a tenth', 1_000, 10_000, LAST_ONE, false],
    ['first full month of a cent less', 999, 10_000, LAST_ONE, true],
    ['first full month at the limit after an invoice of 0', 1_000_000, 0, LAST_ONE, false],
    ['first full month above the limit after an invoice of 0', 1_000_001, 0, LAST_ONE, true],
    // In both.
    ['second partial month of less than a tenth', 999, 10_000, BOTH, false],
    ['second partial month at the limit of first ones', 1_000_000, 10_000, BOTH, false],
    ['second partial month a cent above that', 1_000_001, 10_000, BOTH, true],
    ['second partial month at ten times', 7_742_000, 774_200, BOTH, false],
    ['second partial month a cent above ten times', 7_742_001, 774_200, BOTH, true],
    ['second partial month at the limit after an invoice of 0', 1_000_000, 0, BOTH, false],
    ['second partial month above the limit after an invoice of 0', 1_000_001, 0, BOTH, true],
    // In neither.
    ['full month of ten times and a cent', 100_001, 10_000, {}, true],
    ['full month of less than a tenth', 999, 10_000, {}, true],
  ])('a %s', (_name, totalCents, lastCents, partial, expected) => {
    expect(parks(totalCents, lastCents, partial)).toBe(expected);
  });

  test.each([THIS, LAST_ONE, BOTH])('with %o, bounds that are off park nothing', (partial) => {
    expect(parks(98_765_400, 6_000, partial, NO_BOUNDS)).toBe(false);
    expect(parks(0, 98_765_400, partial, NO_BOUNDS)).toBe(false);
  });
  test('no limit of first invoices: no limit after a partial month', () => {
    expect(parks(98_765_400, 6_000, LAST_ONE, { firstMax: null })).toBe(false);
    expect(parks(98_765_400, 6_000, THIS, { firstMax: null })).toBe(true);
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
