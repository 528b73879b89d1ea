import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/cli/explain-error.ts';
import { createProgram } from '../../src/cli/program.ts';
import { renderReference, replaceReference } from '../../src/cli/reference.ts';
import { leavesOf } from './_leaves.ts';

const document = readFileSync('docs/cli.md', 'utf8');
const program = await createProgram();

test('docs/cli.md has the commands as they are (`npm run cli:reference` puts them there)', () => {
  expect(replaceReference(document, renderReference(program))).toBe(document);
});

test('each of them, and nothing that changes with the month', () => {
  const reference = renderReference(program);
  for (const { path } of leavesOf(program)) {
    expect(reference).toContain(`Usage: arcadia ${path.join(' ')} `);
  }
  expect(reference).not.toMatch(/default: "20\d\d-/);
});

test('each kind of error', () => {
  for (const kind of ERROR_KINDS) expect(document).toContain(`| \`${kind}\``);
});

test('a document without a place for them is told', () => {
  expect(() => replaceReference('# Nothing', 'x')).toThrow('has no <!-- commands: begin -->');
});
