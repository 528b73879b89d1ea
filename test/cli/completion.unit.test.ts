import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bashCompletion } from '../../src/cli/completion/bash.ts';
import { fishCompletion } from '../../src/cli/completion/fish.ts';
import { vocabulariesOf } from '../../src/cli/completion/vocabulary.ts';
import { zshCompletion } from '../../src/cli/completion/zsh.ts';
import { createProgram } from '../../src/cli/program.ts';
import { leavesOf } from './_leaves.ts';

const program = createProgram();
const vocabularies = vocabulariesOf(program);
const SCRIPTS = {
  bash: bashCompletion('arcadia', vocabularies),
  zsh: zshCompletion('arcadia', vocabularies),
  fish: fishCompletion('arcadia', vocabularies),
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-completion-'));
  for (const [shell, script] of Object.entries(SCRIPTS)) {
    writeFileSync(join(folder, `arcadia.${shell}`), script);
  }
  writeFileSync(join(folder, 'catalogue of ours.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
}

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What bash offers after these words, the last of which is being typed. */
function offers(...words: string[]): readonly string[] {
  const script = `source ./arcadia.bash
    COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _arcadia
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run('bash', '--norc', '-c', script, 'bash', 'arcadia', ...words)
    .split('\n')
    .filter(Boolean);
}

describe('bash', () => {
  test('commands, also behind an option that holds everywhere', () => {
    expect(offers('mon')).toEqual(['month-end']);
    expect(offers('month-end', 'st')).toEqual(['start', 'status']);
    expect(offers('--json', 'keys', 'cr')).toEqual(['create']);
  });

  test('options of the command', () => {
    expect(offers('month-end', 'status', '2026-05', '--w')).toEqual(['--watch']);
    expect(offers('migrate', '--w')).toEqual([]);
  });

  test('choices of an option and of an argument', () => {
    expect(offers('invoices', 'list', '--status', '')).toEqual(
      expect.arrayContaining(['issued', 'superseded']),
    );
    expect(offers('usage', 'send', 'x.ndjson', '--source', 'm')).toEqual(['metered']);
    expect(offers('completion', 'z')).toEqual(['zsh']);
  });

  test('nothing where nobody but the user knows', () => {
    expect(offers('invoices', 'list', '--tenant', '')).toEqual([]);
  });

  test('files', () => {
    expect(offers('catalogue', 'apply', 'cat')).toEqual(['catalogue of ours.json']);
    expect(offers('catalogue', 'apply', '--js')).toEqual(['--json']);
  });

  test('every command, with all of its options', () => {
    for (const { path, command } of leavesOf(program)) {
      const parents = path.slice(0, -1);
      expect(offers(...parents, command.name())).toContain(command.name());
    }
    const { options } = vocabularies.find(({ path }) => path === 'month-end force') ?? {};
    expect(offers('month-end', 'force', '--')).toEqual(options?.map(({ name }) => name));
  });
});

describe.skipIf(!has('zsh'))('zsh (where it is installed)', () => {
  test('can read the script', () => {
    expect(run('zsh', '-n', 'arcadia.zsh')).toBe('');
  });
});

describe.skipIf(!has('fish'))('fish (where it is installed)', () => {
  test.each([
    ['arcadia month-end st', ['start', 'status']],
    ['arcadia usage send x --source m', ['metered']],
    ['arcadia invoices list --incl', ['--include-superseded']],
  ])('%s', (typed, expected) => {
    const answer = run('fish', '--no-config', '-c', `source arcadia.fish; complete -C '${typed}'`);
    expect(
      answer
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]),
    ).toEqual(expected);
  });
});

describe('quoting', () => {
  const odd = [
    {
      path: '',
      commands: [{ name: 'a', description: `it's 50:50 \\ "$HOME"` }],
      options: [],
      choices: null,
      takesFile: false,
    },
  ];
  test('descriptions are text, whatever is in them', () => {
    expect(zshCompletion('x', odd)).toContain(`'a:it'\\''s 50:50 \\ "$HOME"'`);
    expect(fishCompletion('x', odd)).toContain(`-d 'it\\'s 50:50 \\\\ "$HOME"'`);
  });
});
