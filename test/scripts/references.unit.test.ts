import { basename, dirname, join, normalize } from 'node:path';
import GithubSlugger from 'github-slugger';
import { expect, test } from 'vitest';
import { isInProject, PROJECT_FILES, readProjectFile } from './_project-files.ts';

/** This file. */
const ITSELF = 'test/scripts/references.unit.test.ts';
const TEXT = /\.(?:ts|mts|cts|mjs|cjs|js|sql|md|ya?ml|json)$/;

interface Reference {
  /** Its file and line. */
  readonly at: string;
  /** The cited path, relative to the project's folder, with an optional anchor. */
  readonly target: string;
}

/** The anchors that GitHub makes from the headings of a Markdown file. */
const anchors = new Map<string, ReadonlySet<string>>();
function anchorsOf(file: string): ReadonlySet<string> {
  const known = anchors.get(file);
  if (known) return known;
  const slugger = new GithubSlugger();
  const prose = readProjectFile(file).replaceAll(/^```[\s\S]*?^```/gm, '');
  const found = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    slugger.slug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')),
  );
  anchors.set(file, new Set(found));
  return new Set(found);
}

function findAll(files: readonly string[], pattern: RegExp): readonly Reference[] {
  return files.flatMap((file) =>
    readProjectFile(file)
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(pattern)].map(([, target = '']) => ({
          at: `${file}:${index + 1}`,
          target,
        })),
      ),
  );
}

function isDead({ target }: Reference): boolean {
  const [path = '', anchor] = target.split('#');
  if (!isInProject(path)) return true;
  return anchor !== undefined && !anchorsOf(path).has(anchor);
}

test('every citation of the billing rules names an existing section', () => {
  const citations = findAll(
    PROJECT_FILES.filter((file) => TEXT.test(file)),
    /(docs\/spec\.md(?:#[\w-]*)?)/g,
  );
  expect(citations.length).toBeGreaterThan(10);
  expect(citations.filter(isDead)).toEqual([]);
});

test('nothing cites rules outside the repository', () => {
  const ours = PROJECT_FILES.filter((file) => TEXT.test(file) && !file.startsWith('test/vectors/'));
  expect(findAll(ours, /(\bSPEC\b(?!IAL).*)/g).filter(({ at }) => !at.startsWith(ITSELF))).toEqual(
    [],
  );
});

test('every link between documents has a target', () => {
  const documents = PROJECT_FILES.filter((file) => file.endsWith('.md'));
  const links = documents.flatMap((document) =>
    findAll([document], /\]\(([^()\s]+)\)/g)
      .filter(({ target }) => !/^[a-z]+:/.test(target))
      .map(({ at, target }) => ({
        at,
        target: target.startsWith('#')
          ? `${document}${target}`
          : normalize(join(dirname(document), target)),
      })),
  );
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(isDead)).toEqual([]);
});

test('every path named in a document exists', () => {
  const documents = PROJECT_FILES.filter((file) => file.endsWith('.md'));
  const paths = findAll(
    documents,
    /`((?:src|dev|test|bench|scripts|deploy|migrations|demo|docs)\/[\w./-]*)`/g,
  );
  expect(paths.length).toBeGreaterThan(50);
  expect(paths.filter(isDead)).toEqual([]);

  const names = new Set(PROJECT_FILES.map((file) => basename(file)));
  const tests = findAll(documents, /`([\w.-]+\.test\.ts)`/g);
  expect(tests.filter(({ target }) => !names.has(target))).toEqual([]);
});

test('every decision has the same form and a row in the index', () => {
  const decisions = PROJECT_FILES.filter((file) => /^docs\/adr\/\d{4}-/.test(file));
  expect(decisions.length).toBeGreaterThan(20);
  const index = readProjectFile('docs/adr/README.md');
  for (const file of decisions) {
    expect(readProjectFile(file), file).toMatch(
      /^# \d+\. .+\n\n\d{4}-\d\d-\d\d · [^#]+\n## Context\n[^]+\n## Decision\n[^]+\n## Consequences\n/,
    );
    expect(index).toContain(`(${basename(file)})`);
  }
});
