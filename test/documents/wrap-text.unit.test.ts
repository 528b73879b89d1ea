import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, wrapText } from '../../src/documents/wrap-text.ts';

/** Every UTF-16 unit is one point wide. */
const measure = (text: string): number => text.length;

test('breaks between words, and within a word that is longer than a line', () => {
  expect(wrapText('one two three', 7, measure)).toEqual(['one two', 'three']);
  expect(wrapText('a abcdefgh b', 4, measure)).toEqual(['a', 'abcd', 'efgh', 'b']);
  expect(wrapText('', 4, measure)).toEqual(['']);
});

test('breaks at a no-break space only what is longer than a line', () => {
  expect(wrapText('a 12\u00a0GB', 5, measure)).toEqual(['a', '12\u00a0GB']);
  expect(wrapText('123456\u00a0GB', 7, measure)).toEqual(['123456', 'GB']);
});

test('loses no letter and makes no line too long', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'ß', '日', ' ', '-') });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, width) => {
      const lines = wrapText(text, width, measure);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      for (const one of lines) expect(one.length).toBeLessThanOrEqual(width);
    }),
  );
});

test('keeps a letter and its combining accents together', () => {
  expect(wrapText('e\u0301e\u0301', 2, measure)).toEqual(['e\u0301', 'e\u0301']);
});

test('cuts a text that is too long between letters, with an ellipsis', () => {
  expect(cutText('acme-000001', 11, measure)).toBe('acme-000001');
  expect(cutText('acme-000001', 6, measure)).toBe('acme-…');
  expect(cutText('e\u0301e\u0301e\u0301', 4, measure)).toBe('e\u0301…');
});
