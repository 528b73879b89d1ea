import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalizeDecimalString, parseDecimal, toDecimalString } from '../../src/domain/decimal.ts';
import { LLM_USAGE } from '../../src/ingestion/llm-event.ts';
import { METERED_USAGE } from '../../src/ingestion/metered-record.ts';
import { parseEvent } from '../../src/ingestion/check-event.ts';
import { deployment, sentLlmEvent, sentMeteredRecord } from './_usage.ts';

/**
 * The grammar that is documented, told again without the code that is tested: character by
 * character, no regular expressions.
 */
const isDigit = (char: string | undefined) => char !== undefined && char >= '0' && char <= '9';
const allDigits = (text: string) => [...text].every(isDigit);

function isDecimal(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const [whole = '', fraction, ...more] = value.split('.');
  if (more.length > 0 || whole.length < 1 || whole.length > 12 || !allDigits(whole)) return false;
  if (whole.length > 1 && whole.startsWith('0')) return false;
  return (
    fraction === undefined || (fraction.length >= 1 && fraction.length <= 12 && allDigits(fraction))
  );
}

function isText(value: unknown, maxLength: number): boolean {
  if (typeof value !== 'string' || value === '') return false;
  const points = [...value].map((char) => char.codePointAt(0) ?? 0);
  const isFine = (point: number) =>
    point >= 0x20 && !(point >= 0x7f && point <= 0x9f) && !(point >= 0xd800 && point <= 0xdfff);
  return points.length <= maxLength && points.every(isFine);
}

/** An id of a sender's own: what can be seen, and nothing beyond U+FFEF. */
function isVisibleId(value: unknown, maxLength: number): boolean {
  if (typeof value !== 'string' || value === '' || value.length > maxLength) return false;
  const points = [...value].map((char) => char.codePointAt(0) ?? 0);
  const isHidden = (point: number) =>
    INVISIBLE.some(([from, to]) => point >= from && point <= to) || point > 0xffef;
  return !points.some(isHidden);
}

/** Code points, both ends included. */
const INVISIBLE = [
  [0x00, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  // Surrogates and private use.
  [0xd800, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
] as const;

function isId(value: unknown): boolean {
  if (typeof value !== 'string' || value.length < 1 || value.length > 64) return false;
  const isLetterOrDigit = (char: string | undefined) =>
    isDigit(char) ||
    (char !== undefined && ((char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')));
  return (
    isLetterOrDigit(value[0]) && [...value].every((c) => isLetterOrDigit(c) || '._-'.includes(c))
  );
}

function isCurrency(value: unknown): boolean {
  return (
    typeof value === 'string' && value.length === 3 && [...value].every((c) => c >= 'A' && c <= 'Z')
  );
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function areAttributes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const isName = (name: string) =>
    name.length <= 40 &&
    [...name].every(
      (char, at) => (char >= 'a' && char <= 'z') || (at > 0 && (isDigit(char) || char === '_')),
    ) &&
    name !== '';
  return (
    entries.length <= 10 && entries.every(([name, text]) => isName(name) && isVisibleId(text, 200))
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** RFC 3339 of the years 2000 to 2999 in UTC, at most 9 digits of a second, no leap second. */
function isInstant(value: unknown): boolean {
  if (typeof value !== 'string' || !isShapedAs('9999-99-99T99:99:99', value)) return false;
  const number = (start: number, length: number) => Number(value.slice(start, start + length));
  const [year, month, day] = [number(0, 4), number(5, 2), number(8, 2)];
  const [hour, minute, second] = [number(11, 2), number(14, 2), number(17, 2)];
  if (year < 2000 || year > 2999 || month < 1 || month > 12) return false;
  if (day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return false;
  let rest = value.slice(19);
  if (rest.startsWith('.')) {
    let digits = 0;
    while (isDigit(rest[digits + 1])) digits += 1;
    if (digits < 1 || digits > 9) return false;
    rest = rest.slice(digits + 1);
  }
  if (rest === 'Z' || rest === 'z') return true;
  if (!isShapedAs('+99:99', rest) || rest.length !== 6) return false;
  const [hours, minutes] = [Number(rest.slice(1, 3)), Number(rest.slice(4))];
  if (hours > 23 || minutes > 59) return false;
  const sign = rest.startsWith('-') ? 1 : -1;
  const utc = new Date(
    Date.UTC(year, month - 1, day, hour, minute + sign * (hours * 60 + minutes)),
  );
  return utc.getUTCFullYear() >= 2000 && utc.getUTCFullYear() <= 2999;
}

/** 9: a digit, T: a T of either case, +: a sign. */
function isShapedAs(shape: string, text: string): boolean {
  return [...shape].every((wanted, index) => {
    const char = text[index];
    if (wanted === '9') return isDigit(char);
    if (wanted === 'T') return char === 'T' || char === 't';
    if (wanted === '+') return char === '+' || char === '-';
    return char === wanted;
  });
}

interface Field {
  readonly is: (value: unknown) => boolean;
  readonly isOptional?: true;
}
type Grammar = Readonly<Record<string, Field>>;

const LLM: Grammar = {
  gateway_request_id: { is: (value) => isVisibleId(value, 200) },
  tenant_id: { is: isId },
  deployment_id: { is: isId },
  model: { is: (value) => isText(value, 200) },
  occurred_at: { is: isInstant },
  charge_cents: { is: isDecimal },
  currency: { is: isCurrency, isOptional: true },
  input_tokens: { is: isCount, isOptional: true },
  output_tokens: { is: isCount, isOptional: true },
  attributes: { is: areAttributes, isOptional: true },
};
const METERED: Grammar = {
  record_id: { is: (value) => isVisibleId(value, 200) },
  tenant_id: { is: isId },
  deployment_id: { is: isId },
  resource_kind: { is: (value) => isVisibleId(value, 100) },
  qty: { is: isDecimal },
  occurred_at: { is: isInstant },
  replaces: { is: (value) => isVisibleId(value, 200), isOptional: true },
};

function isEvent(grammar: Grammar, event: unknown): boolean {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return false;
  const fields = new Map(Object.entries(event));
  if ([...fields.keys()].some((name) => !Object.hasOwn(grammar, name))) return false;
  return Object.entries(grammar).every(([name, { is, isOptional }]) =>
    fields.has(name) ? is(fields.get(name)) : isOptional === true,
  );
}

const two = fc.nat(99).map((n) => String(n).padStart(2, '0'));
/** Instants and near misses. */
const instants = fc
  .tuple(
    fc.constantFrom('1999', '2000', '2024', '2026', '2100', '2999', '3000'),
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom('01', '02', '04', '12') }, two),
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom('01', '28', '29', '30', '31') }, two),
    fc.constantFrom('T', 't', ' '),
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom('00', '12', '23', '24') }, two),
    fc.constantFrom('00', '59', '60'),
    fc.constantFrom('00', '59', '60'),
    fc.constantFrom('', '.', '.0', '.5', '.123456789', '.1234567890'),
    fc.constantFrom(
      'Z',
      'z',
      '',
      '+00:00',
      '-00:00',
      '+10:30',
      '-23:59',
      '+24:00',
      '+1:00',
      '+0100',
    ),
  )
  .map(([y, m, d, t, h, min, s, f, o]) => `${y}-${m}-${d}${t}${h}:${min}:${s}${f}${o}`);
const decimals = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0019.-+eE ,_'), maxLength: 14 }),
  fc.tuple(fc.nat(13), fc.nat(13)).map(([a, b]) => `${'9'.repeat(a)}.${'7'.repeat(b)}`),
  fc.tuple(fc.nat(13), fc.nat(2)).map(([a, b]) => `1${'0'.repeat(a)}${'.0'.repeat(b)}`),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('a'.repeat(100), 'a'.repeat(101), '😀'.repeat(200), 'a'.repeat(201), 'x\ud800'),
  fc.constantFrom('a'.repeat(64), 'a'.repeat(65), 'acme', 'AUD', 'aud', 'A.b_c-9', '_a'),
);
const anything = fc.oneof(
  { weight: 3, arbitrary: instants },
  { weight: 3, arbitrary: decimals },
  { weight: 3, arbitrary: texts },
  fc.constantFrom(0, 1, -1, 0.5, 2 ** 53, 2 ** 53 - 1, null, true),
  fc.jsonValue({ maxDepth: 1 }),
);

/** Attributes and near misses. */
const attributes = fc.dictionary(
  fc.oneof(
    fc.constantFrom(
      'team',
      'a',
      'a_1',
      'Team',
      '_a',
      '1a',
      '',
      'a-b',
      '__proto__',
      'a'.repeat(40),
      'a'.repeat(41),
    ),
    { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...'abc_09'), maxLength: 4 }) },
  ),
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom('search', 'x'.repeat(200), 'é') }, texts),
  { maxKeys: 12, noNullPrototype: true },
);

/** Values close to what a field accepts. */
function near(name: string): fc.Arbitrary<unknown> {
  if (name === 'attributes') return fc.oneof({ weight: 6, arbitrary: attributes }, anything);
  const own = name === 'occurred_at' ? instants : /qty|cents/.test(name) ? decimals : texts;
  return fc.oneof({ weight: 3, arbitrary: own }, anything);
}

/** A valid event with up to two fields changed, missing or added. */
function variants(valid: object, grammar: Grammar): fc.Arbitrary<object> {
  const names = [...Object.keys(grammar), 'extra', '__proto__'];
  const change = fc
    .constantFrom(...names)
    .chain((name) =>
      fc.tuple(
        fc.constant(name),
        fc.oneof({ weight: 9, arbitrary: near(name) }, fc.constant(undefined)),
      ),
    );
  return fc.array(change, { minLength: 0, maxLength: 2 }).map((changes) => {
    const fields = new Map<string, unknown>(Object.entries(valid));
    for (const [name, value] of changes) {
      if (value === undefined) fields.delete(name);
      else fields.set(name, value);
    }
    // Parsed like a body, where `__proto__` is an ordinary name.
    const json = [...fields].map(
      ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
    );
    return JSON.parse(`{${json.join(',')}}`) as object;
  });
}

describe.each([
  ['LLM events', LLM_USAGE.schema, LLM, sentLlmEvent],
  ['metered records', METERED_USAGE.schema, METERED, sentMeteredRecord],
] as const)('%s', (_what, schema, grammar, valid) => {
  test('are accepted exactly if they match the documented grammar', () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(variants(valid, grammar), (event) => {
        const { ok } = parseEvent<unknown>(schema, event);
        seen[ok ? 'taken' : 'refused'] += 1;
        expect(ok).toBe(isEvent(grammar, event));
      }),
      { numRuns: 5_000 },
    );
    // Otherwise the generator produces only one kind.
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(500);
  });

  test('that are anything else are rejected with a reason', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const outcome = parseEvent<unknown>(schema, value);
        expect(outcome.ok).toBe(isEvent(grammar, value));
        expect(outcome.ok || outcome.result).toMatchObject({
          reason: expect.any(String) as string,
        });
      }),
    );
  });
});

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
const validDecimals = fc
  .tuple(
    fc.oneof(
      fc.constant('0'),
      digits(1, 12).map((text) => text.replace(/^0+/, '') || '0'),
    ),
    fc.option(digits(1, 12)),
  )
  .map(([whole, fraction]) => (fraction === null ? whole : `${whole}.${fraction}`));

/** Scaled to an integer: exact, without the decimal library. */
function scaled(decimal: string): bigint {
  const [whole = '', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}

test('a decimal keeps every digit on its way into the ledger', () => {
  fc.assert(
    fc.property(validDecimals, (charge) => {
      expect(isDecimal(charge)).toBe(true);
      expect(scaled(toDecimalString(parseDecimal(charge)))).toBe(scaled(charge));
      const normal = normalizeDecimalString(charge);
      expect(scaled(normal)).toBe(scaled(charge));
      expect(normalizeDecimalString(normal)).toBe(normal);
      const parsed = parseEvent(LLM_USAGE.schema, { ...sentLlmEvent, charge_cents: charge });
      const place = { serviceMonth: '2026-05-01', barred: null };
      expect(parsed.ok && LLM_USAGE.toEntry(parsed.event, deployment, place).chargeCents).toBe(
        charge,
      );
    }),
    { numRuns: 1_000 },
  );
});
