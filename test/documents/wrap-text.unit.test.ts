import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapText } from '../../src/documents/wrap-text.ts';

/** Each UTF-16 unit is a point wide. */
const measure = (text: string): number => text.length;

test('breaks between words, and within one that is longer than a line', () => {
  expect(wrapText('one two three', 7, measure)).toEqual(['one two', 'three']);
  expect(wrapText('a abcdefgh b', 4, measure)).toEqual(['a', 'abcd', 'efgh', 'b']);
  expect(wrapText('', 4, measure)).toEqual(['']);
});

test('no letter is lost, and no line too long', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'ß', '日', ' ', '-') });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, width) => {
      const lines = wrapText(text, width, measure);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      for (const one of lines) expect(one.length).toBeLessThanOrEqual(width);
    }),
  );
});

test('a letter with its accents stays whole', () => {
  expect(wrapText('e\u0301e\u0301', 2, measure)).toEqual(['e\u0301', 'e\u0301']);
});
