import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEW, picked, scan } from './_scan.ts';

const SAMPLE = readFileSync(new URL('../../litellm/sample.ndjson', import.meta.url));
const LINES = SAMPLE.toString().trimEnd().split('\n');

const pick = (body: string | Buffer, size?: number) =>
  picked(scan(body, { wanted: FEW, ...(size !== undefined && { size }) }));

const CUT_LINE = 'the line ends in the middle of this event';
const CUT_BODY = 'the body ends in the middle of this event';
const CUT_LIST = 'the body ends before its list does: events may be missing';
const NO_OBJECT = 'this is not a JSON object';

describe('finds the same events', () => {
  const objects = ['{"id":"a"}', '{"id":"b"}'];
  const both = [{ id: '"a"' }, { id: '"b"' }];
  test.each([
    ['in a list', `[${objects.join(', ')}]`],
    ['in a list over several lines', `[\n  ${objects.join(',\n  ')}\n]\n`],
    ['in a list after a byte order mark', `\ufeff[${objects.join()}]`],
    ['in lines', objects.join('\n')],
    ['in lines that end with CRLF, some of them empty', `\r\n${objects.join('\r\n\r\n')}\r\n`],
    ['in two lists', `[${objects[0]}]\n[${objects[1]}]`],
  ])('%s', (_how, body) => {
    expect(pick(body)).toEqual(both);
  });

  test('in one object over several lines', () => {
    expect(pick('{\n  "id": "a",\n  "in": {\n    "id": "b"\n  }\n}\n')).toEqual([
      { id: '"a"', in: '{', 'in.id': '"b"' },
    ]);
  });

  test.each(['', ' \n', '[]', '[ ]\n', '\ufeff'])('none in %j', (body) => {
    expect(pick(body)).toEqual([]);
  });

  test('whatever the size of the chunks', () => {
    const list = Buffer.from(`[${LINES.join(',')}]`);
    const whole = scan(list);
    expect(whole).toHaveLength(LINES.length);
    expect(scan(SAMPLE).map(({ fields }) => fields)).toEqual(whole.map(({ fields }) => fields));
    for (const size of [1, 2, 3, 7, 64, 1000, 4099]) expect(scan(list, { size })).toEqual(whole);
  });
});

test('picks the fields that JSON.parse finds, from any object', () => {
  const name = fc.oneof(
    fc.constantFrom('id', 'n', 'in', 'deep', 'x'),
    fc.string({ unit: 'binary' }),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(name, tie('any'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).any;
  const object = fc
    .tuple(
      fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true }),
      fc.option(fc.oneof(fc.constantFrom(...REPEATED), value), { nil: undefined }),
    )
    .map(([fields, same]) =>
      same === undefined ? fields : { same, in: { same, id: 'inside' }, ...fields },
    );
  const space = fc.constantFrom(undefined, 1);
  fc.assert(
    fc.property(fc.array(object), space, fc.integer({ min: 1, max: 99 }), (objects, by, size) => {
      expect(pick(JSON.stringify(objects, null, by), size)).toEqual(objects.map(expected));
    }),
  );
});

const ALIKE = 'They differ in what comes after the bytes by which they are looked up.';
/** Values of fields that aren't picked, and often the same. */
const REPEATED = [
  { about: ALIKE, id: 'evil' },
  { about: ALIKE, id: 'evil', n: ['}', { in: {} }] },
  { about: ALIKE, text: '","id":"evil' },
  [ALIKE, [], '\\'],
  {},
];

test.each(REPEATED)('skips %j each time', (same) => {
  const body = JSON.stringify([
    { same, id: 'a' },
    { same: { ...same, more: 1 }, id: 'b' },
    { same, in: { same, id: 'c' } },
    { same: null, n: 1, in: { same: ALIKE } },
  ]);
  const found = [{ id: '"a"' }, { id: '"b"' }, { in: '{', 'in.id': '"c"' }, { n: '1', in: '{' }];
  expect(pick(body)).toEqual(found);
  expect(pick(body.slice(1, -1).replaceAll('},{"same"', '}\n{"same"'))).toEqual(found);
  expect(pick(body.slice(0, -2))).toEqual([...found.slice(0, -1), CUT_BODY]);
});

test('takes only what it has read from its start for a value that was there before', () => {
  const inner = `{"text":"${'x'.repeat(100)}"}`;
  const start = `{"pad":"${'x'.repeat(300)}","inner":`;
  const body = `[{"same":${start}${inner}}},{"same":${inner}},{"id":"a"}]`;
  // In the second chunk, the inner object begins where the outer one does in the first.
  expect(pick(body, start.length)).toEqual([{}, {}, { id: '"a"' }]);
});

/** What should be picked, by the parser. */
function expected(object: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {};
  const take = (from: unknown, names: readonly string[], prefix: string) => {
    if (typeof from !== 'object' || from === null || Array.isArray(from)) return;
    for (const name of names) {
      if (!Object.hasOwn(from, name)) continue;
      const value = (from as Record<string, unknown>)[name];
      const isNested = typeof value === 'object' && value !== null;
      found[prefix + name] = isNested ? (Array.isArray(value) ? '[' : '{') : JSON.stringify(value);
    }
  };
  const inside = object.in as Record<string, unknown> | undefined;
  take(object, ['id', 'n', 'in'], '');
  if (found.in === '{') take(inside, ['id', 'deep'], 'in.');
  if (found['in.deep'] === '{') take(inside?.deep, ['x'], 'in.deep.');
  return found;
}

test('takes a name only where it belongs, not from content that clients write', () => {
  const evil = JSON.stringify({ id: 'evil', n: 1, in: { id: 'evil' } });
  const text = JSON.stringify(`","id":"evil","n":1,"in":${evil}`);
  expect(
    pick(`[{"messages":${text},"m":[${evil}],"o":{"id":"evil","in":${evil}},"id":"a"}]`),
  ).toEqual([{ id: '"a"' }]);
});

test('keeps the text of a number, and of what only Python takes for one', () => {
  expect(
    pick('[{"n":1.4999999999999999e-05},{"n":NaN},{"n":-Infinity},{"other":NaN,"n":1}]'),
  ).toEqual(['1.4999999999999999e-05', 'NaN', '-Infinity', '1'].map((n) => ({ n })));
});

test('reads a name with escapes', () => {
  expect(pick(String.raw`[{"\u0069d":"a","\u0069":1,"\":\u0069d":2}]`)).toEqual([{ id: '"a"' }]);
});

describe('finds a flaw', () => {
  test.each([
    ['a field that appears twice', '[{"id":"a","id":"b"}]', ['id appears twice']],
    ['one spelt with an escape', String.raw`[{"id":"a","i\u0064":"b"}]`, ['id appears twice']],
    ['an object that appears twice', '[{"in":{"id":"a"},"in":{}}]', ['in appears twice']],
    ['a name without quotes', '[{id:1}]', ['this event is not JSON: see its byte 2']],
    ['a missing value', '[{"id":}]', ['this event is not JSON: see its byte 7']],
    ['a missing colon', '[{"id" 1}]', ['this event is not JSON: see its byte 7']],
    ['the end of the body in an event', '[{"id":"a","n":1', [CUT_BODY]],
    ['the end of the body in a string', '[{"id":"a', [CUT_BODY]],
    ['the end of the body between events', '[{"id":"a"},', [{ id: '"a"' }, CUT_LIST]],
    [
      'a value that is no object',
      '[1, {"id":"a"}, null, "{", ["x"]]',
      [NO_OBJECT, { id: '"a"' }, ...[NO_OBJECT, NO_OBJECT, NO_OBJECT]],
    ],
    ['what follows a list', '[{"id":"a"}]] x', [{ id: '"a"' }, NO_OBJECT]],
    ['what is no JSON at all', '<p>Bad gateway</p>\n', [NO_OBJECT]],
  ])('in %s', (_what, body, found) => {
    expect(pick(body)).toEqual(found);
    expect(pick(body, 1)).toEqual(found);
  });

  test('in a field that is not UTF-8, but not in others', () => {
    const bytes = Buffer.from('[{"id":"\xff"},{"x":"\xff","id":"a"}]', 'latin1');
    expect(pick(bytes)).toEqual(['id is not UTF-8', { id: '"a"' }]);
  });

  test('in UTF-16', () => {
    const found = scan(Buffer.from('[{"id":"a"}]', 'utf16le'), { wanted: FEW });
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ flaw }) => flaw !== null)).toBe(true);
  });
});

test('an event with a flaw does not cost the others in its list', () => {
  expect(pick('[{"n":1,"n":2},{"id" "x", "y":[{}]},{"id":"b"}]')).toEqual([
    'n appears twice',
    'this event is not JSON: see its byte 7',
    { id: '"b"' },
  ]);
});

test.each([
  ['in a string', '{"id":"a'],
  ['after a value', '{"id":"a"'],
  ['in a number', '{"n":12'],
  ['before a value', '{"n":'],
  ['before a colon', '{"n"'],
  ['in a nested list', '{"x":[{"y":1},'],
  ['in a nested string', '{"x":[{"y":"1'],
])('a line that is cut off %s does not cost the next line', (_where, cut) => {
  const body = `${cut}\n{"id":"b"}\n`;
  expect(pick(body)).toEqual([CUT_LINE, { id: '"b"' }]);
  expect(pick(body, 1)).toEqual([CUT_LINE, { id: '"b"' }]);
});

test('keeps what was picked before a flaw', () => {
  const [event] = scan('[{"id":"a","n":1,"x":{', { wanted: FEW });
  expect(event).toMatchObject({ flaw: CUT_BODY, bytes: 21 });
  expect(Object.fromEntries(event!.fields)).toEqual({ id: '"a"', n: '1' });
});

describe('of a value beyond 16 KiB, keeps', () => {
  const long = '7'.repeat(20_000);

  test.each([1_000, 64 * 1024])('the beginning of a string, in chunks of %d', (size) => {
    expect(pick(`[{"id":"${long}","n":1}]`, size)).toEqual([
      { id: `"${'7'.repeat(16 * 1024 - 1)}"`, n: '1' },
    ]);
  });

  test('no number', () => {
    const [found] = pick(`[{"n":${long},"id":"a"}]`) as [{ n: string; id: string }];
    expect(Number(found.n)).toBeNaN();
    expect(found.id).toBe('"a"');
  });
});

test('follows any depth', () => {
  const depth = 200_000;
  const deep = `{"x":${'['.repeat(depth)}${']'.repeat(depth)},"id":"a"}`;
  expect(pick(`[${deep},{"id":"b"}]`)).toEqual([{ id: '"a"' }, { id: '"b"' }]);
});

test('reads 8 MiB of one event without keeping them', () => {
  const messages = 'x'.repeat(8 * 1024 * 1024);
  const [event] = scan(`[{"messages":"${messages}","id":"a"}]`, { wanted: FEW });
  expect(event).toMatchObject({ flaw: null, bytes: messages.length + 24 });
});
