import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { isDecimalString } from '../../src/domain/decimal.ts';
import {
  currencyCode,
  decimalString,
  externalId,
  instant,
  text,
  tokenCount,
} from '../../src/ingestion/usage-fields.ts';
import { described } from './_described.ts';

const takes = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success;

/** The errors of a rejected value. */
function complaint(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message;
}

describe('an id', () => {
  test.each(['a', '7', 'Acme-1.eu_west', 'x'.repeat(64)])('may be %s', (id) => {
    expect(takes(externalId, id)).toBe(true);
  });

  test.each(['', '.a', '-a', '_a', 'a b', 'a/b', 'ä', ' a', 'a ', 'a\n', 'x'.repeat(65), 7, null])(
    'may not be %j',
    (id) => {
      expect(takes(externalId, id)).toBe(false);
    },
  );

  test('that is invalid gets a message with the rule', () => {
    expect(complaint(externalId, 'a b')).toContain('1 to 64 letters, digits, dots, underscores');
  });
});

describe('text', () => {
  test.each(['x', 'xxx', 'ä € 😀'.slice(0, 3), '😀😀😀', '  /'])('of 3 may be %j', (value) => {
    expect(takes(text(3), value)).toBe(true);
  });

  test.each(['', 'xxxx', '😀😀😀😀', 'a\u0000', '\nab', 'a\u007f', 'a\ud800', '\udc00a', 3])(
    'of 3 may not be %j',
    (value) => {
      expect(takes(text(3), value)).toBe(false);
    },
  );

  test('that is invalid gets a message with length and forbidden characters', () => {
    expect(complaint(text(3), '')).toBe(
      'expected 1 to 3 characters, none of them a control character',
    );
  });
});

describe('a decimal', () => {
  test('is accepted by the field, the domain and the API’s pattern alike', () => {
    const pattern = new RegExp(described(decimalString).pattern!);
    const anyText = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0012.9-+e '), maxLength: 16 }),
      fc.tuple(fc.nat(13), fc.nat(13)).map(([a, b]) => `${'9'.repeat(a)}.${'9'.repeat(b)}`),
    );
    fc.assert(
      fc.property(anyText, (value) => {
        expect(takes(decimalString, value)).toBe(isDecimalString(value));
        expect(pattern.test(value)).toBe(isDecimalString(value));
      }),
      { numRuns: 500 },
    );
  });

  test.each(['1e3', '', null, undefined, true])('rejects %j with the rule', (value) => {
    const said = complaint(decimalString, value);
    expect(said).toContain('a decimal as a string, such as "0.25"');
    expect(said).toContain('at most 12 before and 12 after the point, without sign');
    expect(said).not.toContain('JSON numbers');
  });

  test.each([1.5, 1])('rejects the number %j because floats are inexact', (value) => {
    const said = complaint(decimalString, value);
    expect(said).toContain('a decimal as a string, such as "0.25"');
    expect(said).toContain('JSON numbers are not exact');
  });
});

describe('an instant', () => {
  test('is converted to UTC', () => {
    expect(instant.parse('2026-06-01T00:30:00+02:00')).toMatchObject({
      text: '2026-05-31T22:30:00Z',
    });
  });

  test.each(['2026-02-30T00:00:00Z', '', 'noon'])('rejects %j with the rule', (value) => {
    const said = complaint(instant, value);
    expect(said).toContain('an RFC 3339 instant with Z or an offset, of the years 2000 to 2999');
    expect(said).toContain('2026-05-31T23:59:59Z');
  });

  test('must be text', () => {
    expect(takes(instant, 1_778_414_400)).toBe(false);
  });
});

describe('a currency', () => {
  test.each(['AUD', 'USD', 'JPY', 'KWD', 'CLF'])('may be %s', (code) => {
    expect(takes(currencyCode, code)).toBe(true);
  });

  test.each(['', 'aud', 'AU', 'AUDX', 'A1D', 'XAUD', ' AUD', 'ZZZ', 'XXX', 'XAU', 36])(
    'may not be %j',
    (code) => {
      expect(takes(currencyCode, code)).toBe(false);
    },
  );

  test('that is invalid gets a message with the rule', () => {
    expect(complaint(currencyCode, 'aud')).toContain('a currency code such as "AUD"');
  });
});

describe('a number of tokens', () => {
  test.each([0, 1, Number.MAX_SAFE_INTEGER])('may be %j', (count) => {
    expect(takes(tokenCount, count)).toBe(true);
  });

  test.each([-1, 1.5, 2 ** 53, '1', null])('rejects %j with the rule', (count) => {
    expect(complaint(tokenCount, count)).toBe('expected a whole number from 0 to 2^53 - 1');
  });
});

describe('the API’s description', () => {
  test.each([
    ['an id', externalId],
    ['a decimal', decimalString],
    ['a currency', currencyCode],
    ['an instant', instant],
  ])('of %s has a valid example', (_what, schema) => {
    expect(takes(schema, described(schema).example)).toBe(true);
  });

  test('marks an instant as a date-time', () => {
    expect(described(instant)).toMatchObject({ type: 'string', format: 'date-time' });
  });

  test.each([
    // (Half of a surrogate pair is refused as well: no pattern says that in every language.)
    ['a text', text(3), ['x', '😀😀😀', '', 'xxxx', 'a\u0000']],
    ['an id', externalId, ['acme', 'a b', 'x'.repeat(64), 'x'.repeat(65)]],
    ['a currency', currencyCode, ['AUD', 'aud', 'AUDX']],
  ])('of %s has a pattern that accepts the same values', (_what, schema, values) => {
    // As in JSON Schema: without flags, matched by code points.
    const pattern = new RegExp(described(schema).pattern!, 'u');
    for (const value of values) expect(pattern.test(value)).toBe(takes(schema, value));
  });
});
