import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { afterInterruption } from '../../src/cli/record-action.ts';
import { renderInterruption } from '../../src/cli/interruption.ts';
import { createProgram } from '../../src/cli/program.ts';
import { wantsJson, wantsStack } from '../../src/cli/output.ts';
import { leavesOf } from './_leaves.ts';

const program = await createProgram();
const leaves = leavesOf(program).map(({ path, command }) => [path.join(' '), command] as const);

/** What `--help` prints. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (written) => (text += written) }).outputHelp();
  return text;
}

test('there are commands to look at', () => {
  expect(leaves.length).toBeGreaterThan(35);
});

describe.each(leaves)('%s', (path, command) => {
  const help = helpOf(command);

  test('says what it does, in a line', () => {
    expect(command.description()).toMatch(/^[^\n]{10,100}$/);
    expect(command.description()).not.toMatch(/^[A-Z]|\.$/);
  });

  test('says of each argument and option what it is for', () => {
    for (const { description } of [...command.options, ...command.registeredArguments]) {
      expect(description).toMatch(/\S/);
    }
  });

  test('has an example of itself that can be typed as it is', () => {
    const examples = (help.split(/^Examples?:\n/m)[1] ?? '').split('\n\n')[0] ?? '';
    expect(examples).toMatch(new RegExp(`^ {2}.*(?:npm run cli -- |arcadia )${path}`, 'm'));
    const known = [...command.options, ...program.options].map(({ long }) => long);
    const own = examples.replaceAll('npm run --silent', '').matchAll(/(?<= )--[a-z][\w-]*/g);
    for (const [option] of own) expect(known).toContain(option);
  });

  test('names the exit codes, and takes --json', () => {
    expect(help).toMatch(/^Exit codes: 0 success, 1 failure, 2 .*, 3 .*, 130 /m);
    expect(help).toMatch(/^ {2}--json /m);
  });

  test('fits into 110 columns', () => {
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });
});

test('the list of commands is the same before and after their modules are loaded', async () => {
  const unloaded = await createProgram(() => false);
  expect(unloaded.commands.flatMap(({ commands }) => commands)).toEqual([]);
  expect(helpOf(unloaded)).toBe(helpOf(program));
});

test('only the modules of the used part are loaded', async () => {
  const keys = await createProgram((name) => name === 'keys');
  expect(leavesOf(keys).filter(({ path }) => path.length === 2)).toHaveLength(6);
});

test('no command takes an option that holds everywhere for itself', () => {
  const everywhere = new Set(program.options.map(({ long }) => long));
  for (const [path, { options }] of leaves) {
    expect(
      options.filter(({ long }) => everywhere.has(long)),
      path,
    ).toEqual([]);
  }
});

describe('what holds everywhere is found where the arguments make no sense, too', () => {
  test('--json', () => {
    expect(wantsJson(['node', 'main', '--json', 'frobnicate'])).toBe(true);
    expect(wantsJson(['node', 'main', 'frobnicate'])).toBe(false);
    expect(wantsJson(['node', 'main', 'frobnicate', '--', '--json'])).toBe(false);
  });
  test.each([
    [['--verbose'], {}, true],
    [[], { DEBUG: '1' }, true],
    [[], { LOG_LEVEL: 'debug' }, true],
    [[], { LOG_LEVEL: 'info', DEBUG: '' }, false],
  ])('a stack: %j %j', (argv, env, expected) => {
    expect(wantsStack(argv, env)).toBe(expected);
  });
});

describe('an interruption', () => {
  test('of most commands may be repeated', () => {
    expect(afterInterruption('invoices.void', undefined)).toMatch(/It is safe to repeat/);
  });
  test('of a request names its id, so that it is sent once', () => {
    expect(afterInterruption('month-end.force', 'mine')).toContain('--request-id mine');
  });
  test.each(['keys.create', 'keys.rotate', 'keys.sign'])(
    'of %s says what to look for',
    (action) => {
      expect(afterInterruption(action, undefined)).toMatch(/^Check `keys list`/);
      expect(afterInterruption(action, undefined)).not.toMatch(/is safe/);
    },
  );
  test('is a sentence for people, and an error for programs', () => {
    expect(renderInterruption(['Half is done.'], false)).toBe('Interrupted. Half is done.');
    expect(JSON.parse(renderInterruption(['Half is done.'], true))).toEqual({
      error: 'interrupted',
      reason: 'Interrupted',
      hint: 'Half is done.',
    });
    expect(renderInterruption([], true)).toContain('"hint":null');
  });
});
