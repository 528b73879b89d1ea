import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as fontkit from 'fontkit';
import { unpackWoff } from './woff.ts';

/** The fonts of a PDF. Only the glyphs in use are embedded. */

export type Weight = 'regular' | 'bold';
export type FaceName = Weight | 'fallback';

const FILES: Readonly<Record<FaceName, string>> = {
  // Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian and more: `unicover.txt` of the package.
  regular: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  bold: 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf',
  // Unicode's first plane, including Chinese, Japanese and Korean, in one weight and 3 MB. Plain, but complete.
  // Not the WOFF2 file: pdfkit silently draws nothing from it.
  fallback: '@fontsource/unifontex/files/unifontex-latin-400-normal.woff',
};

interface Face {
  readonly bytes: Buffer;
  /** Distance from the baseline to the top, as a fraction of the size. */
  readonly ascent: number;
  readonly has: (codePoint: number) => boolean;
}

/** Returns a face, which is read when first used. */
export const faceOf = (() => {
  const faces = new Map<FaceName, Face>();
  return (name: FaceName): Face => {
    const known = faces.get(name) ?? readFace(FILES[name]);
    faces.set(name, known);
    return known;
  };
})();

function readFace(file: string): Face {
  const packed = readFileSync(createRequire(import.meta.url).resolve(file));
  const bytes = file.endsWith('.woff') ? unpackWoff(packed) : packed;
  const font = fontkit.create(bytes) as fontkit.Font;
  return {
    bytes,
    ascent: font.ascent / font.unitsPerEm,
    has: (codePoint) => font.hasGlyphForCodePoint(codePoint),
  };
}

const BOX = '□';

/** A part of a text in one face. */
export interface Run {
  readonly face: FaceName;
  readonly text: string;
}

/**
 * Splits a text into runs by face: the requested one, or the fallback for characters that it lacks. Characters that both
 * lack become a visible box.
 */
export function toRuns(text: string, weight: Weight): readonly Run[] {
  if (/^\p{ASCII}*$/u.test(text)) return [{ face: weight, text }];
  const runs: { face: FaceName; text: string }[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    const found = [weight, 'fallback' as const].find((name) => faceOf(name).has(codePoint));
    const [face, shown] = found ? [found, character] : [weight, BOX];
    const last = runs.at(-1);
    if (last?.face === face) last.text += shown;
    else runs.push({ face, text: shown });
  }
  return runs;
}
