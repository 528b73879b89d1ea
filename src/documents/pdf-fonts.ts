import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as fontkit from 'fontkit';

/** The fonts of a PDF, of which the glyphs that are used are embedded. */

export const WEIGHTS = ['regular', 'bold'] as const;
export type Weight = (typeof WEIGHTS)[number];

/** Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian and more: `unicover.txt` of the package. */
const FILES: Readonly<Record<Weight, string>> = {
  regular: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  bold: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf',
};

interface Face {
  readonly bytes: Buffer;
  readonly has: (codePoint: number) => boolean;
}

/** A face, read at its first use. */
export const faceOf = (() => {
  const faces = new Map<Weight, Face>();
  return (weight: Weight): Face => {
    const known = faces.get(weight) ?? readFace(FILES[weight]);
    faces.set(weight, known);
    return known;
  };
})();

function readFace(file: string): Face {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(file));
  const font = fontkit.create(bytes) as fontkit.Font;
  return { bytes, has: (codePoint) => font.hasGlyphForCodePoint(codePoint) };
}

/** With a box in place of each character that the face doesn't have: seen, and not lost without a word. */
export function withBoxes(text: string, weight: Weight): string {
  const { has } = faceOf(weight);
  return text.replaceAll(/\P{ASCII}/gu, (character) =>
    has(character.codePointAt(0) ?? 0) ? character : '□',
  );
}
