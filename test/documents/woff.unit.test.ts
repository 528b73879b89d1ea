import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as fontkit from 'fontkit';
import { expect, test } from 'vitest';
import { unpackWoff } from '../../src/documents/woff.ts';

const WOFF = readFileSync(
  createRequire(import.meta.url).resolve(
    '@fontsource/unifontex/files/unifontex-latin-400-normal.woff',
  ),
);

test('the decoded font draws the same glyphs as the original', () => {
  const [packed, unpacked] = [WOFF, unpackWoff(WOFF)].map(
    (bytes) => fontkit.create(bytes) as fontkit.Font,
  );
  expect(unpacked?.type).toBe('TTF');
  for (const character of '東한A') {
    const codePoint = character.codePointAt(0)!;
    const [before, after] = [packed, unpacked].map((font) =>
      font!.glyphForCodePoint(codePoint).path.toSVG(),
    );
    expect(after).toBe(before);
    expect(after).toMatch(/^M/);
  }
});

test('rejects data that is not WOFF', () => {
  expect(() => unpackWoff(Buffer.from('wOF2, or anything'))).toThrow('not a WOFF font');
});
