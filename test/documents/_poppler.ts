import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads PDFs as a reader sees them; needs Debian's package poppler-utils. */
export const HAS_POPPLER = spawnSync('pdftotext', ['-v']).error === undefined;
export const NEEDS_POPPLER = 'needs pdftotext: install poppler-utils (Debian, Homebrew: poppler)';

/** Returns the text of each page in its layout. */
export function textOfPages(pdf: Buffer): readonly string[] {
  const text = execFileSync('pdftotext', ['-layout', '-enc', 'UTF-8', '-', '-'], {
    input: pdf,
    maxBuffer: 64 * 1024 * 1024,
  });
  return text.toString('utf8').split('\f').slice(0, -1);
}

/** Returns the pages as pictures: one byte of grey per pixel, row by row. */
export function picturesOf(pdf: Buffer): readonly Picture[] {
  const folder = mkdtempSync(join(tmpdir(), 'arcadia-pdf-'));
  try {
    const file = join(folder, 'in.pdf');
    writeFileSync(file, pdf);
    execFileSync('pdftoppm', ['-gray', '-r', '40', file, join(folder, 'page')]);
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pgm'))
      .sort()
      .map((name) => readPgm(readFileSync(join(folder, name))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}

function readPgm(file: Buffer): Picture {
  const [head = '', width = '', height = ''] =
    /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(file.subarray(0, 64).toString('latin1')) ?? [];
  return { width: Number(width), height: Number(height), pixels: file.subarray(head.length) };
}
