import { globSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const IMAGES = join('docs', 'images');
/** Readers of a document load all of them together. */
const MAX_BYTES = 100_000;

interface Shown {
  readonly document: string;
  readonly alt: string;
  /** Relative to the project's folder. */
  readonly path: string;
}

const shown: readonly Shown[] = ['*.md', 'docs/**/*.md']
  .flatMap((pattern) => globSync(pattern, { cwd: PROJECT }))
  .flatMap((document) =>
    [...readFileSync(join(PROJECT, document), 'utf8').matchAll(/!\[([^\]]*)\]\(([^)\s]+)\)/g)].map(
      ([, alt = '', target = '']) => ({ document, alt, path: join(dirname(document), target) }),
    ),
  );
const images = readdirSync(join(PROJECT, IMAGES)).toSorted();

test('every picture in the documents exists and has an alternative text', () => {
  const known = new Set(globSync('docs/**/*.{png,svg}', { cwd: PROJECT }));
  expect(shown).not.toEqual([]);
  expect(shown.filter(({ path }) => !known.has(path))).toEqual([]);
  expect(shown.filter(({ alt }) => alt.trim().split(/\s+/).length < 3)).toEqual([]);
});

test('every picture is used by a document', () => {
  const used = new Set(shown.map(({ path }) => relative(IMAGES, path)));
  expect(images.filter((image) => !used.has(image))).toEqual([]);
});

test('`npm run screenshots` can take every picture again', () => {
  const code = globSync('scripts/screenshots/*.ts', { cwd: PROJECT }).map((file) =>
    readFileSync(join(PROJECT, file), 'utf8'),
  );
  const names = code.flatMap((text) => [...text.matchAll(/\bname: '([\w-]+)',\n\s+shows:/g)]);
  expect(names.map(([, name]) => `${name}.png`).toSorted()).toEqual(images);
});

test('no picture exceeds the size limit', () => {
  const sizes = images.map((image) => ({
    image,
    bytes: statSync(join(PROJECT, IMAGES, image)).size,
  }));
  expect(sizes.filter(({ bytes }) => bytes > MAX_BYTES)).toEqual([]);
});
