import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findJsonFlaw, MAX_DEPTH } from '../../src/lib/json-flaw.ts';
import { toPointer } from '../../src/lib/json-pointer.ts';
import {
  readStrictJson,
  readUtf8,
  sayMistake,
  withoutBom,
  type StrictJson,
} from '../../src/lib/strict-bytes.ts';

const read = (text: string) => readStrictJson(Buffer.from(text));

/** The same in separate steps: a strict decoder, the full search for flaws, then the parser. */
function readSlowly(bytes: Buffer): StrictJson {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, mistake: 'not-utf8', encoding: null };
  }
  const flaw = findJsonFlaw(text);
  if (flaw !== null) return { ok: false, mistake: 'flaw', flaw };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, mistake: 'not-json' };
  }
}

test.each([
  ['{"a":[1,{"b":null}],"ä":"\\u00e4"}', { a: [1, { b: null }], ä: 'ä' }],
  [' [ ] ', []],
  ['"a"', 'a'],
  ['{"a" : ":", "b"\t:\r\n"\\":"}', { a: ':', b: '":' }],
])('reads %s', (text, value) => {
  expect(read(text)).toEqual({ ok: true, value });
});

test('treats `__proto__` as an ordinary name', () => {
  const { value } = read('{"__proto__":{"a":1}}') as { value: object };
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(read('{"__proto__":1,"__proto__":1}')).toMatchObject({ mistake: 'flaw' });
});

describe('rejects', () => {
  test('bytes that are not UTF-8, at any position', () => {
    const bytes = Buffer.from('{"a":"\xff"}', 'latin1');
    expect(readStrictJson(bytes)).toMatchObject({ ok: false, mistake: 'not-utf8' });
  });

  test.each(['', '{', '{"a"}', "{'a':1}", 'NaN', '1 2', '{"a":1,}', '"'])(
    '%j, which is not JSON',
    (text) => {
      expect(read(text)).toEqual({ ok: false, mistake: 'not-json' });
    },
  );

  test.each([
    ['{"a":1,"a":1}', '/a'],
    ['{"a":{"x":1,"y":2,"z":3},"b":0,"a":1}', '/a'],
    ['[{"a":1},{"\\u0061":1,"a":2}]', '/1/a'],
    ['{"a":{"b":{"c":1,"c":[]}}}', '/a/b/c'],
  ])('%s, with a duplicate name at %s', (text, pointer) => {
    const outcome = read(text);
    if (outcome.ok || outcome.mistake !== 'flaw') throw new Error('no flaw was found');
    expect(toPointer(outcome.flaw.path)).toBe(pointer);
    expect(sayMistake('the body', outcome)).toBe(
      `${pointer}: this name appears twice in its object`,
    );
  });

  test('nesting beyond 32 levels, whether or not it is closed', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(read(nested(MAX_DEPTH)).ok).toBe(true);
    for (const text of [nested(MAX_DEPTH + 1), nested(500_000), '{"a":'.repeat(100_000)]) {
      expect(read(text)).toMatchObject({ flaw: { detail: 'nested deeper than 32 levels' } });
    }
  });
});

describe('names another encoding', () => {
  const text = '{"legal_name":"Bäckerei Müller"}';
  test.each([
    ['Latin-1', Buffer.from(text, 'latin1')],
    ['Windows-1252', Buffer.from(text.replace('ü', '\x80'), 'latin1')],
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le').subarray(1)],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0, 0x7d, 0, 0, 0])],
  ] as const)('%s', (encoding, bytes) => {
    expect(readStrictJson(bytes)).toEqual({ ok: false, mistake: 'not-utf8', encoding });
    expect(readUtf8(bytes)).toEqual({ ok: false, encoding });
    const reason = `the file is not UTF-8; it looks like ${encoding}: save it as UTF-8`;
    expect(sayMistake('the file', { ok: false, mistake: 'not-utf8', encoding })).toBe(reason);
  });

  test('damaged UTF-8 is not reported as another encoding', () => {
    const damaged = Buffer.from(text).subarray(0, text.indexOf('ü') + 2);
    expect(readStrictJson(damaged)).toEqual({ ok: false, mistake: 'not-utf8', encoding: null });
  });

  test('a stray NUL is reported as a JSON error', () => {
    expect(read('{"a":"b\0c"}')).toEqual({ ok: false, mistake: 'not-json' });
  });
});

test('removes one byte order mark from a document', () => {
  const bytes = Buffer.from('\ufeff\ufeff{}');
  expect(withoutBom(bytes).toString()).toBe('\ufeff{}');
  expect(readStrictJson(withoutBom(withoutBom(bytes)))).toEqual({ ok: true, value: {} });
  expect(readStrictJson(bytes)).toEqual({ ok: false, mistake: 'not-json' });
});

/** Objects with duplicate names at any depth. */
const written = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('1', '""', '":"', '"\\\\"', '"\\":"', 'null', '"ä"'),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(' , ')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('"a"', '"b"', '"\\u0061"', '":"'), tie('value')), {
        maxLength: 3,
      })
      .map((members) => `{${members.map(([name, value]) => `${name} : ${value}`).join(',')}}`),
  ),
})).value;

test('accepts and rejects the same as the separate steps', () => {
  const seen = { read: 0, flawed: 0 };
  const bytes = fc.oneof(
    { weight: 3, arbitrary: written.map((text) => Buffer.from(text)) },
    fc.json().map((text) => Buffer.from(text)),
    fc
      .string({ unit: fc.constantFrom(...'{}[]",:\\ua0 '), maxLength: 20 })
      .map((text) => Buffer.from(text)),
    // NULs look like UTF-16.
    fc.uint8Array({ min: 1, maxLength: 20 }).map((array) => Buffer.from(array)),
  );
  fc.assert(
    fc.property(bytes, (sent) => {
      const outcome = readStrictJson(sent);
      if (outcome.ok) seen.read += 1;
      else if (outcome.mistake === 'flaw') seen.flawed += 1;
      expect('encoding' in outcome ? { ...outcome, encoding: null } : outcome).toEqual(
        readSlowly(sent),
      );
    }),
    { numRuns: 5_000 },
  );
  // Otherwise the generator produces only one kind.
  expect(Math.min(seen.read, seen.flawed)).toBeGreaterThan(300);
});
