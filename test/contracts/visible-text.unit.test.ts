import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toCell } from '../../src/lib/csv.ts';
import { documentCsv } from '../../src/documents/document-csv.ts';
import { makeDocument } from '../../src/documents/render-document.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { markup } from '../../src/lib/markup.ts';
import { visible, visibleIn, visibleLines } from '../../src/lib/visible-text.ts';
import { SELLER, line, sourceOf } from '../documents/_source.ts';

describe('visible text', () => {
  test.each([
    ['a right-to-left override', 'invoice\u202efdp.exe', String.raw`invoice\u202efdp.exe`],
    ['isolates and marks', '\u2066a\u2069\u200e', String.raw`\u2066a\u2069\u200e`],
    ['zero-width characters', 'ac\u200bme\u2060\ufeff', String.raw`ac\u200bme\u2060\ufeff`],
    ['a soft hyphen', 'ac\u00adme', String.raw`ac\u00adme`],
    ['tags, by the units of UTF-16', 'a\u{e0041}', String.raw`a\udb40\udc41`],
    [
      'what a terminal obeys',
      '\u001b[2J\u009b2J\r\n\0',
      String.raw`\u001b[2J\u009b2J\u000d\u000a\u0000`,
    ],
    ['separators of lines', 'a\u2028b\u2029c\u0085', String.raw`a\u2028b\u2029c\u0085`],
    ['half of a pair', 'a\ud83d', String.raw`a\ud83d`],
    ['a joiner that joins nothing', 'ac\u200dme', String.raw`ac\u200dme`],
    ['a joiner after the last letter', 'علی\u200c', String.raw`علی\u200c`],
    ['a second joiner', 'می\u200c\u200cخواهم', String.raw`می\u200c\u200cخواهم`],
  ])('shows %s', (_name, hidden, shown) => {
    expect(visible(hidden)).toBe(shown);
  });

  test.each([
    'Acme Pty Ltd',
    'שלום בע״מ',
    'شركة النور',
    'می\u200cخواهم',
    'क्\u200dष',
    '株式会社 é 😀',
  ])('leaves %j alone', (name) => expect(visible(name)).toBe(name));

  test('keeps line feeds, and the meaning of JSON', () => {
    expect(visibleLines('a\u202e\nb\r')).toBe('a\\u202e\nb\\u000d');
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        const shown = visibleLines(JSON.stringify(JSON.parse(json), null, 2));
        expect(JSON.parse(shown)).toEqual(JSON.parse(json));
        expect(shown).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
      }),
    );
  });

  test('applies to every value and every name in data, and changes nothing else', () => {
    const at = new Date(0);
    const data = { 'a\n': ['b\u001b', { c: 'd\u200b' }, 1, null, at], __proto__x: undefined };
    expect(visibleIn(data)).toEqual({
      'a\\u000a': ['b\\u001b', { c: 'd\\u200b' }, 1, null, at],
      __proto__x: undefined,
    });
  });
});

describe('hidden characters are made visible', () => {
  const NAME = 'Acme\u202e\u200b\u009b\u001b[31m';
  const SHOWN = String.raw`Acme\u202e\u200b\u009b\u001b[31m`;

  test('in a page, in text and attributes, which keep line feeds', () => {
    const { text } = markup`<p title="${NAME}">${NAME}\nb</p>`;
    expect(text).toBe(`<p title="${SHOWN}">${SHOWN}\nb</p>`);
  });

  test('in a document, and so in HTML and PDF', () => {
    const lines = [line({ description: NAME, deployment_id: NAME })];
    const buyer = { legal_name: NAME, abn: null, address: [NAME], contact: NAME, email: NAME };
    const document = makeDocument(sourceOf(lines, { buyer }), { ...SELLER, legal_name: NAME });
    const text = JSON.stringify(document);
    expect(text).not.toMatch(/\p{Cc}|\p{Default_Ignorable_Code_Point}/u);
    expect(text.split(JSON.stringify(SHOWN).slice(1, -1))).toHaveLength(8);
  });

  test('in a CSV table, where formulas are still disarmed', () => {
    expect(documentCsv(sourceOf([line({ description: NAME })]), SELLER)).toContain(SHOWN);
    expect(toCell(`=1+1${NAME}`)).toBe(`'=1+1${SHOWN}`);
    expect(toCell('\t=1+1')).toBe(String.raw`\u0009=1+1`);
  });

  test('in a log, whose entries stay on one line with the same meaning', () => {
    const lines: string[] = [];
    const logger = createLogger(
      { level: 'info', name: 'test' },
      { write: (text) => void lines.push(text) },
    );
    logger.info({ label: NAME, [NAME]: 1 }, `hello ${NAME}\nforged`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      label: NAME,
      [NAME]: 1,
      msg: `hello ${NAME}\nforged`,
    });
  });
});
